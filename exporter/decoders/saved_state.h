// The text form of a decoder's state between two pieces of a file, which the ledger stores with the
// checkpoint: a JSON object with a version and with names instead of enum numbers.
//
//   {"v":1,"phase":"reported","operation":"backup","errors":2,"result":"warning"}
//
// Members with their default value (zero, false, empty, unknown) are left out, so that states stay
// small. A state without "v" was written before states had versions; old_state.h converts it. For
// decoders only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/time.h"
#include "model/run.h"

namespace backup_exporter {

// The version that is written. A state of any other version reads as no state.
inline constexpr int kStateVersion = 1;

// Builds one object, member by member. A key may be used once.
class StateWriter {
 public:
  void Add(const char* key, const std::optional<Time>& time);  // microseconds since the epoch
  void Add(const char* key, const std::optional<std::uint64_t>& count);
  void Add(const char* key, std::uint64_t count);
  void Add(const char* key, bool value);
  void Add(const char* key, std::string_view text);
  void Add(const char* key, const char* text) { Add(key, std::string_view(text)); }
  void Add(const char* key, const std::string& text) { Add(key, std::string_view(text)); }
  void Add(const char* key, const std::optional<Operation>& operation);
  // An object or array; left out if empty.
  void AddJson(const char* key, Json value);

  [[nodiscard]] bool empty() const { return object_.empty(); }
  // The object alone, for a member of another state.
  [[nodiscard]] Json Take() { return std::move(object_); }
  // The whole state with its version. Bytes that are not UTF-8 become U+FFFD.
  [[nodiscard]] std::string Text() const;

 private:
  Json object_ = Json::object();
};

// Reads a saved object. Times and names follow the rules of Members: an absent member is nullopt,
// an impossible time or unknown name makes Sound() false.
class StateReader : public Members {
 public:
  using Members::Members;

  std::optional<Time> Instant(const char* key);
  std::optional<Operation> OperationIn(const char* key);
  std::optional<RunResult> ResultIn(const char* key);
  std::optional<Reason> ReasonIn(const char* key);
  std::optional<Level> LevelIn(const char* key);
  // The index of the member's name in `names`.
  template <std::size_t size>
  std::optional<std::size_t> IndexIn(const char* key,
                                     const std::array<std::string_view, size>& names) {
    return Index(key, names.data(), size);
  }
  // A member that is an object, or an array; nullptr if there is none.
  [[nodiscard]] const Json* Object(const char* key) const;
  [[nodiscard]] const Json* Array(const char* key) const;

 private:
  std::optional<std::size_t> Index(const char* key, const std::string_view* names,
                                   std::size_t size);
};

// The object in `saved`, or nullopt if it is not a state of this version. `convert` brings a state
// from before versions into the present form, or returns nullopt.
[[nodiscard]] std::optional<Json> ReadState(std::string_view saved,
                                            std::optional<Json> (*convert)(const Json& old));

}  // namespace backup_exporter

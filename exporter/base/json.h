// Parses JSON from outside the program: the output of backup tools, the answers of services, saved
// state. Nothing throws, the depth of nesting is limited, and a member of the wrong type is
// reported instead of converted.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace backup_exporter {

using Json = nlohmann::json;

// The deepest nesting of arrays and objects that ParseJson accepts. Parsing, copying and destroying
// a value takes stack space in proportion to its depth; this depth needs little even at -O0.
inline constexpr int kMaxJsonDepth = 100;

// Returns nullopt if `text` is not one complete JSON value in UTF-8, if a number does not fit in a
// double, or if the value nests deeper than kMaxJsonDepth. Of duplicate keys the last one wins. An
// unpaired surrogate ("\udc80") becomes U+FFFD. Safe for untrusted text of any size. Thread-safe.
[[nodiscard]] std::optional<Json> ParseJson(std::string_view text);

// Reads the members of one object. A member that is absent or null reads as nullopt (text: as
// empty). A member of the wrong type, such as a negative size or a string for a number, reads the
// same way and makes Sound() false.
class Members {
 public:
  // `object` must be an object and must outlive this reader.
  explicit Members(const Json& object) : object_(object) {}

  [[nodiscard]] bool Has(const char* key) const { return object_.contains(key); }
  std::optional<std::uint64_t> Count(const char* key);
  std::optional<int> Integer(const char* key);
  std::optional<double> Number(const char* key);
  std::optional<bool> Boolean(const char* key);
  std::string Text(const char* key);
  // A number of seconds since the epoch, or of a duration. A value outside the range that a run can
  // have reads as nullopt and is sound.
  std::optional<Time> EpochSeconds(const char* key);
  std::optional<Duration> Seconds(const char* key);
  // An RFC 3339 time. The year 0001, which Go programs write for "never", reads as nullopt and is
  // sound.
  std::optional<Time> Stamp(const char* key);

  [[nodiscard]] bool Sound() const { return sound_; }
  // The number of members whose keys are not in `known`.
  [[nodiscard]] std::uint64_t Unknown(std::initializer_list<std::string_view> known) const;

 protected:
  // nullptr if the member is absent or null.
  [[nodiscard]] const Json* Find(const char* key) const;
  void MarkUnsound() { sound_ = false; }

 private:
  const Json& object_;
  bool sound_ = true;
};

}  // namespace backup_exporter

// Reading JSON that others wrote: nothing throws, nothing nests without end, and a member of the
// wrong type is noticed instead of guessed. For the decoders' own sources.
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

// nullopt for what is no JSON, has a number that no double holds, or nests deeper than 100 levels.
// Of doubled keys the last wins; halves of surrogate pairs are replaced by U+FFFD.
[[nodiscard]] std::optional<Json> ParseJson(std::string_view text);

// How decoders save what may not be known; Members reads it back.
[[nodiscard]] Json Saved(const std::optional<Time>& time);  // microseconds since the epoch
[[nodiscard]] Json Saved(const std::optional<std::uint64_t>& count);
// nullopt for what is no time between the years 1 and 9999.
[[nodiscard]] std::optional<Time> SavedTime(const Json& micros);

// Reads members of an object. A member that is there with the wrong type (a negative size, a text
// for a number) makes Sound() false; one that is absent or null is nullopt.
class Members {
 public:
  // `object` must outlive this.
  explicit Members(const Json& object) : object_(object) {}

  [[nodiscard]] bool Has(const char* key) const { return object_.contains(key); }
  std::optional<std::uint64_t> Count(const char* key);
  std::optional<int> Integer(const char* key);
  std::optional<double> Number(const char* key);
  std::optional<bool> Boolean(const char* key);
  // Empty where absent.
  std::string Text(const char* key);
  // As decoders save times.
  std::optional<Time> Micros(const char* key);
  // Seconds since the epoch, and of a duration; those that no run has are nullopt and sound.
  std::optional<Time> EpochSeconds(const char* key);
  std::optional<Duration> Seconds(const char* key);
  // An RFC 3339 stamp; the year 0001 ("never") is nullopt and sound.
  std::optional<Time> Stamp(const char* key);

  [[nodiscard]] bool Sound() const { return sound_; }
  // How many members are none of these.
  [[nodiscard]] std::uint64_t Unknown(std::initializer_list<std::string_view> known) const;

 private:
  const Json* Find(const char* key) const;

  const Json& object_;
  bool sound_ = true;
};

}  // namespace backup_exporter

#include "base/zone.h"

#include <date/tz.h>

#include <array>
#include <cstdlib>
#include <exception>

#include "base/parse.h"
#include "base/utf8.h"

namespace backup_exporter {
namespace {

// Parses so many digits at the start of `text` and removes them from it.
std::optional<int> ConsumeNumber(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  const auto number = WholeNumber(text.substr(0, digits));
  if (number) text.remove_prefix(digits);
  return number;
}

bool ConsumeOneOf(std::string_view& text, std::string_view characters) {
  if (text.empty() || characters.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<LocalTime> ParseLocalTime(std::string_view text) {
  struct Field {
    std::string_view separators;  // one of them is in front of the digits; empty: nothing is
    std::size_t digits;
  };
  constexpr std::array<Field, 6> kFields{
      {{"", 4}, {"-", 2}, {"-", 2}, {"T ", 2}, {":", 2}, {":", 2}}};
  std::array<int, kFields.size()> values{};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto& [separators, digits] = kFields[i];
    if (!separators.empty() && !ConsumeOneOf(text, separators)) return std::nullopt;
    const auto number = ConsumeNumber(text, digits);
    if (!number) return std::nullopt;
    values[i] = *number;
  }
  const auto [year, month, day, hour, minute, second] = values;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;

  int micros = 0;
  if (ConsumeOneOf(text, ".,")) {
    const std::size_t digits = text.size();
    const auto fraction = digits <= 6 ? ConsumeNumber(text, digits) : std::nullopt;
    if (!fraction) return std::nullopt;
    micros = *fraction;
    for (std::size_t i = digits; i < 6; ++i) micros *= 10;
  }
  if (!text.empty()) return std::nullopt;
  return std::chrono::local_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + std::chrono::microseconds(micros);
}

Result<TimeZone> TimeZone::Find(const std::string& name) {
  const auto locate = [](const std::string& zone) -> const date::time_zone* {
    try {
      return date::locate_zone(zone);
    } catch (const std::exception&) {
      return nullptr;
    }
  };
  if (!name.empty()) {
    if (const auto* zone = locate(name)) return TimeZone(zone);
    return Fail(ErrorKind::kInvalid, "unknown time zone " + Quoted(name) +
                                         ": it must be a name from the system's tzdata, such as "
                                         "Europe/Berlin or UTC");
  }
  const char* variable = std::getenv("TZ");
  std::string own = variable != nullptr ? variable : "";
  if (own.starts_with(':')) own.erase(0, 1);
  if (const auto* zone = own.empty() ? nullptr : locate(own)) return TimeZone(zone);
  try {
    return TimeZone(date::current_zone());
  } catch (const std::exception&) {
    return TimeZone();
  }
}

TimeZone::Instants TimeZone::At(LocalTime local) const {
  if (zone_ == nullptr) return {Time(local.time_since_epoch()), Time(local.time_since_epoch())};
  const date::local_time<std::chrono::microseconds> shown(local.time_since_epoch());
  const date::local_info info = zone_->get_info(date::floor<std::chrono::seconds>(shown));
  const auto by = [&](const date::sys_info& rule) {
    return Time(local.time_since_epoch() - rule.offset);
  };
  const bool twice = info.result == date::local_info::ambiguous;
  return {by(info.first), by(twice ? info.second : info.first)};
}

TimeZone::Period TimeZone::PeriodAt(Time time) const {
  using std::chrono::year;
  if (zone_ == nullptr) {
    return {std::chrono::sys_days(year::min() / 1 / 1), std::chrono::sys_days(year::max() / 1 / 1),
            Duration(0)};
  }
  const date::sys_info info = zone_->get_info(date::floor<std::chrono::seconds>(time));
  return {info.begin, info.end, info.offset};
}

}  // namespace backup_exporter

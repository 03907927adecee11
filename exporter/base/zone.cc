#include "base/zone.h"

#include <date/tz.h>

#include <cstdlib>
#include <exception>

#include "base/parse.h"

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
  const auto year = ConsumeNumber(text, 4);
  if (!year || !ConsumeOneOf(text, "-")) return std::nullopt;
  const auto month = ConsumeNumber(text, 2);
  if (!month || !ConsumeOneOf(text, "-")) return std::nullopt;
  const auto day = ConsumeNumber(text, 2);
  if (!day || !ConsumeOneOf(text, "T ")) return std::nullopt;
  const auto hour = ConsumeNumber(text, 2);
  if (!hour || !ConsumeOneOf(text, ":")) return std::nullopt;
  const auto minute = ConsumeNumber(text, 2);
  if (!minute || !ConsumeOneOf(text, ":")) return std::nullopt;
  const auto second = ConsumeNumber(text, 2);
  const std::chrono::year_month_day date{std::chrono::year(year.value_or(0)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!second || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;

  int micros = 0;
  if (ConsumeOneOf(text, ".,")) {
    const std::size_t digits = text.size();
    const auto fraction = digits <= 6 ? ConsumeNumber(text, digits) : std::nullopt;
    if (!fraction) return std::nullopt;
    micros = *fraction;
    for (std::size_t i = digits; i < 6; ++i) micros *= 10;
  }
  if (!text.empty()) return std::nullopt;
  return std::chrono::local_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + std::chrono::microseconds(micros);
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
    return Fail(ErrorKind::kInvalid, "no time zone \"" + name +
                                         "\" is known; it must be a name such as Europe/Berlin or "
                                         "UTC, from the system's tzdata");
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

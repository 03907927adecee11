#include "base/time.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>

namespace backup_exporter {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Parses the fixed fields of a time stamp from left to right. After an error, IsValid() is false.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  int Digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!AtDigit()) return Failed();
      value = value * 10 + (text_[position_++] - '0');
    }
    return value;
  }

  char OneOf(std::string_view allowed) {
    if (position_ >= text_.size() || allowed.find(text_[position_]) == std::string_view::npos) {
      Failed();
      return '\0';
    }
    return text_[position_++];
  }

  // An optional point and digits, in microseconds; the seventh digit and later ones are dropped.
  microseconds Fraction() {
    if (position_ >= text_.size() || text_[position_] != '.') return microseconds(0);
    ++position_;
    if (!AtDigit()) Failed();
    std::int64_t value = 0;
    std::int64_t unit = 100'000;
    for (; AtDigit(); ++position_, unit /= 10) value += unit * (text_[position_] - '0');
    return microseconds(value);
  }

  [[nodiscard]] bool IsValid() const { return valid_ && position_ == text_.size(); }

 private:
  [[nodiscard]] bool AtDigit() const {
    return position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9';
  }
  int Failed() {
    valid_ = false;
    return 0;
  }

  std::string_view text_;
  std::size_t position_ = 0;
  bool valid_ = true;
};

microseconds RoundedMicros(double value) {  // seconds
  return microseconds(static_cast<std::int64_t>(std::round(value * 1e6)));
}

}  // namespace

std::optional<Time> ParseRfc3339(std::string_view text) {
  Parser parser(text);
  const int year = parser.Digits(4);
  parser.OneOf("-");
  const int month = parser.Digits(2);
  parser.OneOf("-");
  const int day = parser.Digits(2);
  parser.OneOf("Tt ");
  const int hour = parser.Digits(2);
  parser.OneOf(":");
  const int minute = parser.Digits(2);
  parser.OneOf(":");
  const int second = parser.Digits(2);
  const microseconds fraction = parser.Fraction();
  minutes offset{0};
  const char zone = parser.OneOf("Zz+-");
  if (zone == '+' || zone == '-') {
    const int offset_hours = parser.Digits(2);
    parser.OneOf(":");
    const int offset_minutes = parser.Digits(2);
    if (offset_hours > 23 || offset_minutes > 59) return std::nullopt;
    offset = hours(offset_hours) + minutes(offset_minutes);
    if (zone == '-') offset = -offset;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!parser.IsValid() || !date.ok() || year <= 1 || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  return Time(std::chrono::sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) +
         fraction - offset;
}

std::string FormatUtc(Time time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string FormatExactUtc(Time time) {
  std::string text = FormatUtc(time);
  text.pop_back();
  const auto micros = time - std::chrono::floor<seconds>(time);
  return fmt::format("{}.{:06}Z", text, micros.count());
}

std::optional<std::chrono::seconds> ParseSpan(std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000;  // of any unit
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || number <= 0 || number > kMost) return std::nullopt;
  if (unit == "s") return std::chrono::seconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  if (unit == "h") return std::chrono::hours(number);
  if (unit == "d") return std::chrono::days(number);
  return std::nullopt;
}

double ToSeconds(Time time) { return ToSeconds(time.time_since_epoch()); }

double ToSeconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

std::optional<Time> TimeFromSeconds(double value) {
  constexpr double kYear10000 = 253402300800;
  if (!(value > 0 && value < kYear10000)) return std::nullopt;
  return Time(RoundedMicros(value));
}

std::optional<Duration> DurationFromSeconds(double value) {
  if (!(value >= 0 && value < 1e9)) return std::nullopt;
  return RoundedMicros(value);
}

Time SystemClock::Now() const {
  return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::Steady() const { return std::chrono::steady_clock::now(); }

std::optional<Time> BootTime() {
  std::ifstream stat("/proc/stat");
  for (std::string word; stat >> word;) {
    std::int64_t value = 0;
    if (word == "btime" && stat >> value) return Time(seconds(value));
  }
  return std::nullopt;
}

}  // namespace backup_exporter

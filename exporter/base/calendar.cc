#include "base/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/parse.h"
#include "base/recurring_times.h"
#include "base/utf8.h"

namespace backup_exporter {
namespace {

struct Part {
  std::string_view name;
  std::int64_t first;
  std::int64_t last;
  std::int64_t unit = 1;
};
constexpr Part kYear{"year", 1970, 2199};
constexpr Part kMonth{"month", 1, 12};
constexpr Part kDay{"day of the month", 1, 31};
constexpr Part kDayBackwards{"day from the end of the month", 1, 28};
constexpr Part kHour{"hour", 0, 23};
constexpr Part kMinute{"minute", 0, 59};
constexpr Part kSecond{"second", 0, 59'999'999, 1'000'000};

constexpr std::array<std::string_view, 7> kWeekdays{"sunday",   "monday", "tuesday", "wednesday",
                                                    "thursday", "friday", "saturday"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kShorthands{
    {{"minutely", "*:*"},
     {"hourly", "*:0"},
     {"daily", "0:0"},
     {"weekly", "mon"},
     {"monthly", "*-1"},
     {"quarterly", "1/3-1"},
     {"semiannually", "1/6-1"},
     {"semi-annually", "1/6-1"},
     {"biannually", "1/6-1"},
     {"bi-annually", "1/6-1"},
     {"yearly", "1-1"},
     {"annually", "1-1"},
     {"anually", "1-1"}}};  // systemd accepts this misspelling

template <typename... Arguments>
tl::unexpected<Error> Wrong(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return Fail(ErrorKind::kInvalid,
              fmt::format(format, std::forward<Arguments>(arguments)...) +
                  "; an example of a calendar event is `Mon..Fri *-*-* 02:30`");
}

// In units of 1 / `unit`. Seconds may have a fraction, which is rounded to 6 digits.
std::optional<std::int64_t> ParseNumber(std::string_view text, std::int64_t unit) {
  const std::size_t point = unit == 1 ? text.npos : text.find('.');
  const auto whole = WholeNumber(text.substr(0, point));
  if (!whole || point == text.npos) {
    return whole ? std::optional(*whole * unit) : std::nullopt;
  }
  std::string digits(text.substr(point + 1));
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  digits.resize(std::max<std::size_t>(digits.size(), 7), '0');
  const int fraction = WholeNumber(digits.substr(0, 7)).value_or(0);
  return *whole * unit + (fraction + 5) / 10;
}

std::int64_t FullYear(std::int64_t year) {
  return year < 70 ? year + 2000 : year < 100 ? year + 1900 : year;
}

Result<Steps> ParseSteps(const Part& part, std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view range = text.substr(0, slash);
  const std::size_t dots = range.find("..");
  const bool has_step = slash != text.npos;
  const bool has_end = dots != range.npos;
  if (range == "*" && has_step) {
    return Wrong("the {} {} must begin with a number, as in `{}{}`", part.name, Quoted(text),
                 part.first, text.substr(slash));
  }
  const auto number = [&](std::string_view digits) {
    const auto value = ParseNumber(digits, part.unit);
    return value && part.name == kYear.name ? FullYear(*value) : value.value_or(-1);
  };
  const std::int64_t first = number(range.substr(0, dots));
  std::int64_t last = has_end ? number(range.substr(dots + 2)) : first;
  const std::int64_t step =
      has_step ? ParseNumber(text.substr(slash + 1), part.unit).value_or(0) : part.unit;
  if (step == 0) {
    return Wrong("the {} must have a number above 0 after the `/`, not {}", part.name,
                 Quoted(text));
  }
  if (last >= 0 && last < first) {
    return Wrong("the {} ends before it begins: {}", part.name, Quoted(range));
  }
  last -= (last - first) % step;  // the last value reached: `0..60/7` ends at 56
  if (first < part.first || last < first || last > part.last) {
    return Wrong("the {} must be from {} to {}, not {}", part.name, part.first / part.unit,
                 part.last / part.unit, Quoted(text));
  }
  if (has_end || !has_step) return Steps{first, last, step};
  // Without an end, steps go on to the last value, which is 1 for days from the end of the month.
  const bool down = part.name == kDayBackwards.name;
  const std::int64_t room = down ? first - part.first : part.last - first;
  if (step > room) {
    return Wrong("the {} has no second value: the step of {} is too large", part.name,
                 Quoted(text));
  }
  return down ? Steps{first - room / step * step, first, step} : Steps{first, part.last, step};
}

Result<std::vector<Steps>> ParsePart(const Part& part, std::string_view text) {
  std::vector<Steps> all;
  if (text == "*") return std::vector<Steps>{{part.first, part.last, part.unit}};
  for (const std::string_view item : Split(text, ',')) {
    const auto steps = ParseSteps(part, item);
    if (!steps) return tl::unexpected(steps.error());
    all.push_back(*steps);
  }
  return all;
}

std::optional<unsigned> FindWeekday(std::string_view name) {
  for (unsigned day = 0; day < kWeekdays.size(); ++day) {
    // systemd's weeks begin on Monday, so Sunday may end a range.
    const std::string_view known = kWeekdays[(day + 1) % 7];
    if (name == known || name == known.substr(0, 3)) return day;
  }
  return std::nullopt;
}

Result<Bits> ParseWeekdays(std::string_view text) {
  Bits weekdays = 0;
  const std::string lower = Lower(text);
  auto items = Split(lower, ',');
  if (items.back().empty()) items.pop_back();  // "Wed, 17:48"
  for (const std::string_view item : items) {
    const std::size_t mark = item.find_first_of(".-");
    const std::size_t skip = mark != item.npos && item.substr(mark).starts_with("..") ? 2 : 1;
    const auto first = FindWeekday(item.substr(0, mark));
    const auto last = mark == item.npos ? first : FindWeekday(item.substr(mark + skip));
    if (!first || !last || *last < *first) {
      return Wrong("{} is not a weekday or a range of weekdays from Mon to Sun", Quoted(item));
    }
    for (unsigned day = *first; day <= *last; ++day) weekdays |= Bits{1} << (day + 1) % 7;
  }
  return weekdays;
}

// Parses the parts of an expression into RecurringTimes and keeps the first error.
class Parser {
 public:
  [[nodiscard]] RecurringTimes& times() { return times_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  void Weekdays(std::string_view text) { Assign(ParseWeekdays(text), times_.weekdays); }
  void Date(std::string_view text) {
    const std::size_t tilde = text.find('~');
    auto parts = Split(text.substr(0, tilde), '-');
    if (tilde != text.npos) parts.push_back(text.substr(tilde + 1));
    if (parts.size() > 3) {
      return KeepError(
          Wrong("{} is not a date: it has more parts than year, month and day", Quoted(text)));
    }
    const std::string_view day = parts.back();
    times_.backwards = tilde != text.npos && day != "*";
    if (parts.size() == 3) Assign(ParsePart(kYear, parts[0]), times_.years);
    Set(kMonth, parts[parts.size() - 2], times_.months);
    Set(times_.backwards ? kDayBackwards : kDay, day, times_.days);
  }
  void TimeOfDay(std::string_view text) {
    const auto parts = Split(text, ':');
    if (parts.size() > 3) {
      return KeepError(
          Wrong("{} is not a time: it has more parts than hour, minute and second", Quoted(text)));
    }
    Set(kHour, parts[0], times_.hours);
    Set(kMinute, parts[1], times_.minutes);
    if (parts.size() == 3) Assign(ParsePart(kSecond, parts[2]), times_.micros);
  }
  void KeepError(tl::unexpected<Error> error) {
    if (!error_) error_ = std::move(error.value());
  }

 private:
  template <typename T>
  void Assign(Result<T> result, T& value) {
    if (result) {
      value = std::move(*result);
    } else {
      KeepError(tl::unexpected(result.error()));
    }
  }
  void Set(const Part& part, std::string_view text, Bits& bits) {
    Assign(ParsePart(part, text).map(BitsOf), bits);
  }

  // Every day at midnight.
  RecurringTimes times_{.months = ~Bits{0},
                        .days = ~Bits{0},
                        .weekdays = ~Bits{0},
                        .hours = 1,
                        .minutes = 1,
                        .micros = {{0, 0}}};
  std::optional<Error> error_;
};

bool BeginsWithLetter(std::string_view text) {
  const char first = Lower(text.substr(0, 1)).front();
  return first >= 'a' && first <= 'z';
}

}  // namespace

Result<std::shared_ptr<const Schedule>> ParseCalendar(std::string_view text, const TimeZone& zone) {
  auto words = SplitAtBlanks(text);
  if (words.empty()) return Wrong("it must not be empty");
  TimeZone own_zone = zone;
  if (words.size() > 1 && BeginsWithLetter(words.back())) {
    const std::string name(words.back());
    auto found = TimeZone::Find(Lower(name) == "utc" ? "UTC" : name);
    if (!found) return tl::unexpected(found.error());
    own_zone = *found;
    words.pop_back();
  }
  const auto* const known =
      std::ranges::find(kShorthands, Lower(words[0]), [](const auto& pair) { return pair.first; });
  if (words.size() == 1 && known != kShorthands.end()) words = {known->second};

  Parser parser;
  auto word = words.begin();
  if (BeginsWithLetter(*word)) parser.Weekdays(*word++);
  if (word != words.end() && word->find_first_of("-~") != word->npos) parser.Date(*word++);
  if (word != words.end() && word->find(':') != word->npos) parser.TimeOfDay(*word++);
  if (word != words.end()) {
    parser.KeepError(
        Wrong("{} is not a weekday, date (with `-`), time (with `:`) or zone at this "
              "position",
              Quoted(*word)));
  }
  if (parser.error()) return tl::unexpected(*parser.error());
  return ByTheClock(std::move(parser.times()), own_zone, ClockChange::kOnce);
}

}  // namespace backup_exporter

#include "base/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/parse.h"
#include "base/recurring_times.h"
#include "base/utf8.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kExample = "`30 2 * * 1-5` (at 02:30 from Monday to Friday)";

struct Field {
  std::string_view name;
  int first;
  int last;
  std::string_view names = {};  // three letters each; the first name is for `first`
};
constexpr std::array<Field, 5> kFields{{{"minute", 0, 59},
                                        {"hour", 0, 23},
                                        {"day of the month", 1, 31},
                                        {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                                        {"day of the week", 0, 7, "sunmontuewedthufrisat"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kShorthands{
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"},
     {"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"}}};

template <typename... Arguments>
tl::unexpected<Error> Wrong(const Field& field, fmt::format_string<Arguments...> format,
                            Arguments&&... arguments) {
  return Fail(ErrorKind::kInvalid,
              fmt::format("the {} {}; an example of a cron schedule is {}", field.name,
                          fmt::format(format, std::forward<Arguments>(arguments)...), kExample));
}

Result<int> ParseValue(const Field& field, std::string_view text) {
  const std::size_t name = text.size() == 3 ? field.names.find(Lower(text)) : text.npos;
  if (name != text.npos && name % 3 == 0) return field.first + static_cast<int>(name / 3);
  const auto number = WholeNumber(text);
  if (number && *number >= field.first && *number <= field.last) return *number;
  return Wrong(field, "must be from {} to {}{}, not {}", field.first, field.last,
               field.names.empty() ? "" : ", or a name such as " + std::string(field.names, 0, 3),
               Quoted(text));
}

Result<Steps> ParseSteps(const Field& field, std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view range = text.substr(0, slash);
  const std::size_t dash = range.find('-');
  Steps steps{field.first, field.last};
  if (range != "*") {
    const auto first = ParseValue(field, range.substr(0, dash));
    if (!first) return tl::unexpected(first.error());
    const auto last = dash == range.npos ? first : ParseValue(field, range.substr(dash + 1));
    if (!last) return tl::unexpected(last.error());
    if (*last < *first) {
      return Wrong(field, "ends before it begins: {}", Quoted(range));
    }
    steps = {*first, *last};
  }
  if (slash == text.npos) return steps;
  if (range != "*" && dash == range.npos) {
    return Wrong(field, "may have a step only after `*` or a range (`{}-{}/…`), not {}", range,
                 field.last, Quoted(text));
  }
  const auto step = WholeNumber(text.substr(slash + 1));
  if (step.value_or(0) == 0) {
    return Wrong(field, "must have a number above 0 after the `/`, not {}", Quoted(text));
  }
  steps.step = *step;
  return steps;
}

Result<Bits> ParseField(const Field& field, std::string_view text) {
  std::vector<Steps> all;
  for (const std::string_view part : Split(text, ',')) {
    const auto steps = ParseSteps(field, part);
    if (!steps) return tl::unexpected(steps.error());
    all.push_back(*steps);
  }
  return BitsOf(all);
}

}  // namespace

Result<std::shared_ptr<const Schedule>> ParseCron(std::string_view text, const TimeZone& zone) {
  auto fields = SplitAtBlanks(text);
  if (fields.size() == 1 && fields[0].starts_with('@')) {
    if (fields[0] == "@reboot") {
      return Fail(
          ErrorKind::kInvalid,
          "`@reboot` means the start of the host, which has no set time and cannot be overdue");
    }
    const auto* const known =
        std::ranges::find(kShorthands, fields[0], [](const auto& pair) { return pair.first; });
    if (known == kShorthands.end()) {
      return Fail(ErrorKind::kInvalid,
                  fmt::format("{} is not one of cron's shorthands: @hourly, @daily, @midnight, "
                              "@weekly, @monthly, @yearly and @annually",
                              Quoted(fields[0])));
    }
    fields = Split(known->second, ' ');
  }
  if (fields.size() != kFields.size()) {
    return Fail(ErrorKind::kInvalid,
                fmt::format("a cron schedule has 5 fields (minute, hour, day of the month, "
                            "month, day of the week), not {}; an example is {}",
                            fields.size(), kExample));
  }
  std::array<Bits, kFields.size()> bits{};
  std::array<bool, kFields.size()> star{};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto parsed = ParseField(kFields[i], fields[i]);
    if (!parsed) return tl::unexpected(parsed.error());
    bits[i] = *parsed;
    star[i] = fields[i].starts_with('*');
  }
  return ByTheClock({.months = bits[3],
                     .days = bits[2],
                     .weekdays = bits[4] | bits[4] >> 7,  // 7 is Sunday as well
                     .hours = bits[1],
                     .minutes = bits[0],
                     .micros = {{0, 0}},
                     .either = !star[2] && !star[4]},
                    zone, star[0] || star[1] ? ClockChange::kFollow : ClockChange::kCatchUp);
}

}  // namespace backup_exporter

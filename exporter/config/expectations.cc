#include "config/expectations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/calendar.h"
#include "base/cron.h"
#include "base/pattern.h"
#include "base/zone.h"

namespace backup_exporter {
namespace {

constexpr std::array kSchedules{"every", "cron", "calendar"};
constexpr std::size_t kLongestName = 128;

class Reader {
 public:
  std::vector<Expectation> Read(Section& root) {
    const YamlValue* list = root.List("backups");
    if (list == nullptr) return {};
    for (const auto& item : list->children) ReadEntry(*item, root.errors());
    return std::move(result_);
  }

 private:
  void ReadEntry(const YamlValue& value, ConfigErrors& errors) {
    Section entry(value, "a backup", errors);
    entry.Require("name",
                  "the backup's name as the page shows it, or a pattern such as "
                  "\"db-*\"");
    const std::string name = entry.Text("name").value_or("");
    if (name.size() > kLongestName) {
      entry.Note("name", fmt::format("`name` is longer than {} bytes", kLongestName));
    }
    const auto [first, is_new] = names_.emplace(name, entry.PositionOf("name"));
    if (!is_new && !name.empty()) {
      entry.Note("name", fmt::format("duplicate name {}: merge this entry with the one in line {}",
                                     Quoted(name), first->second.line));
    }
    for (const auto& [pattern, position] : names_) {
      if (is_new && pattern != name && Fits(pattern, name)) {
        entry.Note("name",
                   fmt::format("{} in line {} matches {}, too, and the first match applies: "
                               "move this entry above it",
                               Quoted(pattern), position.line, Quoted(name)));
      }
    }
    const TimeZone zone = ReadZone(entry, TimeZone::Find("").value_or(TimeZone()));
    ReadExpectation(entry, name, Operation::kBackup, zone);
    if (const YamlValue* map = entry.Map("operations")) {
      Section operations(*map, "`operations`", errors);
      for (int i = 0; i < kOperations; ++i) {
        const auto operation = static_cast<Operation>(i);
        const std::string key(Name(operation));
        const YamlValue* of = operations.Map(key);
        if (of == nullptr) continue;
        if (operation == Operation::kBackup) {
          operations.Note(key, "expectations of the backup itself belong one level up");
        }
        const std::string what = fmt::format("`{}`", key);
        Section section(*of, what, errors);
        ReadExpectation(section, name, operation, ReadZone(section, zone));
        section.RefuseOtherKeys();
      }
      operations.RefuseOtherKeys();
    }
    entry.RefuseOtherKeys();
  }

  static TimeZone ReadZone(Section& section, const TimeZone& fallback) {
    const auto name = section.Text("timezone");
    if (!name) return fallback;
    const auto zone = TimeZone::Find(*name);
    if (!zone) section.Note("timezone", zone.error().message);
    return zone.value_or(TimeZone());
  }

  void ReadExpectation(Section& section, const std::string& name, Operation operation,
                       const TimeZone& zone) {
    Expectation expectation{.backup = name, .operation = operation};
    ReadSchedule(section, zone, expectation);
    expectation.grace = section.Span("grace");
    expectation.max_duration = section.Span("max_duration");
    if (!name.empty()) result_.push_back(std::move(expectation));
  }

  static void ReadSchedule(Section& section, const TimeZone& zone, Expectation& expectation) {
    std::vector<std::string> given;
    for (const char* key : kSchedules) {
      if (section.Has(key)) given.emplace_back(key);
    }
    if (given.size() > 1) {
      section.Note(given[1],
                   fmt::format("`{}` and `{}` are both schedules: keep one", given[0], given[1]));
    }
    const YamlValue* every = section.Any("every");
    if (every != nullptr && every->kind == YamlValue::Kind::kText && every->text == "never") {
      expectation.never = true;
    } else if (const auto interval = section.Span("every")) {
      expectation.schedule = Every(*interval);
    }
    if (const auto text = section.Text("cron")) {
      SetSchedule(section, "cron", ParseCron(*text, zone), expectation);
    }
    if (const auto text = section.Text("calendar")) {
      SetSchedule(section, "calendar", ParseCalendar(*text, zone), expectation);
    }
  }

  static void SetSchedule(Section& section, std::string_view key,
                          Result<std::shared_ptr<const Schedule>> schedule,
                          Expectation& expectation) {
    if (!schedule) {
      section.Note(key, schedule.error().message);
    } else if (!(*schedule)->Next(SystemClock().Now())) {
      section.Note(key,
                   fmt::format("`{}` is never due again, so that no backup would be overdue", key));
    } else {
      expectation.schedule = std::move(*schedule);
    }
  }

  std::vector<Expectation> result_;
  std::map<std::string, TextPosition> names_;
};

}  // namespace

std::vector<Expectation> ReadExpectations(Section& root) { return Reader().Read(root); }

}  // namespace backup_exporter

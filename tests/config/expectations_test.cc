#include "config/expectations.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/config.h"

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using testing::ElementsAre;
using testing::Optional;

ConfigurationOrErrors Parse(const std::string& backups) {
  return ParseConfiguration("sources: [{format: restic, path: /x/*.jsonl}]\n" + backups, "c.yaml",
                            "/etc");
}

std::vector<Expectation> Expected(const std::string& backups) {
  const auto parsed = Parse(backups);
  if (parsed) return parsed->expectations;
  ADD_FAILURE() << Describe(parsed.error().at(0));
  return {};
}

std::vector<std::string> ErrorsIn(const std::string& backups) {
  std::vector<std::string> texts;
  const auto parsed = Parse(backups);
  if (parsed) return texts;
  for (const ConfigError& error : parsed.error()) texts.push_back(Describe(error));
  return texts;
}

// 2026-11-01, a Sunday, at noon.
constexpr Time kNoon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1) + 12h;

TEST(ConfiguredExpectations, ThereIsOneForEachOperation) {
  const auto all = Expected(R"(
backups:
  - name: home
    every: 24h
    grace: 2h
    max_duration: 6h
    operations:
      check: {every: 31d}
)");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].backup, "home");
  EXPECT_EQ(all[0].operation, Operation::kBackup);
  EXPECT_THAT(all[0].schedule->Next(kNoon), Optional(kNoon + 24h));
  EXPECT_THAT(all[0].grace, Optional(2h));
  EXPECT_THAT(all[0].max_duration, Optional(6h));
  EXPECT_EQ(all[1].backup, "home");
  EXPECT_EQ(all[1].operation, Operation::kCheck);
  EXPECT_THAT(all[1].schedule->Next(kNoon), Optional(kNoon + days(31)));
  EXPECT_EQ(all[1].grace, std::nullopt);
}

TEST(ConfiguredExpectations, SchedulesMayBeCronOrCalendarInAZone) {
  const auto all = Expected(R"(
backups:
  - {name: a, cron: "30 2 * * *", timezone: America/New_York}
  - {name: b, calendar: "Mon..Fri 02:30", timezone: UTC}
)");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_THAT(all[0].schedule->Next(kNoon), Optional(kNoon + 19h + 30min));
  EXPECT_THAT(all[1].schedule->Next(kNoon), Optional(kNoon + 14h + 30min));
}

TEST(ConfiguredExpectations, AnOperationInheritsTheZoneOfItsBackup) {
  const auto all = Expected(R"(
backups:
  - name: a
    timezone: America/New_York
    operations: {check: {cron: "30 2 * * *"}, prune: {cron: "30 2 * * *", timezone: UTC}}
)");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].schedule, nullptr) << "the backup itself has no schedule";
  EXPECT_THAT(all[1].schedule->Next(kNoon), Optional(kNoon + 19h + 30min));
  EXPECT_THAT(all[2].schedule->Next(kNoon), Optional(kNoon + 14h + 30min));
}

TEST(ConfiguredExpectations, EveryNeverMeansThatNoRunIsExpected) {
  const auto all = Expected("backups: [{name: scratch, every: never}]\n");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].never);
  EXPECT_EQ(all[0].schedule, nullptr);
}

TEST(ConfiguredExpectations, ErrorsSayWhatIsWrongAndWhere) {
  EXPECT_THAT(
      ErrorsIn(R"(
backups:
  - {every: 24h}
  - {name: a, every: 1 day}
  - {name: b, every: 24h, cron: "30 2 * * *"}
  - {name: c, timezone: Moon/Crater, cron: "30 2 * * *"}
  - {name: a, every: 24h, grade: 2h}
  - {name: d, operations: {backup: {every: 24h}, chek: {every: 24h}}}
)"),
      ElementsAre(
          "c.yaml:4:5: a backup needs `name`: the backup's name as the page shows it, or a pattern "
          "such as \"db-*\"",
          "c.yaml:5:22: `every` must be a number above 0 with s, m, h or d, such as 5m or 24h, "
          "not `1 day`",
          "c.yaml:6:33: `every` and `cron` are both schedules: keep one",
          testing::StartsWith("c.yaml:7:25: "),
          "c.yaml:8:12: duplicate name `a`: merge this entry with the one in line 5",
          "c.yaml:8:27: unknown key `grade`; did you mean `grace`?",
          "c.yaml:9:36: expectations of the backup itself belong one level up",
          "c.yaml:9:50: unknown key `chek`; did you mean `check`?"));
  for (const char* never : {"cron: \"0 0 31 2 *\"", "calendar: \"2020-01-01\""}) {
    EXPECT_THAT(ErrorsIn(fmt::format("backups: [{{name: a, {}}}]\n", never)),
                ElementsAre(testing::HasSubstr("is never due again")));
  }
  EXPECT_THAT(ErrorsIn("backups:\n  - {name: \"db-*\", every: 24h}\n  - {name: db-1, every: 1h}\n"),
              ElementsAre("c.yaml:4:12: `db-*` in line 3 matches `db-1`, too, and the first match "
                          "applies: move this entry above it"));
  EXPECT_THAT(ErrorsIn("backups: [{name: a, cron: \"30 25 * * *\"}]\n"),
              ElementsAre(testing::HasSubstr("c.yaml:2:")));
  EXPECT_THAT(ErrorsIn("backups: [{name: a, calendar: \"Moonday 02:30\"}]\n"),
              ElementsAre(testing::HasSubstr("c.yaml:2:")));
}

}  // namespace
}  // namespace backup_exporter

#include "web/landing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/build_info.h"

namespace backup_exporter {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Time kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + hours(4);

OperationStanding Ran(RunResult result, Duration ago) {
  OperationStanding runs;
  runs.last_run = LastRun{kNow - ago, result, {}, {}, {}};
  if (result == RunResult::kSuccess || result == RunResult::kWarning) {
    runs.last_success = kNow - ago;
    runs.last_success_evidence = Evidence::kReport;
  } else if (result != RunResult::kSkipped) {
    runs.last_failure = kNow - ago;
  }
  return runs;
}

class LandingPageTest : public testing::Test {
 protected:
  void Add(const std::string& name, OperationStanding runs) {
    auto backup = std::make_shared<BackupStanding>();
    backup->name = name;
    backup->operations = {std::move(runs)};
    standings.backups.push_back(backup);
  }

  [[nodiscard]] std::string Html() const {
    return LandingPage(standings, sources, "/metrics", kNow);
  }

  // The names of the backups in the order of the page.
  [[nodiscard]] std::vector<std::string> Names() const {
    const std::string html = Html();
    const std::string before = "<td data-label=\"Backup\">";
    std::vector<std::string> names;
    for (auto at = html.find(before); at != std::string::npos; at = html.find(before, at + 1)) {
      const auto begin = at + before.size();
      names.push_back(html.substr(begin, html.find('<', begin) - begin));
    }
    return names;
  }

  Standings standings;
  std::map<std::string, SourceStatus> sources;
};

TEST_F(LandingPageTest, TheHeaderShowsNameVersionAndALinkToTheMetrics) {
  EXPECT_THAT(Html(), HasSubstr("<h1>backup_exporter <small>" + std::string(kVersion)));
  EXPECT_THAT(Html(), HasSubstr("<a href=\"/metrics\">"));
  EXPECT_THAT(LandingPage(standings, sources, "/a\"b&c", kNow),
              HasSubstr("<a href=\"/a&quot;b&amp;c\">"));
}

TEST_F(LandingPageTest, ThePageHasNoScriptsAndLoadsNoFiles) {
  Add("home", Ran(RunResult::kSuccess, hours(1)));
  EXPECT_THAT(Html(), Not(HasSubstr("<script")));
  EXPECT_THAT(Html(), Not(HasSubstr("src=")));
  EXPECT_THAT(Html(), Not(HasSubstr("<link")));
  EXPECT_THAT(Html(), Not(HasSubstr("url(")));
}

TEST_F(LandingPageTest, ABackupIsShownWithItsLastRunAndSize) {
  OperationStanding runs = Ran(RunResult::kSuccess, hours(3) + minutes(20));
  runs.last_success_figures.added_bytes = 1'610'612'736;
  Add("home", runs);
  EXPECT_THAT(
      Html(),
      HasSubstr("<tr><td data-label=\"Backup\">home</td><td data-label=\"Operation\">backup</td>"
                "<td data-label=\"Last result\"><span class=\"good\">success</span></td>"
                "<td data-label=\"Last success\"><span>"
                "<time datetime=\"2026-11-21T00:40:00Z\">2026-11-21 00:40:00 UTC</time> "
                "<small>3 h ago, evidence: report</small></span></td>"
                "<td data-label=\"Due\"><span class=\"odd\">not watched</span></td>"
                "<td data-label=\"Added\">1.5 GiB</td></tr>"));
}

TEST_F(LandingPageTest, TheDeadlineIsShown) {
  OperationStanding runs = Ran(RunResult::kSuccess, hours(1));
  runs.expected = ExpectedStanding{.deadline = kNow + hours(5)};
  Add("home", runs);
  EXPECT_THAT(Html(), HasSubstr("2026-11-21 09:00:00 UTC</time> <small>in 5 h</small>"));
  runs.expected->origin = Origin::kLearned;
  Add("nas", runs);
  EXPECT_THAT(Html(), HasSubstr("<small>in 5 h, learned from history</small>"));
}

TEST_F(LandingPageTest, OverdueBackupsComeFirst) {
  OperationStanding runs = Ran(RunResult::kSuccess, days(3));
  runs.expected = ExpectedStanding{.deadline = kNow - days(2)};
  Add("failure", Ran(RunResult::kFailure, hours(1)));
  Add("late", runs);
  EXPECT_THAT(Names(), testing::ElementsAre("late", "failure"));
  EXPECT_THAT(Html(), HasSubstr("<span class=\"bad\">overdue since</span> <span><time "
                                "datetime=\"2026-11-19T04:00:00Z\">"));
}

TEST_F(LandingPageTest, ABackupThatIsNeverExpectedIsShownAsNotScheduled) {
  OperationStanding runs = Ran(RunResult::kSuccess, days(3));
  runs.never_expected = true;
  Add("scratch", runs);
  EXPECT_THAT(Html(), HasSubstr("not scheduled"));
  EXPECT_THAT(Html(), Not(HasSubstr("not watched")));
}

TEST_F(LandingPageTest, APauseIsShownWithItsEndAndReason) {
  OperationStanding runs = Ran(RunResult::kSuccess, days(3));
  runs.expected = ExpectedStanding{.deadline = kNow - days(2)};
  runs.paused = PauseStanding{.until = kNow + hours(8), .reason = "<new disk>"};
  Add("home", runs);
  EXPECT_THAT(Html(), HasSubstr("<small>in 8 h: &lt;new disk&gt;</small>"));
  EXPECT_THAT(Html(), Not(HasSubstr("overdue")));
}

TEST_F(LandingPageTest, AFailureIsShownWithItsReason) {
  OperationStanding runs = Ran(RunResult::kFailure, hours(1));
  runs.last_failure_reason = Reason::kNoSpace;
  Add("home", runs);
  EXPECT_THAT(Html(), HasSubstr("<span class=\"bad\">failure <small>no_space</small></span>"));
  EXPECT_THAT(Html(), HasSubstr("<span class=\"bad\">never</span>"));
}

TEST_F(LandingPageTest, TheReasonOfAnEarlierFailureIsNotShown) {
  OperationStanding runs = Ran(RunResult::kSuccess, hours(1));
  runs.last_failure = kNow - days(9);
  runs.last_failure_reason = Reason::kNoSpace;
  Add("home", runs);
  EXPECT_THAT(Html(), Not(HasSubstr("no_space")));
}

TEST_F(LandingPageTest, TheWorstResultsComeFirst) {
  Add("success", Ran(RunResult::kSuccess, hours(1)));
  Add("skipped", Ran(RunResult::kSkipped, hours(1)));
  Add("warning", Ran(RunResult::kWarning, hours(1)));
  Add("nothing finished", OperationStanding());
  Add("interrupted", Ran(RunResult::kInterrupted, hours(1)));
  Add("failure", Ran(RunResult::kFailure, hours(1)));
  EXPECT_THAT(Names(), testing::ElementsAre("failure", "interrupted", "nothing finished", "warning",
                                            "skipped", "success"));
}

TEST_F(LandingPageTest, AmongEqualResultsTheOldestSuccessComesFirst) {
  Add("young", Ran(RunResult::kSuccess, hours(1)));
  Add("old", Ran(RunResult::kSuccess, days(3)));
  Add("also young", Ran(RunResult::kSuccess, hours(1)));
  EXPECT_THAT(Names(), testing::ElementsAre("old", "also young", "young"));
}

TEST_F(LandingPageTest, AgesAreShownInOneUnit) {
  const std::vector<std::pair<Duration, std::string>> ages{
      {seconds(0), "just now"},     {seconds(59), "just now"}, {seconds(60), "1 min ago"},
      {minutes(59), "59 min ago"},  {hours(1), "1 h ago"},     {hours(47), "47 h ago"},
      {hours(48), "2 d ago"},       {days(400), "400 d ago"},  {-seconds(30), "just now"},
      {-hours(1), "in the future"},
  };
  for (const auto& [age, text] : ages) {
    standings.backups.clear();
    Add("home", Ran(RunResult::kSuccess, age));
    EXPECT_THAT(Html(), HasSubstr("<small>" + text + ", evidence: report</small>"));
  }
}

TEST_F(LandingPageTest, SizesAreShownInBinaryUnits) {
  const std::vector<std::pair<std::uint64_t, std::string>> sizes{{0, "0 B"},
                                                                 {1023, "1023 B"},
                                                                 {1024, "1.0 KiB"},
                                                                 {1'572'864, "1.5 MiB"},
                                                                 {~std::uint64_t{0}, "16.0 EiB"}};
  for (const auto& [size, text] : sizes) {
    OperationStanding runs = Ran(RunResult::kSuccess, hours(1));
    runs.last_success_figures.added_bytes = size;
    standings.backups.clear();
    Add("home", runs);
    EXPECT_THAT(Html(), HasSubstr("<td data-label=\"Added\">" + text + "</td>"));
  }
}

TEST_F(LandingPageTest, NamesAreEscaped) {
  Add("<b>\"a\" & 'b'\xFF", OperationStanding());
  sources["<i>"] = {};
  EXPECT_THAT(Html(), HasSubstr("&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;\uFFFD</td>"));
  EXPECT_THAT(Html(), HasSubstr("&lt;i&gt;"));
  EXPECT_THAT(Html(), Not(HasSubstr("<b>")));
  EXPECT_THAT(Html(), Not(HasSubstr("<i>")));
}

TEST_F(LandingPageTest, WithoutBackupsThePageExplainsWhatToCheck) {
  EXPECT_THAT(Html(), HasSubstr("No backups yet"));
  EXPECT_THAT(Html(), HasSubstr("No sources."));
  Add("home", OperationStanding());
  EXPECT_THAT(Html(), Not(HasSubstr("No backups yet")));
}

TEST_F(LandingPageTest, TheStateOfEverySourceIsShown) {
  SourceStatus up;
  up.up = true;
  up.checked = up.last_read = kNow;
  up.files = 2;
  SourceStatus blind = up;
  blind.checked = kNow - minutes(5);
  SourceStatus empty;
  empty.checked = kNow;
  SourceStatus unreadable = empty;
  unreadable.files = 3;
  unreadable.unreadable_files = 1;
  sources = {{"a up", up}, {"b blind", blind}, {"c empty", empty}, {"d unreadable", unreadable}};
  standings.sources = {{"e new", {}}};
  const std::string html = Html();
  EXPECT_THAT(html, HasSubstr("a up</td><td data-label=\"State\"><span class=\"good\">up<"));
  EXPECT_THAT(html, HasSubstr("b blind</td><td data-label=\"State\"><span class=\"bad\">stalled:"));
  EXPECT_THAT(html,
              HasSubstr("c empty</td><td data-label=\"State\"><span class=\"bad\">down: no "));
  EXPECT_THAT(html, HasSubstr("d unreadable</td><td data-label=\"State\"><span class=\"bad\">down: "
                              "some files cannot be read"));
  EXPECT_THAT(html,
              HasSubstr("e new</td><td data-label=\"State\"><span class=\"odd\">not checked"));
  EXPECT_GT(html.find("a up"), html.find("e new")) << "sources that are up come last";
  EXPECT_THAT(html, HasSubstr("4 of 5 sources are not up"));
}

TEST_F(LandingPageTest, ThereIsNoWarningWhileAllSourcesAreUp) {
  SourceStatus up;
  up.up = true;
  up.checked = kNow;
  sources = {{"logs", up}};
  EXPECT_THAT(Html(), Not(HasSubstr("not up")));
}

TEST_F(LandingPageTest, MonitorsAreShownWithTheirStateAndQueue) {
  EXPECT_THAT(Html(), Not(HasSubstr("Monitors")));
  MonitorStanding monitor{.kind = "ntfy", .up = false, .pending = 2, .oldest = kNow - hours(3)};
  monitor.dropped[static_cast<std::size_t>(Dropped::kExpired)] = 1;
  standings.monitors["phone"] = monitor;
  EXPECT_THAT(Html(), HasSubstr("<td data-label=\"Monitor\">phone</td><td data-label=\"State\">"
                                "<span class=\"bad\">down: last delivery failed</span></td>"
                                "<td data-label=\"Queued\">2 since "));
  EXPECT_THAT(Html(), HasSubstr("<td data-label=\"Dropped\">1</td>"
                                "<td data-label=\"Last delivery\">never</td>"));
  standings.monitors["phone"].up.reset();
  EXPECT_THAT(Html(), HasSubstr("<span class=\"odd\">no notice sent yet</span>"));
  standings.monitors["phone"].up = true;
  EXPECT_THAT(Html(), HasSubstr("<span class=\"good\">up</span>"));
}

}  // namespace
}  // namespace backup_exporter

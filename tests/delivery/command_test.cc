// Labels: threads

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>

#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using enum Delivery::Outcome;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kBlock = "command:\n  command: [/bin/notify, '{backup}']\n";

ChildRequest ChildOf(const Notice& notice, const std::string& more = "") {
  return ChildFor(kBlock + more, notice);
}

SendResult SendResultFor(const ChildAnswer& answer) { return SendResultFor(kBlock, answer); }

// Runs real programs.
class RealChildren final : public Transport {
 public:
  HttpAnswer Send(const HttpRequest&) override { return {}; }
  TcpAnswer Exchange(const TcpRequest&) override { return {}; }
  ChildAnswer Run(const ChildRequest& request) override { return RunChild(request, stop_); }

 private:
  std::atomic<bool> stop_ = false;
};

TEST(Command, TheProgramGetsTheNoticeInItsEnvironment) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.also_failing = {"nas"};
  const auto environment = ChildOf(notice).environment;
  for (const std::string line :
       {"BACKUP_STATE=fail", "BACKUP_CAUSE=run", "BACKUP_NAME=home", "BACKUP_OPERATION=backup",
        "BACKUP_RESULT=failure", "BACKUP_ERROR=repository is already locked",
        "BACKUP_REASON=locked", "BACKUP_EXIT_CODE=2", "BACKUP_FAILURES=1",
        "BACKUP_TIME=2026-03-01T02:00:07.000000Z", "BACKUP_STARTED=2026-03-01T02:00:00.000000Z",
        "BACKUP_DURATION_SECONDS=7", "BACKUP_ADDED_BYTES=1536",
        "BACKUP_UID=0d6c1d2e-3a65-4c5b-9d0e-6f8a7b9c0d1e", "BACKUP_ALSO_FAILING=nas"}) {
    EXPECT_THAT(environment, Contains(line));
  }
  EXPECT_THAT(environment, Contains(StartsWith("BACKUP_TITLE=Backup of home")));
  EXPECT_THAT(environment, Contains(StartsWith("BACKUP_TEXT=Backup of home")));
}

TEST(Command, UnknownValuesAreNotSet) {
  for (const NoticeCause cause : {NoticeCause::kTest, NoticeCause::kHeartbeat}) {
    const auto environment =
        ChildOf({.cause = cause, .at = MakeNotice(NoticeState::kFinish).at}).environment;
    EXPECT_THAT(environment, SizeIs(5)) << testing::PrintToString(environment);
    EXPECT_THAT(environment, Contains(StartsWith("BACKUP_CAUSE=")));
  }
}

TEST(Command, ValuesAreCutAndHaveNoNulBytes) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "a" + std::string(1, '\0') + std::string(100'000, 'b');
  const ChildRequest child = ChildOf(notice);
  EXPECT_THAT(child.command[1], AllOf(SizeIs(64 << 10), StartsWith("ab")));
  for (const std::string& line : child.environment) EXPECT_LE(line.size(), (64U << 10) + 32);
}

TEST(Command, TheProgramRunsAsConfigured) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "$(x) y";
  notice.messages = {{.text = "one"}, {.text = "two"}};
  const ChildRequest child = ChildOf(notice, "  timeout: 2m\n  environment: {TOKEN: canary}\n");
  EXPECT_THAT(child.command, ElementsAre("/bin/notify", "$(x) y"));
  EXPECT_EQ(child.input, "one\ntwo\n");
  EXPECT_EQ(child.limit, std::chrono::minutes(2));
  EXPECT_THAT(child.environment, Contains("TOKEN=canary"));
  EXPECT_EQ(ChildOf(notice).limit, std::chrono::seconds(30));
  EXPECT_EQ(ChildOf(notice, "  send_logs: false\n").input, "");
}

TEST(Command, TheExitCodeDecides) {
  for (const int code : {1, 2, 75, 126, 127}) {
    const SendResult result = SendResultFor({.exit_code = code, .output = "a\nno  network\n \n"});
    EXPECT_EQ(result.outcome, kRetry);
    EXPECT_THAT(result.error, HasSubstr("exited with " + std::to_string(code) + ": no  network"));
  }
  EXPECT_EQ(SendResultFor({.exit_code = 64}).outcome, kRefused);
  EXPECT_EQ(SendResultFor({.exit_code = 65}).outcome, kRefused);
  EXPECT_EQ(SendResultFor({.timed_out = true}).failure, AttemptFailure::kTimeout);
  EXPECT_EQ(SendResultFor({.error = "was ended by signal 9"}).outcome, kRetry);
  EXPECT_TRUE(SendResultFor({.stopped = true}).stopped);
}

TEST(Command, ARealProgramGetsArgumentsEnvironmentAndLog) {
  const std::string path = testing::TempDir() + "command_output";
  MadeMonitor made = MakeMonitor(
      "command:\n  environment: {TO: '" + path +
      "'}\n  command: [/bin/sh, -c, 'echo \"$1 $BACKUP_STATE\" >\"$TO\"; cat >>\"$TO\"', sh, "
      "'{backup}']\n");
  ASSERT_THAT(made.errors, IsEmpty());
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.messages = {{.text = "message"}};
  RealChildren children;
  EXPECT_EQ(made.monitor->Send(notice, children).outcome, kDelivered);
  std::ostringstream written;
  written << std::ifstream(path).rdbuf();
  EXPECT_EQ(written.str(), "home fail\nmessage\n");
}

TEST(Command, ARealProgramThatFailsIsReportedWithTheReason) {
  RealChildren children;
  const auto result = [&](const std::string& command) {
    return MakeMonitor("command: {command: " + command + "}")
        .monitor->Send(MakeNotice(NoticeState::kFail), children);
  };
  const SendResult missing = result("[/nowhere/notify]");
  EXPECT_EQ(missing.outcome, kRetry);
  EXPECT_THAT(missing.error, HasSubstr("there is no such program"));
  const SendResult refused = result("[/bin/sh, -c, 'echo wrong >&2; exit 65']");
  EXPECT_EQ(refused.outcome, kRefused);
  EXPECT_EQ(refused.error, "/bin/sh exited with 65: wrong");
}

TEST(Command, AVariableReadFromAFileMayHaveSeveralLines) {
  const std::string path = testing::TempDir() + "command_lines";
  std::ofstream(path) << "one\ntwo\n";
  EXPECT_THAT(ChildOf(MakeNotice(NoticeState::kFail), "  environment: {KEY_file: " + path + "}\n")
                  .environment,
              Contains("KEY=one\ntwo"));
}

TEST(Command, SecretsAreMasked) {
  const MadeMonitor made =
      MakeMonitor(std::string(kBlock) + "  environment: {TOKEN: canary-token}\n");
  EXPECT_EQ(made.options.mask.Mask("canary-token"), "***");
  const ChildRequest child =
      ChildOf(MakeNotice(NoticeState::kFail), "  environment: {TOKEN: canary-token}\n");
  for (const std::string& argument : child.command) EXPECT_THAT(argument, Not(HasSubstr("canary")));
}

TEST(Command, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("command: {command: /bin/notify now}").errors,
              ElementsAre(HasSubstr("`command` must be a list of the program and each argument")));
  EXPECT_THAT(MakeMonitor("command: {}").errors, ElementsAre(HasSubstr("needs `command`")));
  EXPECT_THAT(MakeMonitor("command: {command: []}").errors,
              ElementsAre(HasSubstr("must name a program")));
  EXPECT_THAT(MakeMonitor("command: {command: {a: b}}").errors,
              ElementsAre(HasSubstr("`command` must be a list")));
  EXPECT_THAT(MakeMonitor("command:\n  command: [x]\n  timeout: 1h\n"
                          "  environment: {BACKUP_STATE: x, 1x: y}\n")
                  .errors,
              ElementsAre(HasSubstr("`timeout` must be at most 10m"),
                          HasSubstr("names that begin with BACKUP_"),
                          HasSubstr("`1x` is not a valid name")));
}

}  // namespace
}  // namespace backup_exporter

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "delivery/notice_text.h"
#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using enum Delivery::Outcome;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kTwo =
    "apprise:\n  services:\n    - {url: 'one://canary-host/canary-path', label: first}\n"
    "    - {url: 'two://user:canary-word@host', label: second}\n";
constexpr const char* kStored =
    "apprise:\n  server: https://apprise.example/\n  key: canary-key\n  tags: admins, home\n";
constexpr const char* kStateless =
    "apprise:\n  server: https://apprise.example\n  services: [{url: 'one://canary-host', "
    "label: first}]\n";

ChildAnswer Exit(int code, const std::string& output = "") {
  return {.exit_code = code, .output = output};
}

// The value of --NAME=… of the program.
std::string Argument(const ChildRequest& child, const std::string& name) {
  for (const std::string& argument : child.command) {
    if (argument.starts_with("--" + name + "=")) return argument.substr(name.size() + 3);
  }
  return "";
}

SendResult SendResultFor(const ChildAnswer& answer) {
  return SendResultFor("apprise: {services: [{url: 'one://x', label: first}]}", answer);
}

SendResult SendResultOfServer(const HttpAnswer& answer, const char* yaml = kStored) {
  return SendResultFor(yaml, answer);
}

// Compares the calls of the library, since its requests are its own. The default title and body
// differ, because the recorded ones name another tool. So does the log without `send_logs`, because
// it is sent by default.
TEST(Apprise, TheRequestsMatchTheRecordings) {
  std::set<std::string> needed;
  int compared = 0;
  for (const GoldenCase& golden : GoldenCases("apprise")) {
    SCOPED_TRACE(golden.name);
    MadeMonitor made = MakeMonitor(golden.yaml);
    ASSERT_THAT(made.errors, IsEmpty());
    const auto calls = golden.recording.value("library_calls", nlohmann::json::array());
    const Notice notice = NoticeOf(golden);
    EXPECT_EQ(made.states.contains(notice.state), !calls.empty());
    if (calls.empty() || !made.states.contains(notice.state)) continue;
    const auto& call = calls[0];
    FakeTransport transport;
    EXPECT_EQ(made.monitor->Send(notice, transport).outcome, kDelivered);
    EXPECT_EQ(transport.children.size(), call["services"].get<std::size_t>());
    for (const ChildRequest& child : transport.children) {
      ++compared;
      EXPECT_EQ(Argument(child, "notification-type"), call["notify_type"].get<std::string>());
      EXPECT_EQ(Argument(child, "input-format"), call["body_format"].get<std::string>());
      const std::string title = call["title"];
      const std::string body = call["body"];
      const std::string text = body.substr(0, body.find("\n\n"));
      const std::string log = body.substr(std::min(text.size() + 2, body.size()));
      const std::size_t end = std::min(child.input.find("\n\n"), child.input.size());
      const std::string our_text = child.input.substr(0, end);
      const std::string our_log = child.input.substr(std::min(end + 2, child.input.size()));
      if (title.starts_with("A borgmatic ")) {
        needed.insert("text");
        EXPECT_THAT(Argument(child, "title"), StartsWith("Backup of home"));
        EXPECT_THAT(our_text, StartsWith("Backup of home"));
      } else {
        EXPECT_EQ(Argument(child, "title"), title);
        EXPECT_EQ(our_text, text);
      }
      if (golden.yaml.find("send_logs") == std::string::npos && our_log != log) {
        needed.insert("log");
      } else if (log.starts_with("...\n")) {
        EXPECT_LE(our_log.size(), 500U);
        EXPECT_THAT(our_log, StartsWith("...\n"));
        EXPECT_EQ(our_log.substr(our_log.size() - 60), log.substr(log.size() - 60));
      } else {
        EXPECT_EQ(our_log, log);
      }
    }
  }
  EXPECT_GT(compared, 10);
  EXPECT_THAT(needed, ElementsAre("log", "text"));
}

TEST(Apprise, TheProgramGetsItsUrlInAPrivateFile) {
  const ChildRequest child = ChildFor(kTwo, MakeNotice(NoticeState::kFail));
  EXPECT_THAT(child.command, ElementsAre("apprise", "--verbose", "--notification-type=failure",
                                         "--input-format=text", "--title=Backup of home failed",
                                         "--config", "{file}"));
  EXPECT_EQ(child.secret_file, "one://canary-host/canary-path\n");
  EXPECT_THAT(child.input, HasSubstr("repository is already locked"));
}

TEST(Apprise, ARecoveryIsSentAsASuccess) {
  const ChildRequest child = ChildFor(std::string(kTwo) + "  finish: {body: fine again}\n",
                                      MakeNotice(NoticeState::kResolve));
  EXPECT_EQ(Argument(child, "notification-type"), "success");
  EXPECT_EQ(child.input, "fine again");
}

TEST(Apprise, PlaceholdersAreReplacedAndABlankBodyIsNotSent) {
  const std::string block = std::string(kTwo) + "  finish: {title: '{backup}', body: '{error}'}\n";
  const ChildRequest child = ChildFor(block, MakeNotice(NoticeState::kFinish));
  EXPECT_EQ(Argument(child, "title"), "home");
  EXPECT_THAT(child.input, StartsWith("Backup of home succeeded"));
}

TEST(Apprise, ATestIsSentAsATest) {
  Notice test = MakeNotice(NoticeState::kFail);
  test.cause = NoticeCause::kTest;
  EXPECT_THAT(ChildFor(std::string(kTwo) + "  fail: {body: all is lost}\n", test).input,
              StartsWith("Test of"));
}

TEST(Apprise, TheTitleIsCutAndHasNoNulBytes) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.backup = "a" + std::string(1, '\0') + std::string(5000, 'b');
  const std::string title = Argument(ChildFor(kTwo, notice), "title");
  EXPECT_THAT(title, SizeIs(1000));
  EXPECT_EQ(title.find('\0'), std::string::npos);
}

TEST(Apprise, OnlyTheServicesThatFailedAreRetried) {
  MadeMonitor made = MakeMonitor(kTwo);
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.id = 7;
  FakeTransport transport;
  bool down = true;
  transport.child = [&](const ChildRequest& child) {
    return Exit(down && child.secret_file.starts_with("two") ? 1 : 0, "x - WARNING - gone");
  };
  const SendResult first = made.monitor->Send(notice, transport);
  EXPECT_EQ(first.outcome, kRetry);
  EXPECT_EQ(first.error, "second: apprise exited with 1: WARNING - gone");
  down = false;
  EXPECT_EQ(made.monitor->Send(notice, transport).outcome, kDelivered);
  ASSERT_THAT(transport.children, SizeIs(3));
  EXPECT_THAT(transport.children[2].secret_file, StartsWith("two"));

  notice.id = 8;
  EXPECT_EQ(made.monitor->Send(notice, transport).outcome, kDelivered);
  EXPECT_THAT(transport.children, SizeIs(5));
}

TEST(Apprise, TheOtherServicesAreNotifiedIfTheFirstOneFails) {
  MadeMonitor made = MakeMonitor(kTwo);
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.id = 7;
  FakeTransport transport;
  bool down = true;
  transport.child = [&](const ChildRequest& child) {
    if (child.secret_file.starts_with("two")) return Exit(2, "bad");
    return Exit(down ? 1 : 0);
  };
  const SendResult first = made.monitor->Send(notice, transport);
  EXPECT_EQ(first.outcome, kRetry);
  EXPECT_THAT(first.error, AllOf(HasSubstr("first: "), HasSubstr("second: ")));
  down = false;
  const SendResult second = made.monitor->Send(notice, transport);
  EXPECT_EQ(second.outcome, kRefused);  // by the second, which was not tried again
  EXPECT_EQ(second.error, "second: apprise exited with 2: bad");
  EXPECT_THAT(transport.children, SizeIs(3));
}

TEST(Apprise, AStopEndsTheNoticeImmediately) {
  MadeMonitor made = MakeMonitor(kTwo);
  FakeTransport transport;
  transport.child = [](const ChildRequest&) { return ChildAnswer{.stopped = true}; };
  EXPECT_TRUE(made.monitor->Send(MakeNotice(NoticeState::kFail), transport).stopped);
  EXPECT_THAT(transport.children, SizeIs(1));
}

TEST(Apprise, TheExitCodeOfTheProgramDecides) {
  EXPECT_EQ(SendResultFor(Exit(1)).outcome, kRetry);
  EXPECT_EQ(SendResultFor(Exit(2)).outcome, kRefused);
  const SendResult late = SendResultFor({.timed_out = true, .error = "took too long"});
  EXPECT_EQ(late.outcome, kRetry);
  EXPECT_EQ(late.failure, AttemptFailure::kTimeout);
  EXPECT_THAT(SendResultFor({.error = "apprise: No such file or directory"}).error,
              HasSubstr("apt install apprise"));
}

TEST(Apprise, AUrlThatTheProgramDoesNotUnderstandIsNotRetried) {
  for (const std::string text :
       {"2026-11-25 04:42:53,901 - ERROR - Unparseable URL one://x\n2026-11-25 04:42:53,902 - "
        "ERROR "
        "- You must specify at least one server URL or populated configuration file.\nUsage: …",
        "You must specify at least one service URL or populated configuration file.\n"}) {
    const SendResult result = SendResultFor(Exit(1, text));
    EXPECT_EQ(result.outcome, kRefused);
    EXPECT_THAT(result.error, StartsWith("first: apprise does not understand the URL: "));
  }
}

TEST(Apprise, AServerIsAskedForItsStoredConfigurationByKeyAndTag) {
  MadeMonitor made = MakeMonitor(kStored);
  ASSERT_THAT(made.errors, IsEmpty());
  FakeTransport transport;
  EXPECT_EQ(made.monitor->Send(MakeNotice(NoticeState::kFail), transport).outcome, kDelivered);
  const HttpRequest& request = transport.requests.at(0);
  EXPECT_EQ(request.url, "https://apprise.example/notify/canary-key");
  const auto body = nlohmann::json::parse(request.body);
  EXPECT_EQ(body["tag"], "admins, home");
  EXPECT_EQ(body["type"], "failure");
  EXPECT_EQ(body["format"], "text");
  EXPECT_EQ(body["title"], "Backup of home failed");
  EXPECT_FALSE(body.contains("urls"));
}

TEST(Apprise, AServerGetsTheUrlIfNothingIsStoredThere) {
  MadeMonitor made = MakeMonitor(kStateless);
  FakeTransport transport;
  EXPECT_EQ(made.monitor->Send(MakeNotice(NoticeState::kFail), transport).outcome, kDelivered);
  EXPECT_EQ(transport.requests.at(0).url, "https://apprise.example/notify/");
  EXPECT_EQ(nlohmann::json::parse(transport.requests[0].body)["urls"], "one://canary-host");
}

TEST(Apprise, TheStatusOfAServerDecides) {
  for (const char* yaml : {kStored, kStateless}) {
    EXPECT_EQ(SendResultOfServer({.status = 200}, yaml).outcome, kDelivered);
    EXPECT_EQ(SendResultOfServer({.status = 204}, yaml).outcome, kRefused);
    EXPECT_EQ(SendResultOfServer({.status = 400}, yaml).outcome, kRefused);
    EXPECT_EQ(SendResultOfServer({.status = 424}, yaml).outcome, kRetry);
    EXPECT_EQ(SendResultOfServer({.status = 500}, yaml).outcome, kRetry);
    EXPECT_EQ(SendResultOfServer({.status = 0}, yaml).outcome, kRetry);
  }
}

TEST(Apprise, ARequestThatIsTooLargeIsRepeatedOnceWithAShorterLog) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.messages = {{.text = std::string(50'000, 'x')}};
  for (const bool helps : {true, false}) {
    MadeMonitor made = MakeMonitor(kStored);
    FakeTransport transport;
    transport.http = [&](const HttpRequest& request) {
      return HttpAnswer{.status = request.body.size() > 20'000 || !helps ? 431 : 200};
    };
    EXPECT_EQ(made.monitor->Send(notice, transport).outcome, helps ? kDelivered : kRefused);
    EXPECT_THAT(transport.requests, SizeIs(2));
  }
}

TEST(Apprise, TheLogIsLimitedOrLeftOutAsConfigured) {
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.messages = {{.text = std::string(200'000, 'x')}};
  const auto size = [&](const std::string& more) {
    return ChildFor(kTwo + more, notice).input.size() - Describe(notice).size();
  };
  EXPECT_EQ(size("  send_logs: false\n"), 0U);
  EXPECT_EQ(size("  logs_size_limit: 50\n"), 52U);
  EXPECT_EQ(size("  logs_size_limit: 0\n"), 200'003U);
  EXPECT_EQ(size(""), 100'002U);
  EXPECT_FALSE(MakeMonitor(std::string(kTwo) + "  send_logs: false\n").options.sends_messages);
}

TEST(Apprise, SecretsAreMaskedEvenInPartsAndAreNotOnTheCommandLine) {
  const MadeMonitor two = MakeMonitor(kTwo);
  for (const std::string text :
       {"Unparseable URL one://canary-host/canary-path", "cannot reach canary-host",
        "canary-path is wrong", "canary-word"}) {
    EXPECT_THAT(two.options.mask.Mask(text), Not(HasSubstr("canary")));
  }
  EXPECT_THAT(MakeMonitor(kStored).options.mask.Mask("/notify/canary-key"),
              Not(HasSubstr("canary")));
  for (const std::string& argument : ChildFor(kTwo, MakeNotice(NoticeState::kFail)).command) {
    EXPECT_THAT(argument, Not(HasSubstr("canary")));
  }
}

TEST(Apprise, MistakesInTheBlockAreReported) {
  EXPECT_THAT(MakeMonitor("apprise: {}").errors, ElementsAre(HasSubstr("needs `services`")));
  EXPECT_THAT(MakeMonitor("apprise:\n  services: []\n  key: x\n").errors,
              ElementsAre(HasSubstr("`services` is empty"),
                          HasSubstr("`services` and `key` cannot be used together"),
                          HasSubstr("`key` needs `server`")));
  EXPECT_THAT(
      MakeMonitor("apprise:\n  services: [{label: x}, {url: y}]\n  tags: t\n  fail: {title: x}\n")
          .errors,
      ElementsAre(HasSubstr("needs `url`"), HasSubstr("must be one Apprise URL"),
                  HasSubstr("`tags` needs `key`"), HasSubstr("needs `body`")));
}

}  // namespace
}  // namespace backup_exporter

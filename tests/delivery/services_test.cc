// The table of services: every service has what the tests over all services need, and survives any
// answer of its server.

#include "delivery/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <sstream>

#include "delivery/zabbix_trapper.h"
#include "kit/monitors.h"
#include "kit/paths.h"

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::IsEmpty;
using testing::Not;

// The sources of all test files of this folder.
std::string TestSources() {
  std::ostringstream sources;
  for (const auto& entry : fs::directory_iterator(std::string(kSourceDir) + "/tests/delivery")) {
    sources << std::ifstream(entry.path()).rdbuf();
  }
  return sources.str();
}

// "uptime_kuma" → "UptimeKuma".
std::string SuiteOf(std::string_view key) {
  std::string suite;
  bool first = true;
  for (const char letter : key) {
    if (letter != '_') suite += first ? static_cast<char>(std::toupper(letter)) : letter;
    first = letter == '_';
  }
  return suite;
}

TEST(Services, EveryServiceHasASample) {
  for (const Service& service : Services()) {
    EXPECT_EQ(std::ranges::count(ServiceSamples(), service.key, &ServiceSample::key), 1)
        << "add a row for " << service.key << " to ServiceSamples() in tests/kit/monitors.cc";
  }
  for (const ServiceSample& sample : ServiceSamples()) {
    EXPECT_NE(ServiceNamed(sample.key), nullptr)
        << "remove the row of " << sample.key << " from ServiceSamples() in tests/kit/monitors.cc";
  }
}

TEST(Services, EverySampleIsABlockWithoutMistakes) {
  for (const ServiceSample& sample : ServiceSamples()) {
    const MadeMonitor made = MakeMonitor(sample.BlockAt("http://127.0.0.1:1"));
    EXPECT_EQ(made.service, ServiceNamed(sample.key)) << sample.key;
    EXPECT_THAT(made.errors, IsEmpty()) << sample.key;
    EXPECT_NE(made.monitor, nullptr) << sample.key;
  }
}

TEST(Services, EveryServiceHasATestSuite) {
  const std::string sources = TestSources();
  for (const Service& service : Services()) {
    const std::string suite = SuiteOf(service.key);
    EXPECT_TRUE(sources.find("\nTEST(" + suite + ", ") != sources.npos ||
                sources.find("\nTEST_F(" + suite + ", ") != sources.npos)
        << "add tests/delivery/" << service.key << "_test.cc with a suite " << suite;
  }
}

TEST(Services, EveryRecordingIsCompared) {
  const std::string sources = TestSources();
  for (const auto& entry : fs::directory_iterator(std::string(kTestdataDir) + "/golden")) {
    if (entry.path().extension() != ".json") continue;
    const std::string key = entry.path().stem();
    EXPECT_NE(ServiceNamed(key), nullptr) << entry.path() << " is not of a service";
    EXPECT_TRUE(sources.find("\"" + key + "\"") != sources.npos)
        << "compare " << entry.path() << " with ExpectGolden(\"" << key << "\", …) in a test";
  }
}

TEST(Services, DefaultStatesAreSupportedStates) {
  for (const Service& service : Services()) {
    EXPECT_THAT(service.default_states, Not(IsEmpty())) << service.key;
    EXPECT_THAT(
        service.default_states,
        Each(testing::Truly([&](NoticeState state) { return service.states.contains(state); })))
        << service.key;
  }
}

// Answers that nest as deeply as 64 KiB allow.

// A block whose monitor gets the answers.
struct Answered {
  std::string name;
  std::string block;
};

void PrintTo(const Answered& answered, std::ostream* out) { *out << answered.name; }

// Every service, and those ways to send a notice that the samples do not use.
std::vector<Answered> EveryService() {
  std::vector<Answered> all{
      {"apprise_program", "apprise: {services: [{url: 'json://x', label: x}]}"},
      {"zabbix_login", "zabbix: {server: 'http://z/a', username: u, password: p, host: h, key: k}"},
      {"zabbix_trapper", "zabbix: {server: z, host: h, key: k}"}};
  for (const Service& service : Services()) {
    all.push_back({std::string(service.key), SampleOf(service.key).BlockAt("http://127.0.0.1:1")});
  }
  return all;
}

std::string Nested(std::string_view open, std::string_view close) {
  constexpr std::size_t kSize = 64 << 10;
  const std::size_t depth = kSize / (open.size() + close.size());
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  if (!close.empty()) text += '1';
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

void RunWithSmallStack(const std::function<void()>& run) {
  constexpr std::size_t kStack = 1 << 20;
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  const auto start = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  pthread_t thread{};
  ASSERT_EQ(pthread_create(&thread, &attributes, start, const_cast<std::function<void()>*>(&run)),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

class NestedAnswerTest : public testing::TestWithParam<Answered> {
 protected:
  // Sends a failure to a server that gives this answer, over whatever the monitor uses.
  static void ExpectResult(int status, const std::string& body) {
    FakeTransport transport;
    transport.http = [&](const HttpRequest&) { return HttpAnswer{.status = status, .body = body}; };
    transport.tcp = [&](const TcpRequest&) {
      return TcpAnswer{.connected = true, .bytes = TrapperPacket(body)};
    };
    transport.child = [&](const ChildRequest&) {
      return ChildAnswer{.exit_code = 1, .output = body};
    };
    MadeMonitor made = MakeMonitor(GetParam().block);
    ASSERT_THAT(made.errors, IsEmpty());
    const SendResult result = made.monitor->Send(MakeNotice(NoticeState::kFail), transport);
    EXPECT_FALSE(result.stopped);
    EXPECT_EQ(result.outcome == Delivery::Outcome::kDelivered, result.error.empty());
  }
};

TEST_P(NestedAnswerTest, AnAnswerThatNestsDeeplyDoesNotOverflowTheStack) {
  std::vector<std::string> bodies{Nested("[", ""), Nested("[", "]")};
  for (const char* key : {"code", "data", "error", "errors", "id", "info", "msg", "ok", "response",
                          "result", "status"}) {
    bodies.push_back(Nested(std::string("{\"") + key + "\":", "}"));
  }
  RunWithSmallStack([&] {
    for (const int status : {200, 202, 400, 404, 429}) {
      for (const std::string& body : bodies) {
        SCOPED_TRACE(body.substr(0, 20) + " with " + std::to_string(status));
        ExpectResult(status, body);
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Every, NestedAnswerTest, testing::ValuesIn(EveryService()),
                         [](const auto& answered) { return answered.param.name; });

}  // namespace
}  // namespace backup_exporter

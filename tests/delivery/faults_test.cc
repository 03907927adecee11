// What may go wrong between us and a service, for every service that is told over HTTP: cases 79 to
// 91, 94 and 97 of the network faults. (77, 78, 81, 92 and 93 are the HTTP client's:
// base/http_test; 89 and 95 are delivery/outage_test; 96 is bench/delivery_bench.)

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <set>

#include "delivery/delivery.h"
#include "kit/faulty_server.h"
#include "kit/gunzip.h"
#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using Outcome = Delivery::Outcome;

constexpr HttpLimits kShort{.connect = 1'000ms, .total = 1'500ms};
constexpr const char* kUid = "0d6c1d2e-3a65-4c5b-9d0e-";  // and twelve digits

struct Kind {
  std::string name;
  std::string block;  // {} stands for the server's URL
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

std::vector<Kind> Kinds() {
  return {
      {"apprise", "apprise: {server: '{}', services: [{url: 'json://x', label: x}]}"},
      {"cronhub", "cronhub: '{}/start/1f5e3410-254c-11e8-b61d-55875966d031'"},
      {"cronitor", "cronitor: '{}/d3x0c1'"},
      {"healthchecks", "healthchecks: '{}/ping/addffa72-da17-40ae-be9c-ff591afb942a'"},
      {"loki", "loki: {url: '{}/loki/api/v1/push', labels: {app: b}}"},
      {"ntfy", "ntfy: {topic: t, server: '{}'}"},
      {"pagerduty", "pagerduty: {integration_key: k, server: '{}'}"},
      {"pushover", "pushover: {token: t, user: u, server: '{}'}"},
      {"sentry", "sentry: {data_source_name_url: '{}/203069', monitor_slug: s}"},
      {"uptime_kuma", "uptime_kuma: '{}/api/push/abcd1234'"},
      {"watchgoose", "watchgoose: '{}/ping/addffa72-da17-40ae-be9c-ff591afb942a'"},
      {"webhook", "webhook: {url: '{}/x'}"},
      {"zabbix", "zabbix: {server: '{}/api_jsonrpc.php', api_key: k, host: h, key: i}"},
  };
}

class FaultsTest : public testing::TestWithParam<Kind> {
 protected:
  // The monitor, with that server for its service.
  MadeMonitor Monitor(const std::string& url) {
    std::string block = GetParam().block;
    std::string place = url;
    // A DSN has the key before the host.
    if (GetParam().name == "sentry") place.insert(place.find("//") + 2, "5f80ec@");
    block.replace(block.find("{}"), 2, place);
    MadeMonitor made = MakeMonitor(block);
    EXPECT_TRUE(made.mistakes.empty()) << block << made.mistakes.at(0);
    return made;
  }
  // What a fail comes to where the server answers so.
  SendResult On(FaultyReply reply) {
    const FaultyServer server([&](const FaultyServer::Request&) { return reply; });
    return At(server.url());
  }
  SendResult At(const std::string& url) {
    SystemTransport transport(kShort);
    return Monitor(url).monitor->Send(MakeNotice(NoticeState::kFail), transport);
  }
  // The good answer with a fault.
  FaultyReply Good(Fault fault = Fault::kNone) {
    const HttpAnswer good = GoodAnswer(GetParam().name);
    return {.status = good.status, .body = good.body, .fault = fault};
  }
  [[nodiscard]] bool Is(std::string_view name) const { return GetParam().name == name; }
  // Which of the notices of a Wire a request tells.
  [[nodiscard]] std::vector<std::int64_t> Numbers(const ReceivedRequest& request) const;
};

TEST_P(FaultsTest, Case84AGoodAnswerIsADelivery) {
  const SendResult result = On(Good());
  EXPECT_EQ(result.outcome, Outcome::kDelivered) << result.error;
}

// Something else answers, or the service does not say that it took the notice.
TEST_P(FaultsTest, OnlyTheSuccessThatTheServiceDocumentsIsADelivery) {
  const bool any_will_do = Is("cronhub") || Is("cronitor") || Is("watchgoose") || Is("webhook");
  const auto expect_no_delivery = [&](const FaultyReply& reply) {
    const SendResult result = On(reply);
    const auto expected = any_will_do ? Outcome::kDelivered : Outcome::kRetry;
    EXPECT_EQ(result.outcome, expected) << reply.status << " " << reply.body;
    EXPECT_EQ(result.failure, AttemptFailure::kRejected);
    return result.error;
  };
  for (const int status : {200, 201, 202, 203, 204, 206}) {
    if (status == Good().status) continue;
    if (status == 204 && Is("apprise")) continue;  // says that there is nobody to tell
    FaultyReply reply = Good();
    reply.status = status;
    if (status == 204) reply.body.clear();
    expect_no_delivery(reply);
  }
  const std::string error = expect_no_delivery({.status = 203, .body = "by your leave"});
  if (!any_will_do) {
    EXPECT_THAT(error, testing::HasSubstr("HTTP 203: by your leave"));
    EXPECT_THAT(error, testing::HasSubstr("URL"));
  }
  // Their status says it all.
  if (Is("apprise") || Is("loki") || Is("pagerduty") || Is("sentry")) return;
  for (const std::string body : {"", "fine", "{}", "[]", R"(["id",1])", R"({"status":"ok"})",
                                 R"({"id":1})", R"({"ok":"true"})", R"({"result":null})"}) {
    expect_no_delivery({.status = Good().status, .body = body});
  }
}

TEST_P(FaultsTest, Case79AnAnswerThatNeverCameIsTriedAgainAndIsTheSameEvent) {
  std::atomic<int> asked = 0;
  const FaultyServer server([&](const FaultyServer::Request&) {
    return Good(asked++ == 0 ? Fault::kResetBeforeAnswer : Fault::kNone);
  });
  SystemTransport transport(kShort);
  MadeMonitor made = Monitor(server.url());
  EXPECT_EQ(made.monitor->Send(MakeNotice(NoticeState::kFail), transport).outcome, Outcome::kRetry);
  EXPECT_EQ(made.monitor->Send(MakeNotice(NoticeState::kFail), transport).outcome,
            Outcome::kDelivered);
  const auto requests = server.Requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].target, requests[1].target);
  EXPECT_EQ(requests[0].body, requests[1].body);
}

TEST_P(FaultsTest, Case80WholeHeadersThatSaySuccessAreADelivery) {
  for (const Fault fault : {Fault::kResetAfterHead, Fault::kResetInBody, Fault::kCloseInBody}) {
    FaultyReply reply = Good(fault);
    if (reply.status != 204 && reply.body.size() < 2) reply.body = "fine";
    const SendResult result = On(reply);
    EXPECT_EQ(result.outcome, Outcome::kDelivered)
        << "fault " << static_cast<int>(fault) << ": " << result.error;
  }
  EXPECT_EQ(On(Good(Fault::kCloseBeforeAnswer)).outcome, Outcome::kRetry);
}

TEST_P(FaultsTest, Case82AServerThatDripsIsGivenUpInTime) {
  const SendResult result = On(Good(Fault::kSlow));
  EXPECT_EQ(result.outcome, Outcome::kRetry);
  EXPECT_EQ(result.failure, AttemptFailure::kTimeout) << result.error;
}

TEST_P(FaultsTest, Case83APageInBetweenIsNoDelivery) {
  const SendResult result = On({.headers = {{"Content-Type", "text/html"}},
                                .body = "<!DOCTYPE html><html>Please log in</html>"});
  // The server of a webhook may answer what it likes.
  const auto expected = Is("webhook") ? Outcome::kDelivered : Outcome::kRetry;
  EXPECT_EQ(result.outcome, expected);
  EXPECT_EQ(result.failure, AttemptFailure::kRejected);
}

TEST_P(FaultsTest, Case83APageInPlaceOfTheServiceIsTriedAgainWhateverItsStatus) {
  if (Is("pushover")) return;  // which wants no 4xx to be repeated
  for (const int status : {403, 404}) {
    EXPECT_EQ(On({.status = status, .body = "<html>no</html>"}).outcome, Outcome::kRetry) << status;
  }
}

TEST_P(FaultsTest, Case84AGoodAnswerIsOneWhateverItIsSaidToBe) {
  FaultyReply reply = Good();
  reply.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
  EXPECT_EQ(On(reply).outcome, Outcome::kDelivered);
}

TEST_P(FaultsTest, Case80AnInterimAnswerIsNone) {
  const SendResult result = On({.body = "HTTP/1.1 103 Early Hints\r\n\r\n", .fault = Fault::kRaw});
  EXPECT_EQ(result.outcome, Outcome::kRetry);
}

TEST_P(FaultsTest, Case85NothingGoesWhereARedirectSays) {
  const FaultyServer elsewhere([&](const FaultyServer::Request&) { return Good(); });
  for (const int status : {301, 302, 307, 308}) {
    const FaultyServer server([&](const FaultyServer::Request&) {
      return FaultyReply{.status = status, .headers = {{"Location", elsewhere.url() + "/x"}}};
    });
    const SendResult result = At(server.url());
    EXPECT_EQ(result.outcome, Outcome::kRetry) << status;
    EXPECT_EQ(server.request_count(), 1U);
  }
  EXPECT_EQ(elsewhere.request_count(), 0U);
}

TEST_P(FaultsTest, Case86WhatIsRefusedIsNotRepeated) {
  for (const int status : {400, 401, 403, 404, 410}) {
    // Case 87: that one says so whatever is wrong, and what passes is tried again
    // (uptime_kuma_test).
    if (status == 404 && Is("uptime_kuma")) continue;
    const SendResult result = On({.status = status, .body = "no"});
    EXPECT_EQ(result.outcome, Outcome::kRefused) << status << ": " << result.error;
    EXPECT_EQ(result.failure, AttemptFailure::kHttp4xx) << status;
  }
}

TEST_P(FaultsTest, Case88TooManyRequestsAreTriedAgainWhenTheServerSays) {
  const SendResult result = On({.status = 429, .headers = {{"Retry-After", "120"}}});
  if (Is("pushover")) {
    EXPECT_EQ(result.outcome, Outcome::kRefused) << "the month's quota is used up";
    return;
  }
  EXPECT_EQ(result.outcome, Outcome::kRetry);
  EXPECT_EQ(result.failure, AttemptFailure::kRateLimited);
  EXPECT_EQ(result.retry_after, "120");
}

TEST_P(FaultsTest, Case89AFaultOfTheServerIsTriedAgain) {
  for (const int status : {408, 500, 502, 503, 504}) {
    if (status == 408 && Is("pushover")) continue;  // any 4xx is final there
    EXPECT_EQ(On({.status = status}).outcome, Outcome::kRetry) << status;
  }
}

TEST_P(FaultsTest, Case91AnAnswerWithoutEndIsCut) {
  FaultyReply endless = Good(Fault::kEndlessBody);
  if (endless.status == 204) endless.status = 200;
  EXPECT_EQ(On(endless).outcome, Outcome::kDelivered) << "by its status";
  EXPECT_EQ(On(Good(Fault::kEndlessHead)).outcome, Outcome::kRetry);
}

TEST_P(FaultsTest, Case94AConnectionThatTheServerClosedIsOpenedAgain) {
  const FaultyServer server(
      [&](const FaultyServer::Request&) { return Good(Fault::kCloseAfterAnswer); });
  SystemTransport transport(kShort);
  MadeMonitor made = Monitor(server.url());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(made.monitor->Send(MakeNotice(NoticeState::kFail), transport).outcome,
              Outcome::kDelivered);
  }
}

// Cases 90 and 97: 13 kinds with 800 notices each are more than 10,000 requests.
class Wire final : public NoticeQueue {
 public:
  explicit Wire(int count) {
    for (int i = 1; i <= count; ++i) {
      Notice notice = MakeNotice(NoticeState::kFail);
      notice.id = i;
      notice.uid = fmt::format("{}{:012x}", kUid, i);
      notice.error = fmt::format("number-{}-", i);
      notice.at += std::chrono::seconds(i);
      waiting_.push_back(notice);
    }
  }
  std::vector<Notice> Waiting(const std::string&, std::size_t most) override {
    const std::size_t count = std::min(most, waiting_.size());
    return {waiting_.begin(), waiting_.begin() + static_cast<long>(count)};
  }
  void Report(const std::string&, std::span<const Delivery> deliveries, Time) override {
    for (const Delivery& delivery : deliveries) {
      EXPECT_NE(delivery.outcome, Outcome::kRefused) << delivery.error;
      if (delivery.outcome == Outcome::kDelivered) {
        std::erase_if(waiting_, [&](const Notice& one) { return one.id == delivery.notice; });
      }
    }
  }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }

 private:
  std::vector<Notice> waiting_;
};

// All numbers that stand behind `before`.
std::vector<std::int64_t> NumbersIn(const std::string& text, const std::string& before, int base) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; (at = text.find(before, at)) != text.npos;) {
    at += before.size();
    numbers.push_back(std::strtoll(text.c_str() + at, nullptr, base));
  }
  return numbers;
}

std::vector<std::int64_t> FaultsTest::Numbers(const ReceivedRequest& request) const {
  if (Is("loki")) return NumbersIn(Gunzip(request.body).value_or(""), "number-", 10);
  if (Is("sentry")) return NumbersIn(request.target, kUid, 16);
  if (!Is("zabbix")) return NumbersIn(request.target + request.body, "number-", 10);
  std::vector<std::int64_t> numbers = NumbersIn(request.body, "\"clock\":", 10);
  const Time first = MakeNotice(NoticeState::kFail).at;
  for (std::int64_t& number : numbers) {
    number -= std::chrono::floor<std::chrono::seconds>(first).time_since_epoch().count();
  }
  return numbers;
}

TEST_P(FaultsTest, Case97OfHundredsOfNoticesOverAWireThatIsCutAnywhereNoneIsLost) {
  constexpr int kNotices = 800;
  // What arrived whole and was answered in full at some time; only the wire hides it from us.
  const FaultyServer server([&](const FaultyServer::Request&) { return Good(); },
                            {.cut_after = RandomCuts(7, Is("loki")     ? 400'000
                                                        : Is("zabbix") ? 40'000
                                                                       : 4'000)});
  Wire wire(kNotices);
  SystemTransport transport(kShort);
  MadeMonitor made = Monitor(server.url());
  Worker worker(std::shared_ptr(std::move(made.monitor)), wire, transport,
                {.monitor = "m", .seed = 1});
  SteadyTime steady{};
  const Time start = MakeNotice(NoticeState::kFail).at;
  for (int step = 0; step < 100 * kNotices && !wire.empty(); ++step) {
    steady = worker.Step(start, steady);
  }
  EXPECT_TRUE(wire.empty());
  // Every one of them is in what came completely.
  if (Is("cronhub")) {
    EXPECT_GE(server.request_count(), kNotices) << "its requests are all alike";
    return;
  }
  std::set<std::int64_t> arrived;
  for (const auto& request : server.Requests()) {
    for (const std::int64_t number : Numbers(request)) arrived.insert(number);
  }
  EXPECT_THAT(arrived, testing::SizeIs(kNotices));
  EXPECT_EQ(*arrived.begin(), 1);
  EXPECT_EQ(*arrived.rbegin(), kNotices);
}

INSTANTIATE_TEST_SUITE_P(Every, FaultsTest, testing::ValuesIn(Kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace backup_exporter

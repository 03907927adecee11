// Faults between the exporter and a service, for every service that uses HTTP: cases 79 to 91, 94
// and 97 of the network faults. (Cases 77, 78, 81, 92 and 93 of the HTTP client are in
// base/http_test, 89 and 95 in delivery/outage_test, 96 in bench/delivery_bench.)
// Labels: heavy

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

// How GoogleTest prints the parameter of a test.
void PrintTo(const ServiceSample& service, std::ostream* out) { *out << service.key; }

namespace {

using namespace std::chrono_literals;
using Outcome = Delivery::Outcome;

constexpr HttpLimits kShort{.connect = 1'000ms, .total = 1'500ms};
constexpr const char* kUid = "0d6c1d2e-3a65-4c5b-9d0e-";  // and twelve digits

// The services that use HTTP; services_test ensures that none is missing.
std::vector<ServiceSample> HttpServices() {
  std::vector<ServiceSample> services;
  std::ranges::copy_if(ServiceSamples(), std::back_inserter(services), &ServiceSample::uses_http);
  return services;
}

class FaultsTest : public testing::TestWithParam<ServiceSample> {
 protected:
  // The monitor, with the server at `url` as its service.
  static MadeMonitor Monitor(const std::string& url) {
    const std::string block = GetParam().BlockAt(url);
    MadeMonitor made = MakeMonitor(block);
    EXPECT_TRUE(made.errors.empty()) << block << made.errors.at(0);
    return made;
  }
  // The result of a failure notice if the server gives this answer.
  static SendResult On(FaultyReply reply) {
    const FaultyServer server([&](const FaultyServer::Request&) { return reply; });
    return At(server.url());
  }
  static SendResult At(const std::string& url) {
    SystemTransport transport(kShort);
    return Monitor(url).monitor->Send(MakeNotice(NoticeState::kFail), transport);
  }
  // The documented answer, with a fault.
  static FaultyReply Good(Fault fault = Fault::kNone) {
    const HttpAnswer& good = GetParam().good_answer;
    return {.status = good.status, .body = good.body, .fault = fault};
  }
  static bool Is(std::string_view name) { return GetParam().key == name; }
  // The numbers of the notices of a NumberedQueue that are in a request.
  static std::vector<std::int64_t> Numbers(const ReceivedRequest& request);
};

TEST_P(FaultsTest, Case84TheDocumentedAnswerIsADelivery) {
  const SendResult result = On(Good());
  EXPECT_EQ(result.outcome, Outcome::kDelivered) << result.error;
}

// Another server answers, or the service does not confirm the notice.
TEST_P(FaultsTest, OnlyADocumentedSuccessIsADelivery) {
  const bool accepts_any_2xx = Is("cronhub") || Is("cronitor") || Is("watchgoose") || Is("webhook");
  const auto expect_no_delivery = [&](const FaultyReply& reply) {
    const SendResult result = On(reply);
    const auto expected = accepts_any_2xx ? Outcome::kDelivered : Outcome::kRetry;
    EXPECT_EQ(result.outcome, expected) << reply.status << " " << reply.body;
    EXPECT_EQ(result.failure, AttemptFailure::kRejected);
    return result.error;
  };
  for (const int status : {200, 201, 202, 203, 204, 206}) {
    if (status == Good().status) continue;
    if (status == 204 && Is("apprise")) continue;  // means that no service matches
    FaultyReply reply = Good();
    reply.status = status;
    if (status == 204) reply.body.clear();
    expect_no_delivery(reply);
  }
  const std::string error = expect_no_delivery({.status = 203, .body = "something else"});
  if (!accepts_any_2xx) {
    EXPECT_THAT(error, testing::HasSubstr("HTTP 203: something else"));
    EXPECT_THAT(error, testing::HasSubstr("URL"));
  }
  // For these the status alone decides.
  if (Is("apprise") || Is("loki") || Is("pagerduty") || Is("sentry")) return;
  for (const std::string body : {"", "fine", "{}", "[]", R"(["id",1])", R"({"status":"ok"})",
                                 R"({"id":1})", R"({"ok":"true"})", R"({"result":null})"}) {
    expect_no_delivery({.status = Good().status, .body = body});
  }
}

TEST_P(FaultsTest, Case79AMissingAnswerIsRetriedWithTheSameRequest) {
  std::atomic<int> requests_before = 0;
  const FaultyServer server([&](const FaultyServer::Request&) {
    return Good(requests_before++ == 0 ? Fault::kResetBeforeAnswer : Fault::kNone);
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

TEST_P(FaultsTest, Case80CompleteHeadersWithASuccessAreADelivery) {
  for (const Fault fault : {Fault::kResetAfterHead, Fault::kResetInBody, Fault::kCloseInBody}) {
    FaultyReply reply = Good(fault);
    if (reply.status != 204 && reply.body.size() < 2) reply.body = "fine";
    const SendResult result = On(reply);
    EXPECT_EQ(result.outcome, Outcome::kDelivered)
        << "fault " << static_cast<int>(fault) << ": " << result.error;
  }
  EXPECT_EQ(On(Good(Fault::kCloseBeforeAnswer)).outcome, Outcome::kRetry);
}

TEST_P(FaultsTest, Case82ASlowAnswerEndsAtTheTimeLimit) {
  const SendResult result = On(Good(Fault::kSlow));
  EXPECT_EQ(result.outcome, Outcome::kRetry);
  EXPECT_EQ(result.failure, AttemptFailure::kTimeout) << result.error;
}

TEST_P(FaultsTest, Case83AnHtmlPageIsNotADelivery) {
  const SendResult result = On({.headers = {{"Content-Type", "text/html"}},
                                .body = "<!DOCTYPE html><html>Please log in</html>"});
  // The server of a webhook may give any answer.
  const auto expected = Is("webhook") ? Outcome::kDelivered : Outcome::kRetry;
  EXPECT_EQ(result.outcome, expected);
  EXPECT_EQ(result.failure, AttemptFailure::kRejected);
}

TEST_P(FaultsTest, Case83AnHtmlPageIsRetriedWhateverItsStatus) {
  if (Is("pushover")) return;  // for which every 4xx is final
  for (const int status : {403, 404}) {
    EXPECT_EQ(On({.status = status, .body = "<html>no</html>"}).outcome, Outcome::kRetry) << status;
  }
}

TEST_P(FaultsTest, Case84ADocumentedAnswerIsADeliveryWhateverItsContentType) {
  FaultyReply reply = Good();
  reply.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
  EXPECT_EQ(On(reply).outcome, Outcome::kDelivered);
}

TEST_P(FaultsTest, Case80AnInterimAnswerIsNotAnAnswer) {
  const SendResult result = On({.body = "HTTP/1.1 103 Early Hints\r\n\r\n", .fault = Fault::kRaw});
  EXPECT_EQ(result.outcome, Outcome::kRetry);
}

TEST_P(FaultsTest, Case85ARedirectIsNotFollowed) {
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

TEST_P(FaultsTest, Case86ARefusalIsNotRetried) {
  for (const int status : {400, 401, 403, 404, 410}) {
    // Case 87: it answers every error with 404, and temporary ones are retried (uptime_kuma_test).
    if (status == 404 && Is("uptime_kuma")) continue;
    const SendResult result = On({.status = status, .body = "no"});
    EXPECT_EQ(result.outcome, Outcome::kRefused) << status << ": " << result.error;
    EXPECT_EQ(result.failure, AttemptFailure::kHttp4xx) << status;
  }
}

TEST_P(FaultsTest, Case88TooManyRequestsAreRetriedAfterTheTimeThatTheServerAsksFor) {
  const SendResult result = On({.status = 429, .headers = {{"Retry-After", "120"}}});
  if (Is("pushover")) {
    EXPECT_EQ(result.outcome, Outcome::kRefused) << "the month's quota is used up";
    return;
  }
  EXPECT_EQ(result.outcome, Outcome::kRetry);
  EXPECT_EQ(result.failure, AttemptFailure::kRateLimited);
  EXPECT_EQ(result.retry_after, "120");
}

TEST_P(FaultsTest, Case89AnErrorOfTheServerIsRetried) {
  for (const int status : {408, 500, 502, 503, 504}) {
    if (status == 408 && Is("pushover")) continue;  // for which every 4xx is final
    EXPECT_EQ(On({.status = status}).outcome, Outcome::kRetry) << status;
  }
}

TEST_P(FaultsTest, Case91AnEndlessAnswerIsCut) {
  FaultyReply endless = Good(Fault::kEndlessBody);
  if (endless.status == 204) endless.status = 200;
  EXPECT_EQ(On(endless).outcome, Outcome::kDelivered) << "by its status";
  EXPECT_EQ(On(Good(Fault::kEndlessHead)).outcome, Outcome::kRetry);
}

TEST_P(FaultsTest, Case94AClosedConnectionIsReopened) {
  const FaultyServer server(
      [&](const FaultyServer::Request&) { return Good(Fault::kCloseAfterAnswer); });
  SystemTransport transport(kShort);
  MadeMonitor made = Monitor(server.url());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(made.monitor->Send(MakeNotice(NoticeState::kFail), transport).outcome,
              Outcome::kDelivered);
  }
}

// Cases 90 and 97: 13 services with 800 notices each are more than 10,000 requests.
class NumberedQueue final : public NoticeQueue {
 public:
  explicit NumberedQueue(int count) {
    for (int i = 1; i <= count; ++i) {
      Notice notice = MakeNotice(NoticeState::kFail);
      notice.id = i;
      notice.uid = fmt::format("{}{:012x}", kUid, i);
      notice.error = fmt::format("number-{}-", i);
      notice.at += std::chrono::seconds(i);
      waiting_.push_back(notice);
    }
  }
  std::vector<Notice> Pending(const std::string&, std::size_t most) override {
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

// All numbers that follow `before`.
std::vector<std::int64_t> NumbersIn(const std::string& text, const std::string& before, int base) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; (at = text.find(before, at)) != text.npos;) {
    at += before.size();
    numbers.push_back(std::strtoll(text.c_str() + at, nullptr, base));
  }
  return numbers;
}

std::vector<std::int64_t> FaultsTest::Numbers(const ReceivedRequest& request) {
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

TEST_P(FaultsTest, Case97NoNoticeIsLostWhenConnectionsAreCutAnywhere) {
  constexpr int kNotices = 800;
  // The server answers every complete request; only the connection loses requests and answers.
  const FaultyServer server([&](const FaultyServer::Request&) { return Good(); },
                            {.cut_after = RandomCuts(7, Is("loki")     ? 400'000
                                                        : Is("zabbix") ? 40'000
                                                                       : 4'000)});
  NumberedQueue queue(kNotices);
  SystemTransport transport(kShort);
  MadeMonitor made = Monitor(server.url());
  Worker worker(std::shared_ptr(std::move(made.monitor)), queue, transport,
                {.monitor = "m", .seed = 1});
  SteadyTime steady{};
  const Time start = MakeNotice(NoticeState::kFail).at;
  for (int step = 0; step < 100 * kNotices && !queue.empty(); ++step) {
    steady = worker.Step(start, steady);
  }
  EXPECT_TRUE(queue.empty());
  // Every notice is in a complete request.
  if (Is("cronhub")) {
    EXPECT_GE(server.request_count(), kNotices) << "its requests are all the same";
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

INSTANTIATE_TEST_SUITE_P(Every, FaultsTest, testing::ValuesIn(HttpServices()),
                         [](const auto& service) { return std::string(service.param.key); });

}  // namespace
}  // namespace backup_exporter

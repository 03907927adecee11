// Labels: threads

#include "base/http.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <thread>

#include "kit/certificates.h"
#include "kit/environment.h"
#include "kit/faulty_server.h"
#include "kit/name_server.h"
#include "kit/socket_server.h"
#include "kit/temporary_directory.h"
#include "kit/test_proxy.h"

namespace backup_exporter {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Short enough for tests of time limits, and long enough for other tests on a busy machine.
constexpr HttpLimits kShort{.connect = 1'000ms, .total = 1'500ms};

FaultyServer::Handler Answering(FaultyServer::Reply reply) {
  return [reply](const FaultyServer::Request&) { return reply; };
}

HttpAnswer Ask(FaultyServer& server, HttpLimits limits = {}) {
  HttpClient client(limits);
  return client.Send({.url = server.url() + "/x", .body = "hello"});
}

TEST(Http, ARequestIsSentAsGiven) {
  FaultyServer server(Answering({.status = 202, .headers = {{"X-Limit", "5"}}, .body = "fine"}));
  HttpClient client;
  const HttpAnswer answer = client.Send({.method = "PUT",
                                         .url = server.url() + "/a/b?c=d",
                                         .headers = {{"X-One", "1"}, {"X-Empty", ""}},
                                         .body = "text"});
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, "fine");
  EXPECT_EQ(answer.headers.at("x-limit"), "5");
  EXPECT_FALSE(answer.cut);
  const auto request = server.Requests().at(0);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, "/a/b?c=d");
  EXPECT_EQ(request.body, "text");
  EXPECT_EQ(request.Header("x-one"), "1");
  EXPECT_THAT(request.Header("user-agent"), HasSubstr("backup_exporter/"));
  EXPECT_EQ(request.headers.count("content-type"), 0U);
  EXPECT_EQ(request.headers.count("expect"), 0U);
}

TEST(Http, TheConnectionIsKeptForTheNextRequest) {
  FaultyServer server(Answering({.status = 200}));
  HttpClient client;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Send({.url = server.url()}).status, 200);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Http, UserInformationInTheUrlIsSentAsBasicAuthentication) {
  FaultyServer server(Answering({.status = 200}));
  HttpClient client;
  const std::string url = "http://me:p%40ss@127.0.0.1:" + std::to_string(server.port()) + "/";
  EXPECT_EQ(client.Send({.method = "GET", .url = url}).status, 200);
  EXPECT_EQ(server.Requests().at(0).Header("authorization"), BasicAuthorization("me", "p@ss"));
}

TEST(Http, ARedirectIsNotFollowed) {
  FaultyServer other(Answering({.status = 200}));
  FaultyServer server(Answering({.status = 307, .headers = {{"Location", other.url() + "/"}}}));
  EXPECT_EQ(Ask(server).status, 307);
  EXPECT_EQ(other.request_count(), 0U);
}

TEST(Http, AnEndlessAnswerIsCut) {
  FaultyServer endless(Answering({.status = 200, .fault = Fault::kEndlessBody}));
  const HttpAnswer body = Ask(endless);
  EXPECT_EQ(body.status, 200);
  EXPECT_TRUE(body.cut);
  EXPECT_EQ(body.body.size(), 64U << 10);
  FaultyServer head(Answering({.status = 200, .fault = Fault::kEndlessHead}));
  EXPECT_EQ(Ask(head).status, 0);
}

TEST(Http, ACompressedAnswerIsNotDecompressed) {
  FaultyServer server(
      Answering({.status = 200, .fault = Fault::kGzipBomb, .size = std::size_t{1} << 30}));
  EXPECT_LE(Ask(server).body.size(), 64U << 10);
}

TEST(Http, ABrokenAnswerHasItsStatusIfTheHeadersAreComplete) {
  FaultyServer in_body(
      Answering({.status = 200, .body = "0123456789", .fault = Fault::kResetInBody}));
  const HttpAnswer half = Ask(in_body);
  EXPECT_EQ(half.status, 200);
  EXPECT_TRUE(half.cut);
  FaultyServer before(Answering({.status = 200, .fault = Fault::kResetBeforeAnswer}));
  const HttpAnswer none = Ask(before);
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.failure, NetworkFailure::kConnect);
  EXPECT_THAT(none.error, Not(IsEmpty()));
}

TEST(Http, ARequestEndsAtItsTimeLimit) {
  FaultyServer hangs(Answering({.fault = Fault::kHang}));
  EXPECT_EQ(Ask(hangs, kShort).failure, NetworkFailure::kTimeout);
  FaultyServer slow(Answering({.status = 200, .fault = Fault::kSlow}));
  EXPECT_EQ(Ask(slow, kShort).failure, NetworkFailure::kTimeout);
  BlackHole hole;
  HttpClient client(kShort);
  EXPECT_EQ(client.Send({.url = "http://127.0.0.1:" + std::to_string(hole.port())}).failure,
            NetworkFailure::kTimeout);
}

TEST(Http, AMissingAnswerHasItsReason) {
  HttpClient client(kShort);
  ClosedPort closed;
  EXPECT_EQ(client.Send({.url = "http://127.0.0.1:" + std::to_string(closed.port())}).failure,
            NetworkFailure::kConnect);
  EXPECT_EQ(client.Send({.url = "http://monitor.invalid/"}).failure, NetworkFailure::kDns);
}

TEST(Http, AClosedConnectionIsReopenedImmediately) {
  FaultyServer server(Answering({.status = 200, .fault = Fault::kCloseAfterAnswer}));
  HttpClient client;
  EXPECT_EQ(client.Send({.url = server.url()}).status, 200);
  EXPECT_EQ(client.Send({.url = server.url()}).status, 200);
}

TEST(Http, Ipv6AddressesAreSupported) {
  FaultyServer server(Answering({.status = 200}), {.ipv6 = true});
  EXPECT_EQ(Ask(server).status, 200);
}

TEST(Http, StopEndsARequestInProgress) {
  FaultyServer server(Answering({.fault = Fault::kHang}));
  HttpClient client;
  std::thread stopper([&] {
    EXPECT_TRUE(server.AwaitRequests(1));
    client.Stop();
  });
  EXPECT_EQ(client.Send({.url = server.url()}).failure, NetworkFailure::kStopped);
  stopper.join();
  EXPECT_EQ(client.Send({.url = server.url()}).failure, NetworkFailure::kStopped);
}

// Name resolution.

TEST(HttpNames, OneUnreachableAddressOfTwoDoesNoHarm) {
  for (const bool ipv6 : {false, true}) {
    FaultyServer live(Answering({.status = 200}), {.ipv6 = ipv6});
    const BlackHole dead(!ipv6, live.port());
    HttpClient client(kShort);
    const HttpAnswer answer = client.Send({.url = fmt::format("http://localhost:{}", live.port())});
    EXPECT_EQ(answer.status, 200) << answer.error;
  }
}

TEST(HttpNames, AFailingNameServerIsAFailureOfNameResolution) {
  InOwnNetwork([] {
    for (const auto answer_of_server : {NameAnswer::kServerFailure, NameAnswer::kNoSuchName}) {
      const NameServer names(answer_of_server);
      HttpClient client(kShort);
      const HttpAnswer answer = client.Send({.url = "http://monitor.example/"});
      EXPECT_EQ(answer.failure, NetworkFailure::kDns) << answer.error;
      EXPECT_GT(names.questions(), 0U);
    }
  });
}

// A resolver repeats its queries after some seconds, so their number shows how long it was waited
// for.
constexpr std::size_t kQueriesOfOneAttempt = 2;  // one for each address family

TEST(HttpNames, TheTimeLimitIncludesANameServerThatDoesNotAnswer) {
  InOwnNetwork([] {
    const NameServer silent(std::nullopt);
    HttpClient client(kShort);
    const HttpAnswer answer = client.Send({.url = "http://monitor.example/"});
    EXPECT_EQ(answer.failure, NetworkFailure::kTimeout) << answer.error;
    EXPECT_LE(silent.questions(), kQueriesOfOneAttempt);
  });
}

TEST(HttpNames, ANameServerThatDoesNotAnswerDoesNotDelayAStop) {
  InOwnNetwork([] {
    const NameServer silent(std::nullopt);
    HttpClient client;
    std::thread stopper([&] {
      silent.AwaitQuestion();
      client.Stop();
    });
    const HttpAnswer answer = client.Send({.url = "http://monitor.example/"});
    stopper.join();
    EXPECT_EQ(answer.failure, NetworkFailure::kStopped) << answer.error;
    EXPECT_LE(silent.questions(), kQueriesOfOneAttempt);
  });
}

// TLS.

class HttpTlsTest : public testing::Test {
 protected:
  HttpAnswer Ask(const Certificate& certificate, HttpRequest request = {}) {
    FaultyServer server(Answering({.status = 200, .body = "fine"}),
                        {.tls = FaultyTls{.certificate = certificate}});
    HttpClient client(kShort);
    request.url = server.url();
    const HttpAnswer answer = client.Send(request);
    requests_ = server.request_count();
    return answer;
  }
  std::size_t requests_ = 0;
};

TEST_F(HttpTlsTest, AnInvalidCertificateIsRefused) {
  const auto& all = TestCertificates();
  for (const auto* certificate : {&all.expired, &all.other_host, &all.self_signed, &all.good}) {
    const HttpAnswer answer = Ask(*certificate);
    EXPECT_EQ(answer.status, 0);
    EXPECT_EQ(answer.failure, NetworkFailure::kTls) << answer.error;
    EXPECT_EQ(requests_, 0U) << "nothing is sent before the verification";
  }
}

TEST_F(HttpTlsTest, TheAuthoritiesNamedByTheEnvironmentAreTrusted) {
  const TemporaryDirectory directory;
  TestCertificates().authority.Save(directory, "authority");
  const ScopedEnvironment environment("CURL_CA_BUNDLE", directory / "authority.pem");
  const HttpAnswer good = Ask(TestCertificates().good);
  EXPECT_EQ(good.status, 200) << good.error;
  EXPECT_EQ(Ask(TestCertificates().other_host).failure, NetworkFailure::kTls);
}

TEST_F(HttpTlsTest, AnyCertificateIsAcceptedIfVerificationIsDisabled) {
  HttpRequest request;
  request.verify_tls = false;
  EXPECT_EQ(Ask(TestCertificates().self_signed, request).status, 200);
}

TEST_F(HttpTlsTest, AStalledHandshakeEndsAtTheTimeLimit) {
  FaultyServer server(Answering({}), {.silent = true});
  HttpClient client(kShort);
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(client.Send({.url = url}).failure, NetworkFailure::kTimeout);
}

TEST_F(HttpTlsTest, AnOldProtocolIsRefused) {
  FaultyServer server(
      Answering({.status = 200}),
      {.tls = FaultyTls{.certificate = TestCertificates().good, .only_tls_1_0 = true}});
  HttpClient client(kShort);
  const HttpAnswer answer = client.Send({.url = server.url(), .verify_tls = false});
  EXPECT_EQ(answer.failure, NetworkFailure::kTls) << answer.error;
}

// Proxies.

TEST(HttpProxy, TheProxyOfTheEnvironmentIsUsedAndItsPasswordDoesNotReachTheServer) {
  FaultyServer server(Answering({.status = 200}));
  TestProxy proxy(TestProxyOptions{.user = "u", .password = "secret", .forward_to = server.port()});
  const ScopedEnvironment environment("http_proxy",
                                      "http://u:secret@127.0.0.1:" + std::to_string(proxy.port()));
  HttpClient client;
  EXPECT_EQ(client.Send({.url = "http://monitor.invalid/x"}).status, 200);
  EXPECT_EQ(server.Requests().at(0).headers.count("proxy-authorization"), 0U);
}

TEST(HttpProxy, TheProxyIsNotUsedForHostsInNoProxy) {
  FaultyServer server(Answering({.status = 200}));
  TestProxy proxy{TestProxyOptions{}};
  const ScopedEnvironment environment("http_proxy", proxy.url());
  const ScopedEnvironment none("no_proxy", "127.0.0.1");
  HttpClient client;
  EXPECT_EQ(client.Send({.url = server.url()}).status, 200);
  EXPECT_THAT(proxy.Requests(), IsEmpty());
}

TEST(HttpProxy, ARefusedTunnelIsAFailureOfTheConnection) {
  TestProxy proxy(TestProxyOptions{.refuse_connect = true});
  const ScopedEnvironment environment("https_proxy", proxy.url());
  HttpClient client(kShort);
  const HttpAnswer answer = client.Send({.url = "https://monitor.invalid/"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.failure, NetworkFailure::kConnect) << answer.error;
}

// TCP exchanges.

TEST(Tcp, TheAnswerIsReceivedUntilItIsComplete) {
  TcpServer server([](const std::string& received) -> std::optional<TcpReply> {
    if (received != "question") return std::nullopt;
    return TcpReply{.bytes = "answer"};
  });
  HttpClient client;
  const TcpAnswer answer =
      client.Exchange({.host = "127.0.0.1",
                       .port = server.port(),
                       .bytes = "question",
                       .complete = [](std::string_view bytes) { return bytes == "answer"; }});
  EXPECT_TRUE(answer.connected);
  EXPECT_EQ(answer.bytes, "answer");
  EXPECT_THAT(answer.error, IsEmpty());
}

TEST(Tcp, AMissingAnswerHasItsReason) {
  ClosedPort closed;
  HttpClient client(kShort);
  const TcpAnswer refused = client.Exchange({.host = "127.0.0.1",
                                             .port = closed.port(),
                                             .complete = [](std::string_view) { return false; }});
  EXPECT_FALSE(refused.connected);
  EXPECT_EQ(refused.failure, NetworkFailure::kConnect);
  TcpServer silent([](const std::string&) -> std::optional<TcpReply> { return std::nullopt; });
  const TcpAnswer late = client.Exchange(
      {.host = "localhost", .port = silent.port(), .bytes = "x", .complete = [](std::string_view) {
         return false;
       }});
  EXPECT_TRUE(late.connected);
  EXPECT_EQ(late.failure, NetworkFailure::kTimeout);
}

TEST(Url, AUrlIsSplitIntoItsParts) {
  const UrlParts parts = SplitUrl("HTTPS://me:p@ss@host:1/a/b?c=d#e");
  EXPECT_EQ(parts.scheme, "https");
  EXPECT_EQ(parts.user_info, "me:p@ss");
  EXPECT_EQ(parts.host, "host:1");
  EXPECT_EQ(parts.path, "/a/b");
  EXPECT_EQ(parts.query, "c=d");
  EXPECT_THAT(SplitUrl("ftp://host").scheme, IsEmpty());
  EXPECT_THAT(SplitUrl("host/path").scheme, IsEmpty());
  EXPECT_THAT(SplitUrl("https://").scheme, IsEmpty());
}

TEST(Url, EveryByteThatIsNotUnreservedIsEncoded) {
  EXPECT_EQ(PercentEncode("a b/ü~"), "a%20b%2F%C3%BC~");
  EXPECT_EQ(PercentEncode(""), "");
  for (int byte = 0; byte < 256; ++byte) {
    const bool unreserved = byte < 0x80 && (std::isalnum(byte) != 0 || byte == '-' || byte == '.' ||
                                            byte == '_' || byte == '~');
    const std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(PercentEncode(text), unreserved ? text : fmt::format("%{:02X}", byte));
  }
  EXPECT_EQ(FormEncode({{"a b", "c d "}, {"e", "&"}, {"f", "%20+"}}), "a+b=c+d+&e=%26&f=%2520%2B");
}

TEST(Url, PartsAreUnchangedEvenWhereTheyCouldNotBeRequested) {
  EXPECT_EQ(SplitUrl("https://{backup}.example.com/x").host, "{backup}.example.com");
  EXPECT_EQ(SplitUrl("https://123456789:token_of-a_bot/1/").host, "123456789:token_of-a_bot");
  EXPECT_EQ(SplitUrl("https://[fe80::1%25eth0]:80/a/../b").host, "[fe80::1%25eth0]:80");
  EXPECT_EQ(SplitUrl("https://[fe80::1%25eth0]:80/a/../b").path, "/a/../b");
  EXPECT_EQ(SplitUrl("https://127.1?a b").host, "127.1");
  EXPECT_EQ(SplitUrl("https://127.1?a b").path, "");
  EXPECT_EQ(SplitUrl("https://127.1?a b").query, "a b");
}

}  // namespace
}  // namespace backup_exporter

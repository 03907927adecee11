#include "kit/faulty_server.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "kit/certificates.h"
#include "kit/http_client.h"
#include "kit/process.h"
#include "kit/socket_server.h"
#include "kit/temporary_directory.h"
#include "kit/test_proxy.h"

namespace backup_exporter {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A client that keeps its connection.
class Curl {
 public:
  Curl() : curl_(curl_easy_init()) { Reset(); }
  ~Curl() {
    curl_slist_free_all(headers_);
    curl_easy_cleanup(curl_);
  }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  void Reset() {
    curl_easy_reset(curl_);
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_NOPROXY, "*");
    Set(CURLOPT_TIMEOUT, 30L);
    Set(CURLOPT_WRITEFUNCTION, &Curl::Append);
    Set(CURLOPT_WRITEDATA, this);
  }
  template <typename T>
  void Set(CURLoption option, T value) {
    ASSERT_EQ(curl_easy_setopt(curl_, option, value), CURLE_OK);
  }
  void SetBlob(CURLoption option, const std::string& bytes) {
    curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
    Set(option, &blob);
  }
  void Header(const std::string& line) {
    headers_ = curl_slist_append(headers_, line.c_str());
    Set(CURLOPT_HTTPHEADER, headers_);
  }
  CURLcode Do(const std::string& url) {
    body_.clear();
    size_ = 0;
    Set(CURLOPT_URL, url.c_str());
    return curl_easy_perform(curl_);
  }
  CURLcode Post(const std::string& url, const std::string& body) {
    Set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    Set(CURLOPT_COPYPOSTFIELDS, body.c_str());
    return Do(url);
  }

  [[nodiscard]] long status() const {
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  // The first MiB.
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Ends the transfer after this many bytes.
  void StopAfter(std::uint64_t size) { stop_after_ = size; }

 private:
  static std::size_t Append(const char* bytes, std::size_t one, std::size_t count, void* self) {
    auto& curl = *static_cast<Curl*>(self);
    curl.size_ += one * count;
    if (curl.size_ < 1 << 20) curl.body_.append(bytes, one * count);
    return curl.size_ > curl.stop_after_ ? 0 : one * count;
  }

  CURL* curl_;
  curl_slist* headers_ = nullptr;
  std::string body_;
  std::uint64_t size_ = 0;
  std::uint64_t stop_after_ = UINT64_MAX;
};

FaultyServer::Handler Always(FaultyReply reply) {
  return [reply = std::move(reply)](const ReceivedRequest&) { return reply; };
}

// The result of a GET request that gets this answer.
CURLcode GetWith(FaultyReply reply) {
  const FaultyServer server(Always(std::move(reply)));
  Curl curl;
  curl.StopAfter(16 << 20);
  return curl.Do(server.url());
}

TEST(FaultyServer, EveryRequestIsRecorded) {
  const FaultyServer server(
      [](const ReceivedRequest& request) -> FaultyReply { return {.body = request.target}; });
  Curl curl;
  EXPECT_EQ(curl.Do(server.url() + "/ping?a=b"), CURLE_OK);
  EXPECT_EQ(curl.status(), 200);
  EXPECT_EQ(curl.body(), "/ping?a=b");
  curl.Header("X-Thing: one");
  curl.Header("x-thing:  two ");
  EXPECT_EQ(curl.Post(server.url() + "/b", "the body"), CURLE_OK);
  EXPECT_EQ(Get(server.port(), "/c").status, 200);

  const auto requests = server.Requests();
  ASSERT_EQ(requests.size(), 3);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].target, "/ping?a=b");
  EXPECT_EQ(requests[0].Header("host"), "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_THAT(requests[0].client, StartsWith("127.0.0.1:"));
  EXPECT_EQ(requests[1].method, "POST");
  EXPECT_EQ(requests[1].body, "the body");
  EXPECT_EQ(requests[1].Header("x-thing"), "one, two");
  EXPECT_EQ(requests[1].connection, 0);
  EXPECT_EQ(requests[1].nth, 1);
  EXPECT_EQ(requests[1].client, requests[0].client);
  EXPECT_EQ(requests[2].connection, 1);
  EXPECT_EQ(requests[2].nth, 0);
  EXPECT_EQ(server.request_count(), 3);
  EXPECT_EQ(server.connections(), 2);
  EXPECT_TRUE(server.AwaitRequests(3));
}

TEST(FaultyServer, AHeadRequestHasNoBodyAndRequestsCanBeCountedOnly) {
  const FaultyServer server(Always({.status = 503, .headers = {{"Retry-After", "7"}}, .body = "b"}),
                            {.keep_requests = false});
  const HttpReply reply = Fetch(server.port(), "HEAD", "/");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.headers.at("retry-after"), "7");
  EXPECT_EQ(reply.headers.at("content-length"), "1");
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(server.request_count(), 1);
  EXPECT_THAT(server.Requests(), IsEmpty());
}

TEST(FaultyServer, ChunksAreReadAndAnExpectationIsAnswered) {
  const FaultyServer server(Always({.status = 204}));
  const Connection connection(server.port());
  connection.Send(
      "PUT /chunks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nfour\r\nA;x=y\r\n and\r\n ten\r\n0\r\n\r\n"
      "POST /next HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
      "Connection: close\r\n\r\n");
  ASSERT_TRUE(server.AwaitRequests(1));
  connection.Send("ab");
  EXPECT_EQ(connection.ReadToEnd(),
            "HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 OK\r\n\r\n");
  const auto requests = server.Requests();
  ASSERT_EQ(requests.size(), 2);
  EXPECT_EQ(requests[0].body, "four and\r\n ten");
  EXPECT_EQ(requests[1].body, "ab");
}

TEST(FaultyServer, AnIncompleteRequestIsNotRecorded) {
  const FaultyServer server(Always({}));
  for (const std::string text : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nno header\r\n\r\n",
                                 "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                                 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"}) {
    EXPECT_EQ(Exchange(server.port(), text), "") << text;
  }
  {
    const Connection half(server.port());
    half.Send("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na");
  }
  EXPECT_THAT(server.Requests(), IsEmpty());
}

TEST(FaultyServer, AServerCanReuseAPortOnIpv6) {
  int port = 0;
  for (int i = 0; i < 2; ++i) {
    const FaultyServer server(Always({.body = "six"}), {.ipv6 = true, .port = port});
    port = server.port();
    Curl curl;
    EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
    EXPECT_EQ(curl.body(), "six");
    EXPECT_THAT(server.Requests().at(0).client, StartsWith("[::1]:"));
  }
}

TEST(FaultyServer, EachFaultEndsTheConnectionInItsWay) {
  const auto with = [](Fault fault) {
    return GetWith({.body = std::string(1000, 'b'), .fault = fault});
  };
  EXPECT_EQ(with(Fault::kNone), CURLE_OK);
  EXPECT_EQ(with(Fault::kResetBeforeAnswer), CURLE_RECV_ERROR);
  EXPECT_EQ(with(Fault::kResetAfterHead), CURLE_RECV_ERROR);
  EXPECT_EQ(with(Fault::kResetInBody), CURLE_RECV_ERROR);
  EXPECT_EQ(with(Fault::kCloseBeforeAnswer), CURLE_GOT_NOTHING);
  EXPECT_EQ(with(Fault::kCloseAfterHead), CURLE_PARTIAL_FILE);
  EXPECT_EQ(with(Fault::kCloseInBody), CURLE_PARTIAL_FILE);
  EXPECT_EQ(with(Fault::kCloseAfterAnswer), CURLE_OK);
  EXPECT_EQ(GetWith({.body = "SSH-2.0-OpenSSH_9.2\r\n", .fault = Fault::kRaw}),
            CURLE_UNSUPPORTED_PROTOCOL);
}

TEST(FaultyServer, AnIdleConnectionCanBeClosed) {
  const FaultyServer server(Always({.body = "b", .fault = Fault::kCloseAfterAnswer}));
  Curl curl;
  EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
  EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
  EXPECT_EQ(server.connections(), 2);
}

TEST(FaultyServer, TheDestructorEndsEverythingThatHangs) {
  std::vector<std::thread> clients;
  {
    const FaultyServer server([](const ReceivedRequest& request) -> FaultyReply {
      if (request.target == "/hang") return {.fault = Fault::kHang};
      if (request.target == "/delay") return {.delay = std::chrono::hours(1)};
      if (request.target == "/slow") return {.body = "12", .fault = Fault::kSlow};
      return {.fault = Fault::kEndlessBody};  // the client does not read it
    });
    const FaultyServer silent(Always({}), {.silent = true});
    const Connection idle(server.port());
    const Connection unread(server.port());
    unread.Send("GET /endless HTTP/1.1\r\n\r\n");
    for (const std::string path : {"/hang", "/delay", "/slow"}) {
      clients.emplace_back([url = server.url() + path] { EXPECT_NE(Curl().Do(url), CURLE_OK); });
    }
    clients.emplace_back([url = silent.url()] { EXPECT_NE(Curl().Do(url), CURLE_OK); });
    EXPECT_TRUE(server.AwaitRequests(4));
  }
  for (std::thread& client : clients) client.join();
}

TEST(FaultyServer, AnAnswerCanBeSlow) {
  const milliseconds interval(1);
  for (const Fault fault : {Fault::kSlow, Fault::kSlowBody}) {
    const FaultyServer server(
        Always({.body = "slow", .fault = fault, .delay = interval, .byte_interval = interval}));
    Curl curl;
    EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
    EXPECT_EQ(curl.body(), "slow");
  }
}

TEST(FaultyServer, AnAnswerCanBeEndless) {
  // curl ends after 300 KB of headers, and this client after 16 MiB.
  EXPECT_NE(GetWith({.fault = Fault::kEndlessHead}), CURLE_OK);
  EXPECT_EQ(GetWith({.fault = Fault::kEndlessBody}), CURLE_WRITE_ERROR);
}

TEST(FaultyServer, ABigBodyIsSentAndTheConnectionIsKept) {
  const std::uint64_t size = (100 << 20) + 1;
  const FaultyServer server(Always({.fault = Fault::kBigBody, .size = size}));
  Curl curl;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
    EXPECT_EQ(curl.size(), size);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(FaultyServer, AGzipBombDecompressesToItsSize) {
  const FaultyServer server(Always({.fault = Fault::kGzipBomb, .size = 50 << 20}));
  Curl curl;
  EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
  EXPECT_LT(curl.size(), 100'000);
  curl.Set(CURLOPT_ACCEPT_ENCODING, "gzip");
  EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
  EXPECT_EQ(curl.size(), 50 << 20);
}

TEST(FaultyServer, ConnectionsAreCutAnywhereAndCompleteRequestsAreRecorded) {
  const FaultyServer server(Always({.body = "received"}), {.cut_after = RandomCuts(1, 500)});
  const int count = 300;
  Curl curl;
  // For curl, an answer that ends within its headers is a success.
  const auto post = [&](const std::string& path) {
    return curl.Post(server.url() + path, "the body") == CURLE_OK && curl.body() == "received";
  };
  for (int i = 0; i < count; ++i) {
    int tries = 0;
    while (!post("/" + std::to_string(i))) ASSERT_LT(++tries, 100);
  }
  std::set<std::string> arrived;
  std::set<std::size_t> connections;
  for (const ReceivedRequest& request : server.Requests()) {
    EXPECT_EQ(request.body, "the body");
    arrived.insert(request.target);
    connections.insert(request.connection);
  }
  EXPECT_EQ(arrived.size(), count);
  EXPECT_GT(server.request_count(), count);               // some answers were cut
  EXPECT_GT(server.connections(), connections.size());    // and so were some requests
  EXPECT_LT(connections.size(), server.request_count());  // not always the first request
}

TEST(FaultyServer, ACutCountsTheBytesOfBothDirections) {
  const std::string request = "GET / HTTP/1.1\r\n\r\n";
  const FaultyServer server(Always({.body = "b"}), {.cut_after = [&](std::size_t connection) {
                              return std::optional<std::size_t>(request.size() - 1 + connection);
                            }});
  EXPECT_EQ(Exchange(server.port(), request), "");
  EXPECT_EQ(server.request_count(), 0);
  EXPECT_EQ(Exchange(server.port(), request), "");
  EXPECT_EQ(server.request_count(), 1);
  EXPECT_EQ(Exchange(server.port(), request), "H");
  EXPECT_EQ(Exchange(server.port(), request), "HT");
}

TEST(FaultyServer, TheSameSeedCutsTheSameConnections) {
  const auto one = RandomCuts(1, 1000);
  const auto same = RandomCuts(1, 1000);
  const auto other = RandomCuts(2, 1000);
  int differ = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(one(i), same(i));
    EXPECT_LT(one(i), 1000);
    if (one(i) != other(i)) ++differ;
  }
  EXPECT_GT(differ, 50);
}

// TLS

// A client that trusts the kit's authority.
void Trust(Curl& curl) {
  curl.SetBlob(CURLOPT_CAINFO_BLOB, TestCertificates().authority.certificate);
}

CURLcode GetOverTls(const Certificate& certificate) {
  const FaultyServer server(Always({.body = "b"}), {.tls = FaultyTls{.certificate = certificate}});
  Curl curl;
  Trust(curl);
  return curl.Do(server.url());
}

TEST(FaultyServerTls, AGoodCertificateIsAcceptedByAClientThatTrustsTheAuthority) {
  for (const bool ipv6 : {false, true}) {
    const FaultyServer server(
        Always({.body = "private"}),
        {.ipv6 = ipv6, .tls = FaultyTls{.certificate = TestCertificates().good}});
    Curl curl;
    EXPECT_EQ(curl.Do(server.url()), CURLE_PEER_FAILED_VERIFICATION);
    Trust(curl);
    EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
    EXPECT_EQ(curl.Post("https://localhost:" + std::to_string(server.port()), "b"), CURLE_OK);
    EXPECT_EQ(curl.body(), "private");
    EXPECT_EQ(server.request_count(), 2);
  }
}

TEST(FaultyServerTls, InvalidCertificatesAreRefusedByAClient) {
  EXPECT_EQ(GetOverTls(TestCertificates().good), CURLE_OK);
  EXPECT_EQ(GetOverTls(TestCertificates().expired), CURLE_PEER_FAILED_VERIFICATION);
  EXPECT_EQ(GetOverTls(TestCertificates().not_yet), CURLE_PEER_FAILED_VERIFICATION);
  EXPECT_EQ(GetOverTls(TestCertificates().other_host), CURLE_PEER_FAILED_VERIFICATION);
  EXPECT_EQ(GetOverTls(TestCertificates().self_signed), CURLE_PEER_FAILED_VERIFICATION);
}

TEST(FaultyServerTls, CertificatesCanBeSavedInFiles) {
  const TemporaryDirectory directory;
  TestCertificates().authority.Save(directory, "authority");
  const FaultyServer server(Always({}), {.tls = FaultyTls{.certificate = TestCertificates().good}});
  Curl curl;
  curl.Set(CURLOPT_CAINFO, (directory / "authority.pem").c_str());
  EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
  EXPECT_THAT(ReadText(directory / "authority.key"), StartsWith("-----BEGIN PRIVATE KEY-----"));
}

TEST(FaultyServerTls, AClientCertificateCanBeRequired) {
  const FaultyServer server(
      Always({}), {.tls = FaultyTls{.certificate = TestCertificates().good,
                                    .client_authority = TestCertificates().authority.certificate}});
  const auto get = [&](const Certificate* certificate) {
    Curl curl;
    Trust(curl);
    if (certificate != nullptr) {
      curl.SetBlob(CURLOPT_SSLCERT_BLOB, certificate->certificate);
      curl.SetBlob(CURLOPT_SSLKEY_BLOB, certificate->key);
    }
    return curl.Do(server.url());
  };
  EXPECT_NE(get(nullptr), CURLE_OK);
  EXPECT_NE(get(&TestCertificates().stranger), CURLE_OK);
  EXPECT_EQ(server.request_count(), 0);
  EXPECT_EQ(get(&TestCertificates().client), CURLE_OK);
  EXPECT_EQ(server.request_count(), 1);
}

TEST(FaultyServerTls, TheServerCanBeLimitedToAnOldVersion) {
  const FaultyServer server(
      Always({}), {.tls = FaultyTls{.certificate = TestCertificates().good, .only_tls_1_0 = true}});
  Curl curl;
  Trust(curl);
  EXPECT_EQ(curl.Do(server.url()), CURLE_SSL_CONNECT_ERROR);
  EXPECT_EQ(server.request_count(), 0);
  curl.Set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_0});
  curl.Set(CURLOPT_SSL_CIPHER_LIST, "ALL:@SECLEVEL=0");
  EXPECT_EQ(curl.Do(server.url()), CURLE_OK);
}

TEST(FaultyServerTls, FaultsWorkInsideTls) {
  const auto get = [](Fault fault) {
    const FaultyServer server(Always({.body = "body", .fault = fault}),
                              {.tls = FaultyTls{.certificate = TestCertificates().good}});
    Curl curl;
    Trust(curl);
    return curl.Do(server.url());
  };
  EXPECT_EQ(get(Fault::kResetBeforeAnswer), CURLE_RECV_ERROR);
  EXPECT_EQ(get(Fault::kResetInBody), CURLE_RECV_ERROR);
  EXPECT_EQ(get(Fault::kCloseBeforeAnswer), CURLE_GOT_NOTHING);
  EXPECT_EQ(get(Fault::kCloseInBody), CURLE_PARTIAL_FILE);
}

TEST(FaultyServerTls, TheDestructorEndsAStalledHandshake) {
  std::thread client;
  {
    const FaultyServer stalling(
        Always({}), {.tls = FaultyTls{.certificate = TestCertificates().good}, .silent = true});
    const FaultyServer waiting(Always({}),
                               {.tls = FaultyTls{.certificate = TestCertificates().good}});
    const Connection silent(waiting.port());
    client = std::thread([url = stalling.url()] { EXPECT_NE(Curl().Do(url), CURLE_OK); });
  }
  client.join();
}

// Proxy

class FaultyServerProxy : public ::testing::Test {
 protected:
  void Use(const TestProxy& proxy) {
    Trust(curl_);
    curl_.Set(CURLOPT_NOPROXY, "");
    curl_.Set(CURLOPT_PROXY, proxy.url().c_str());
  }

  const FaultyServer plain_{Always({.body = "plain"})};
  const FaultyServer tls_{Always({.body = "tls"}),
                          {.tls = FaultyTls{.certificate = TestCertificates().good}}};
  Curl curl_;
};

TEST_F(FaultyServerProxy, RequestsAreForwardedAndTunnelled) {
  const TestProxy proxy;
  Use(proxy);
  EXPECT_EQ(curl_.Do(plain_.url() + "/a?b"), CURLE_OK);
  EXPECT_EQ(curl_.body(), "plain");
  EXPECT_EQ(curl_.Post(plain_.url() + "/post", "the body"), CURLE_OK);
  EXPECT_EQ(curl_.Post(tls_.url() + "/c", "secret"), CURLE_OK);
  EXPECT_EQ(curl_.body(), "tls");

  const auto requested = proxy.Requests();
  ASSERT_EQ(requested.size(), 3);
  EXPECT_EQ(requested[0].method, "GET");
  EXPECT_EQ(requested[0].target, plain_.url() + "/a?b");
  EXPECT_EQ(requested[1].method, "POST");
  EXPECT_EQ(requested[2].method, "CONNECT");
  EXPECT_EQ(requested[2].target, "127.0.0.1:" + std::to_string(tls_.port()));
  const auto received = plain_.Requests();
  ASSERT_EQ(received.size(), 2);
  EXPECT_EQ(received[0].target, "/a?b");
  EXPECT_EQ(received[0].Header("proxy-connection"), "");
  EXPECT_EQ(received[1].body, "the body");
  EXPECT_EQ(tls_.Requests().at(0).body, "secret");
}

TEST_F(FaultyServerProxy, APasswordCanBeRequired) {
  const TestProxy proxy({.user = "user", .password = "secret"});
  Use(proxy);
  EXPECT_EQ(curl_.Do(plain_.url()), CURLE_OK);
  EXPECT_EQ(curl_.status(), 407);
  EXPECT_EQ(curl_.Do(tls_.url()), CURLE_RECV_ERROR);
  curl_.Set(CURLOPT_PROXYUSERPWD, "user:secret");
  EXPECT_EQ(curl_.Do(plain_.url()), CURLE_OK);
  EXPECT_EQ(curl_.status(), 200);
  EXPECT_EQ(curl_.Do(tls_.url()), CURLE_OK);
  EXPECT_EQ(plain_.Requests().at(0).Header("proxy-authorization"), "");
  EXPECT_EQ(proxy.Requests().size(), 4);
}

TEST_F(FaultyServerProxy, TunnelsCanBeRefused) {
  const TestProxy proxy({.refuse_connect = true});
  Use(proxy);
  EXPECT_EQ(curl_.Do(tls_.url()), CURLE_RECV_ERROR);
  EXPECT_EQ(curl_.Do(plain_.url()), CURLE_OK);
  EXPECT_EQ(tls_.connections(), 0);
}

TEST_F(FaultyServerProxy, HostsThatDoNotExistAreForwarded) {
  const TestProxy proxy({.forward_to = plain_.port()});
  Use(proxy);
  EXPECT_EQ(curl_.Do("http://monitor.invalid/ping"), CURLE_OK);
  EXPECT_EQ(curl_.body(), "plain");
  EXPECT_EQ(plain_.Requests().at(0).Header("host"), "monitor.invalid");
}

TEST_F(FaultyServerProxy, AClosedPortIsABadGateway) {
  const ClosedPort closed;
  const TestProxy proxy({.forward_to = closed.port()});
  Use(proxy);
  EXPECT_EQ(curl_.Do("http://monitor.invalid/ping"), CURLE_OK);
  EXPECT_EQ(curl_.status(), 502);
}

TEST_F(FaultyServerProxy, TheDestructorEndsTunnelsThatHang) {
  const FaultyServer hanging(Always({.fault = Fault::kHang}));
  std::thread client;
  {
    const TestProxy proxy({.forward_to = hanging.port()});
    client = std::thread([url = proxy.url()] {
      Curl curl;
      curl.Set(CURLOPT_NOPROXY, "");
      curl.Set(CURLOPT_PROXY, url.c_str());
      EXPECT_NE(curl.Do("http://monitor.invalid/"), CURLE_OK);
    });
    EXPECT_TRUE(hanging.AwaitRequests(1));
  }
  client.join();
}

// Plain TCP

TEST(FaultyServerTcp, BytesAreAnsweredWithBytes) {
  const TcpServer server([](const std::string& received) -> std::optional<TcpReply> {
    if (received.size() < 4) return std::nullopt;
    return TcpReply{.bytes = "ok:" + received, .reset = received == "drop"};
  });
  const Connection connection(server.port());
  connection.Send("pi");
  connection.Send("ng");
  EXPECT_EQ(connection.ReadToEnd(), "ok:ping");
  EXPECT_EQ(Exchange(server.port(), "drop"), "ok:drop");
  const Connection unfinished(server.port());
  unfinished.Send("x");
  EXPECT_THAT(server.Received(), ElementsAre("ping", "drop"));
}

TEST(FaultyServerTcp, AClosedPortRefusesConnectionsAndABlackHoleDropsThem) {
  const ClosedPort closed;
  EXPECT_FALSE(Connection(closed.port()).open());

  const BlackHole hole;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(hole.port()));
  for (int i = 0; i < 3; ++i) {
    const Descriptor client(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), -1);
    EXPECT_EQ(errno, EINPROGRESS);
    pollfd waiting{client.get(), POLLOUT, 0};
    EXPECT_EQ(poll(&waiting, 1, 50), 0);
  }
}

}  // namespace
}  // namespace backup_exporter

// Labels: threads
#include "web/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kit/http_client.h"
#include "kit/need.h"
#include "web/listen_address.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

WebContent Content() {
  return {.metrics =
              [](MetricsForm form) {
                const bool text = form.format == MetricsFormat::kText;
                return MetricsBody{std::make_shared<std::string>(form.gzip ? "z 1\n" : "a 1\n"),
                                   text ? "b 2\n" : "b 2\n# EOF\n"};
              },
          .standings = [] { return std::make_shared<const Standings>(); },
          .sources = [] { return std::map<std::string, SourceStatus>(); },
          .ready = [] { return true; }};
}

std::unique_ptr<WebServer> Serve(WebContent content = Content(),
                                 const std::string& address = "127.0.0.1:0") {
  WebOptions options;
  options.listen_addresses = {address};
  auto server = WebServer::Start(options, std::move(content));
  if (!server) throw std::runtime_error(server.error().message);
  return std::move(*server);
}

std::string StartError(const std::vector<std::string>& addresses,
                       const std::string& telemetry_path = "/metrics") {
  const auto server = WebServer::Start({addresses, telemetry_path}, Content());
  return server ? "" : server.error().message;
}

TEST(WebServer, BothPartsOfTheMetricsAreServed) {
  const auto server = Serve();
  const HttpReply reply = Get(server->ports().at(0), "/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "a 1\nb 2\n");
  EXPECT_EQ(reply.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(reply.headers.at("content-length"), "8");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
  EXPECT_THAT(reply.headers.at("date"), testing::ContainsRegex("^[A-Z][a-z][a-z], .* GMT$"));
}

TEST(WebServer, MetricsAreServedInThePreferredForm) {
  const auto server = Serve();
  const HttpReply reply =
      Get(server->ports().at(0), "/metrics",
          "ACCEPT: application/openmetrics-text;version=1.0.0\r\naccept-encoding:gzip\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "z 1\nb 2\n# EOF\n");
  EXPECT_EQ(reply.headers.at("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(reply.headers.at("content-encoding"), "gzip");
  EXPECT_EQ(reply.headers.at("vary"), "Accept, Accept-Encoding");
  EXPECT_EQ(reply.headers.at("content-length"), std::to_string(reply.body.size()));
}

TEST(WebServer, SeveralHeadersOfOneNameAreOneList) {
  const auto server = Serve();
  const std::string text = "Accept: text/plain;q=0.5\r\n";
  const std::string open_metrics = "Accept: application/openmetrics-text;version=1.0.0;q=0.6\r\n";
  const std::string other = "Accept-Encoding: br\r\nAccept-Language: gzip\r\n";
  const std::string gzip = "accept-encoding: gzip\r\n";
  const int port = server->ports().at(0);
  EXPECT_EQ(Get(port, "/metrics", text + other).body, "a 1\nb 2\n");
  EXPECT_EQ(Get(port, "/metrics", text + open_metrics).body, "a 1\nb 2\n# EOF\n");
  EXPECT_EQ(Get(port, "/metrics", open_metrics + text).body, "a 1\nb 2\n# EOF\n");
  EXPECT_EQ(Get(port, "/metrics", text + other + gzip).body, "z 1\nb 2\n");
}

// civetweb reads at most 64 headers.
TEST(WebServer, ARequestWithTooManyHeadersGetsThePlainForm) {
  const auto server = Serve();
  std::string headers;
  for (int i = 0; i < 64; ++i) headers += "a: b\r\n";
  const HttpReply reply =
      Get(server->ports().at(0), "/metrics", headers + "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "a 1\nb 2\n");
}

TEST(WebServer, TheOtherPagesAreServed) {
  const auto server = Serve();
  const int port = server->ports().at(0);
  EXPECT_THAT(Get(port, "/").body, HasSubstr("<!DOCTYPE html>"));
  EXPECT_EQ(Get(port, "/-/healthy").body, "backup_exporter is healthy.\n");
  EXPECT_EQ(Get(port, "/-/ready").status, 200);
}

TEST(WebServer, HeadIsAnsweredLikeGetWithoutABody) {
  const auto server = Serve();
  for (const std::string path : {"/", "/metrics", "/-/healthy", "/nothing"}) {
    for (const std::string headers : {"", "Accept: application/*\r\nAccept-Encoding: gzip\r\n"}) {
      HttpReply head = Fetch(server->ports().at(0), "HEAD", path, headers);
      HttpReply get = Get(server->ports().at(0), path, headers);
      EXPECT_EQ(head.status, get.status);
      EXPECT_EQ(head.body, "");
      head.headers.erase("date");
      get.headers.erase("date");
      EXPECT_EQ(head.headers, get.headers);
      EXPECT_EQ(get.headers.at("content-length"), std::to_string(get.body.size()));
    }
  }
}

TEST(WebServer, PathsAreComparedAsSent) {
  const auto server = Serve();
  const int port = server->ports().at(0);
  EXPECT_EQ(Get(port, "/metrics?name=value").status, 200);
  EXPECT_EQ(Get(port, "/metrics?").status, 200);
  for (const std::string path : {"/metrics/", "/metricsx", "//metrics", "/./metrics", "/%6detrics",
                                 "/metrics%00", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                                 "/..%2f..%2fetc%2fpasswd", "/etc/passwd", "/metrics%3Fa"}) {
    EXPECT_EQ(Get(port, path).status, 404) << path;
  }
}

TEST(WebServer, OtherMethodsAreRefused) {
  const auto server = Serve();
  const int port = server->ports().at(0);
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const HttpReply reply = Fetch(port, method, "/metrics");
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.headers.at("allow"), "GET, HEAD");
  }
  for (const std::string method : {"TRACE", "BREW", "get", "\x7F"}) {
    EXPECT_EQ(Fetch(port, method, "/metrics").status, 400) << method;
  }
}

TEST(WebServer, TheServerDoesNotWaitForABodyThatItRefuses) {
  const auto server = Serve();
  const Connection connection(server->ports().at(0));
  connection.Send("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nsome");
  EXPECT_EQ(ParseReply(connection.ReadToEnd()).status, 405);
}

TEST(WebServer, MalformedRequestsAreRefusedAndTheServerGoesOn) {
  const auto server = Serve();
  const int port = server->ports().at(0);
  const std::string line = "GET /metrics HTTP/1.1\r\n";
  std::string many_headers = line;
  for (int i = 0; i < 10'000; ++i) many_headers += "a: b\r\n";
  const std::vector<std::string> requests{
      "\r\n\r\n",
      "nonsense\r\n\r\n",
      "GET\r\n\r\n",
      "GET  HTTP/1.1\r\n\r\n",
      "GET /metrics\r\n\r\n",
      "GET /metrics HTTP/9.9\r\n\r\n",
      "GET /metrics FTP/1.1\r\n\r\n",
      "GET metrics HTTP/1.1\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\n\r\n",
      std::string("GET /\0/metrics HTTP/1.1\r\n\r\n", 27),
      "\x16\x03\x01\x02\x01\x01\xFF\xFF",  // a TLS client
      line + "no colon\r\n\r\n",
      line + "Content-Length: nonsense\r\n\r\n",
      line + "Content-Length: -1\r\n\r\n",
      line + "Transfer-Encoding: nonsense\r\n\r\n",
      line + "Header: " + std::string(1'000'000, 'x') + "\r\n\r\n",
      many_headers + "\r\n",
      "GET /" + std::string(65'536, 'x') + " HTTP/1.1\r\n\r\n",
  };
  for (const std::string& request : requests) {
    const std::string answer = Exchange(port, request);
    EXPECT_THAT(answer, Not(HasSubstr("a 1\n"))) << request.substr(0, 60);
    const int status = ParseReply(answer).status;
    EXPECT_TRUE(status == 0 || (status >= 400 && status < 500) || status == 505)
        << status << " for " << request.substr(0, 60);
    EXPECT_EQ(Get(port, "/metrics").status, 200);
  }
}

TEST(WebServer, AnOversizedRequestGetsAnErrorResponse) {
  const auto server = Serve();
  const std::string answer =
      Exchange(server->ports().at(0), "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n");
  const HttpReply reply = ParseReply(answer);
  EXPECT_GE(reply.status, 400);
  EXPECT_LT(reply.status, 500);
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
}

TEST(WebServer, EachConnectionServesOneRequest) {
  const auto server = Serve();
  const std::string request = "GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string chunked =
      "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\n";
  for (const std::string& first : {request, chunked}) {
    const std::string answer = Exchange(server->ports().at(0), first + request + request);
    const auto second = answer.find("HTTP/1.1 ", 1);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 "));
    EXPECT_EQ(second, std::string::npos) << answer;
  }
}

TEST(WebServer, Http10AndRequestsWithoutAHostAreAnswered) {
  const auto server = Serve();
  const int port = server->ports().at(0);
  EXPECT_EQ(ParseReply(Exchange(port, "GET /-/healthy HTTP/1.0\r\n\r\n")).status, 200);
  EXPECT_EQ(ParseReply(Exchange(port, "GET /-/healthy HTTP/1.1\r\n\r\n")).status, 200);
}

TEST(WebServer, ClientsThatDoNotFinishTheirRequestAreDisconnected) {
  const auto server = Serve();
  const Connection silent(server->ports().at(0));
  const Connection half(server->ports().at(0));
  half.Send("GET /metrics HTTP/1.1\r\nHo");
  EXPECT_TRUE(half.ClosedWithin(seconds(10)));
  EXPECT_TRUE(silent.ClosedWithin(seconds(10)));
}

TEST(WebServer, ManySilentConnectionsDoNotBlockTheScrape) {
  const auto server = Serve();
  const int port = server->ports().at(0);
  std::vector<Connection> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(port);
    if (i % 2 == 0) idle.back().Send("GET /metrics HT");
  }
  EXPECT_EQ(Get(port, "/metrics").status, 200);
  for (const Connection& connection : idle) EXPECT_TRUE(connection.open());
}

TEST(WebServer, ManyConcurrentClientsAreAnswered) {
  const auto server = Serve();
  const int port = server->ports().at(0);
  constexpr int kClients = 20;
  constexpr int kRequests = 50;
  std::vector<int> answered(kClients);
  {
    std::vector<std::jthread> clients;
    for (int& count : answered) {
      clients.emplace_back([&count, port] {
        for (int i = 0; i < kRequests; ++i) {
          if (Get(port, "/metrics").body == "a 1\nb 2\n") ++count;
        }
      });
    }
  }
  EXPECT_THAT(answered, testing::Each(kRequests));
}

TEST(WebServer, ALargePageIsServedCompletely) {
  const auto large = std::make_shared<const std::string>(30'000'000, 'x');
  WebContent content = Content();
  content.metrics = [&](MetricsForm) { return MetricsBody{large, "end\n"}; };
  const auto server = Serve(content);
  const HttpReply reply = Get(server->ports().at(0), "/metrics");
  EXPECT_EQ(reply.body.size(), large->size() + 4);
  EXPECT_TRUE(reply.body.ends_with("xend\n"));
}

TEST(WebServer, AClientThatReadsNothingDoesNotBlockOthers) {
  const auto large = std::make_shared<const std::string>(100'000'000, 'x');
  WebContent content = Content();
  content.metrics = [&](MetricsForm) { return MetricsBody{large, "end\n"}; };
  const auto server = Serve(content);
  const int port = server->ports().at(0);
  const Connection lazy(port);
  lazy.Send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(Get(port, "/-/healthy").status, 200);
}

TEST(WebServer, AnExceptionIsAnInternalServerErrorWithoutDetails) {
  WebContent content = Content();
  content.metrics = [](MetricsForm) -> MetricsBody { throw std::runtime_error("secret detail"); };
  const auto server = Serve(content);
  const HttpReply reply = Get(server->ports().at(0), "/metrics");
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, Not(HasSubstr("secret detail")));
  EXPECT_EQ(Get(server->ports().at(0), "/-/healthy").status, 200);
}

TEST(WebServer, WithoutAHostTheServerListensOnIpv4AndIpv6) {
  NEED(SystemHasIpv6() ? "" : "this machine has no IPv6");
  const auto server = Serve(Content(), ":0");
  const int port = server->ports().at(0);
  EXPECT_TRUE(Connection(port, "127.0.0.1").open());
  EXPECT_TRUE(Connection(port, "::1").open());
}

TEST(WebServer, WithAnAddressTheServerListensOnThatAddressOnly) {
  NEED(SystemHasIpv6() ? "" : "this machine has no IPv6");
  const auto server = Serve(Content(), "[::1]:0");
  const int port = server->ports().at(0);
  EXPECT_TRUE(Connection(port, "::1").open());
  EXPECT_FALSE(Connection(port, "127.0.0.1").open());
}

TEST(WebServer, PortsAreInTheOrderOfTheAddresses) {
  WebOptions options;
  options.listen_addresses = {"127.0.0.1:0", "127.0.0.2:0"};
  const auto server = WebServer::Start(options, Content());
  ASSERT_TRUE(server);
  const std::vector<int> ports = (*server)->ports();
  ASSERT_EQ(ports.size(), 2U);
  EXPECT_TRUE(Connection(ports[0], "127.0.0.1").open());
  EXPECT_TRUE(Connection(ports[1], "127.0.0.2").open());
}

TEST(WebServer, AnAddressInUseIsReported) {
  const auto server = Serve();
  const std::string taken = "127.0.0.1:" + std::to_string(server->ports().at(0));
  EXPECT_EQ(StartError({taken}), "web: cannot listen on " + taken + ": address already in use");
  EXPECT_EQ(Get(server->ports().at(0), "/-/healthy").status, 200);
}

TEST(WebServer, TheReasonForAFailedStartIsReported) {
  EXPECT_EQ(StartError({"192.0.2.1:0"}),
            "web: cannot listen on 192.0.2.1:0: cannot assign requested address");
  EXPECT_EQ(StartError({}), "web: no address to listen on");
  EXPECT_EQ(StartError({"127.0.0.1:0"}, "metrics"),
            "web: telemetry path \"metrics\" does not begin with /");
  EXPECT_THAT(StartError({"127.0.0.1"}), HasSubstr("the port is missing"));
}

TEST(WebServer, AnAddressGivenTwiceIsReported) {
  const int port = Serve()->ports().at(0);  // free again
  const std::string twice = "127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(StartError({twice, twice}),
            "web: cannot listen on " + twice + ": address already in use");
}

TEST(WebServer, TheServerStopsWhileClientsAreConnected) {
  auto server = Serve();
  const int port = server->ports().at(0);
  const Connection silent(port);
  const Connection half(port);
  half.Send("GET /");
  server.reset();
  EXPECT_FALSE(Connection(port).open());
}

TEST(WebServer, TheDestructorWaitsForTheLastAnswer) {
  std::latch asked(1);
  std::atomic<bool> listens = true;
  std::atomic<bool> made = false;
  std::atomic<int> port = 0;
  WebContent content = Content();
  content.metrics = [&](MetricsForm) {
    asked.count_down();
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (listens && std::chrono::steady_clock::now() < deadline) {
      listens = Connection(port).open();
    }
    made = true;
    return MetricsBody{nullptr, "done\n"};
  };
  auto server = Serve(content);
  port = server->ports().at(0);
  const Connection connection(port);
  connection.Send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  asked.wait();
  server.reset();
  EXPECT_TRUE(made);
  EXPECT_FALSE(listens);
}

}  // namespace
}  // namespace backup_exporter

// The real services of kit/services.h: what was sent to one can be read back. The tests send plain
// bytes, so that a test of a monitor fails only because of the monitor.

#include "kit/services.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kit/faulty_server.h"
#include "kit/http_client.h"
#include "kit/need.h"
#include "kit/process.h"
#include "kit/temporary_directory.h"
#include "kit/tools.h"

namespace backup_exporter {
namespace {

using nlohmann::json;

TEST(ServiceTools, VictoriaLogsReturnsLinesPushedAsToLoki) {
  NEED_TOOLS(VictoriaLogsServer::Missing());
  const VictoriaLogsServer server;
  EXPECT_TRUE(server.Lines().empty());
  const std::string path = std::string(VictoriaLogsServer::kPushBase) + "/loki/api/v1/push";
  const char* type = "Content-Type: application/json\r\n";
  const HttpReply pushed = Post(server.port(), path, R"({"streams":[
      {"stream":{"job":"backup_exporter","backup":"a \"b\\c\""},"values":[
        ["1764000000123456789","{\"not\":\"parsed\"}",{"run_id":"r1","result":"failure"}],
        ["1000000000000000001","old"]]},
      {"stream":{"job":"other"},"values":[["1764000000123456790","ü\n2"]]}]})",
                                type);
  EXPECT_EQ(pushed.status, 204) << pushed.body;
  const std::map<std::string, std::string> labels{{"job", "backup_exporter"},
                                                  {"backup", "a \"b\\c\""}};
  const std::vector<LogLine> expected{{1'000'000'000'000'000'001, "old", labels, {}},
                                      {1'764'000'000'123'456'789,
                                       "{\"not\":\"parsed\"}",
                                       labels,
                                       {{"run_id", "r1"}, {"result", "failure"}}},
                                      {1'764'000'000'123'456'790, "ü\n2", {{"job", "other"}}, {}}};
  EXPECT_EQ(server.Lines(), expected);
  EXPECT_EQ(server.Lines("{job=\"other\"}"), std::vector{expected[2]});
  const char* time_as_number = R"({"streams":[{"stream":{"job":"a"},"values":[[1,"a"]]}]})";
  EXPECT_EQ(Post(server.port(), path, time_as_number, type).status, 400);
}

TEST(ServiceTools, VictoriaLogsReturnsMoreLinesThanFitInOneChunk) {
  NEED_TOOLS(VictoriaLogsServer::Missing());
  const VictoriaLogsServer server;
  json values = json::array();
  for (int i = 0; i < 2000; ++i) {
    values.push_back({std::to_string(1'764'000'000'000'000'000 + i), std::string(100, 'x')});
  }
  const json body = {{"streams", {{{"stream", {{"job", "many"}}}, {"values", values}}}}};
  ASSERT_EQ(Post(server.port(), "/insert/loki/api/v1/push", body.dump(),
                 "Content-Type: application/json\r\n")
                .status,
            204);
  const std::vector<LogLine> lines = server.Lines();
  ASSERT_EQ(lines.size(), 2000U);
  EXPECT_EQ(lines.back().nanoseconds, 1'764'000'000'000'001'999);
}

// A packet of a trapper. Its header has the length of the text in 8 bytes, little-endian.
std::string Packet(const std::string& text) {
  std::string length(8, '\0');
  length[0] = static_cast<char>(text.size() & 0xff);
  length[1] = static_cast<char>(text.size() >> 8);
  return "ZBXD\1" + length + text;
}

TEST(ServiceTools, ZabbixReturnsTheValuesOfATrapper) {
  NEED_TOOLS(ZabbixServer::Missing());
  const ZabbixServer server;
  server.AddHost("it's one", {{"backup.result[home]", ZabbixItem::kUnsigned},
                              {"backup.text", ZabbixItem::kText},
                              {"backup.age", ZabbixItem::kFloat}});
  server.AddHost("two", {{"backup.text", ZabbixItem::kString}});
  const std::string reply = Exchange(server.port(), Packet(R"({"request":"sender data","data":[
      {"host":"it's one","key":"backup.result[home]","value":"2","clock":1764000000,"ns":123456789},
      {"host":"it's one","key":"backup.result[home]","value":"3","clock":1764000001,"ns":0},
      {"host":"it's one","key":"backup.text","value":"ü|\n2","clock":1764000000,"ns":1},
      {"host":"it's one","key":"backup.age","value":"1.5","clock":1764000000,"ns":1},
      {"host":"two","key":"backup.text","value":"two","clock":1764000000,"ns":2},
      {"host":"two","key":"unknown","value":"0","clock":1764000000,"ns":2}]})"));
  EXPECT_TRUE(reply.starts_with("ZBXD\1"));
  EXPECT_NE(reply.find("processed: 5; failed: 1; total: 6"), std::string::npos) << reply;
  const auto values = [&](const std::string& host, const std::string& key) {
    std::vector<ZabbixValue> found;
    EXPECT_TRUE(Eventually([&] { return !(found = server.History(host, key)).empty(); })) << key;
    return found;
  };
  using Values = std::vector<ZabbixValue>;
  EXPECT_EQ(values("it's one", "backup.result[home]"),
            (Values{{1'764'000'000, 123'456'789, "2"}, {1'764'000'001, 0, "3"}}));
  EXPECT_EQ(values("it's one", "backup.text"), (Values{{1'764'000'000, 1, "ü|\n2"}}));
  EXPECT_EQ(values("it's one", "backup.age"), (Values{{1'764'000'000, 1, "1.5"}}));
  EXPECT_EQ(values("two", "backup.text"), (Values{{1'764'000'000, 2, "two"}}));
  EXPECT_TRUE(server.History("two", "unknown").empty());
}

TEST(ServiceTools, AppriseNotifiesAReceiver) {
  NEED_TOOLS(MissingTool({"apprise"}));
  const FaultyServer receiver([](const FaultyServer::Request&) { return FaultyServer::Reply{}; });
  const TemporaryDirectory directory;
  Process apprise(
      {Tool("apprise"), "-v", "--title", "home", "--body", "ü failed", "--notification-type",
       "failure", "json" + receiver.url().substr(4) + "/path"},
      {.environment = {"HOME=" + directory.path()}, .output = directory / "log", .errors = "&1"});
  EXPECT_EQ(apprise.Wait(), 0) << ReadText(directory / "log");
  ASSERT_EQ(receiver.request_count(), 1U);
  const FaultyServer::Request request = receiver.Requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/path");
  const json body = json::parse(request.body, nullptr, false);
  ASSERT_TRUE(body.is_object()) << request.body;
  EXPECT_EQ(body["title"], "home");
  EXPECT_EQ(body["message"], "ü failed");
  EXPECT_EQ(body["type"], "failure");
}

}  // namespace
}  // namespace backup_exporter

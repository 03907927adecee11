#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "delivery/zabbix_trapper.h"
#include "kit/monitors.h"

namespace backup_exporter {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kDelivered = Delivery::Outcome::kDelivered;
constexpr auto kRetry = Delivery::Outcome::kRetry;
constexpr auto kRefused = Delivery::Outcome::kRefused;

constexpr const char* kToken =
    "zabbix: {server: 'http://z/api_jsonrpc.php', api_key: canary-token, itemid: 7}";
constexpr const char* kLogin =
    "zabbix: {server: 'http://z/api_jsonrpc.php', username: u, password: geheim, host: h, key: k}";
constexpr const char* kNative = "zabbix: {server: 'zabbix.example.com', host: h, key: k}";

std::string Good(std::size_t count) {
  const json data(std::vector<json>(count, {{"itemid", "7"}}));
  return json{{"jsonrpc", "2.0"}, {"result", {{"response", "success"}, {"data", data}}}}.dump();
}

std::string ErrorOf(int code, const std::string& data) {
  const json error{{"code", code}, {"message", "Invalid params."}, {"data", data}};
  return json{{"jsonrpc", "2.0"}, {"error", error}}.dump();
}

std::string MethodOf(const HttpRequest& request) {
  return json::parse(request.body)["method"].get<std::string>();
}

std::vector<Notice> Finishes(std::size_t count) {
  std::vector<Notice> notices;
  for (std::size_t i = 0; i < count; ++i) {
    notices.push_back(MakeNotice(NoticeState::kFinish));
    notices.back().id = static_cast<std::int64_t>(i) + 1;
    notices.back().backup = "b" + std::to_string(i);
  }
  return notices;
}

std::vector<Delivery::Outcome> Outcomes(const std::vector<SendResult>& results) {
  std::vector<Delivery::Outcome> outcomes;
  for (const SendResult& result : results) outcomes.push_back(result.outcome);
  return outcomes;
}

// A monitor, and a server that accepts everything by default.
struct Rig {
  MadeMonitor made;
  FakeTransport transport;
  // The answer to a method; a login returns the session "s1".
  std::function<std::string(const std::string& method, const json& params)> api =
      [](const std::string& method, const json& params) -> std::string {
    if (method == "user.login") return R"({"result":"s1"})";
    if (method == "user.logout") return R"({"result":true})";
    return Good(params.is_array() ? params.size() : 1);
  };
  // The answer to a packet of the sender protocol.
  std::function<std::string(const json& data)> native = [](const json& data) {
    return Info(data.size(), 0);
  };

  explicit Rig(const std::string& yaml) : made(MakeMonitor(yaml)) {
    transport.http = [this](const HttpRequest& request) {
      const json body = json::parse(request.body);
      return HttpAnswer{.status = 200, .body = api(body["method"], body["params"])};
    };
    transport.tcp = [this](const TcpRequest& request) {
      const auto text = TrapperPayload(request.bytes);
      return TcpAnswer{.connected = true,
                       .bytes = TrapperPacket(native(json::parse(text.value_or(""))["data"]))};
    };
  }

  static std::string Info(std::size_t total, std::size_t failed) {
    return json{{"response", "success"},
                {"info", "processed: " + std::to_string(total - failed) +
                             "; failed: " + std::to_string(failed) +
                             "; total: " + std::to_string(total) + "; seconds spent: 0.000055"}}
        .dump();
  }

  SendResult Send(const Notice& notice) { return made.monitor->Send(notice, transport); }
  std::vector<SendResult> SendAll(const std::vector<Notice>& notices) {
    return made.monitor->SendAll(notices, transport);
  }
  json Params(std::size_t i = 0) { return json::parse(transport.requests.at(i).body)["params"]; }
  json Data(std::size_t i = 0) {
    return json::parse(TrapperPayload(transport.exchanges.at(i).bytes).value_or(""))["data"];
  }
  std::vector<std::string> Methods() {
    std::vector<std::string> methods;
    for (const HttpRequest& request : transport.requests) methods.push_back(MethodOf(request));
    return methods;
  }
};

SendResult SendResultFor(const HttpAnswer& answer) {
  Rig rig(kToken);
  rig.transport.http = [&](const HttpRequest&) { return answer; };
  return rig.Send(MakeNotice(NoticeState::kFail));
}

SendResult SendResultForBytes(const TcpAnswer& answer) {
  Rig rig(kNative);
  rig.transport.tcp = [&](const TcpRequest&) { return answer; };
  return rig.Send(MakeNotice(NoticeState::kFail));
}

std::string Compressed(const std::string& text) {
  std::string packed(text.size() + 100, '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(text.data()), text.size());
  packed.resize(size);
  std::string packet = TrapperPacket(packed);
  packet[4] = 0x03;
  for (int i = 0; i < 4; ++i)
    packet[9 + static_cast<std::size_t>(i)] = static_cast<char>(text.size() >> 8 * i & 0xFF);
  return packet;
}

TEST(Zabbix, TheRequestsMatchTheRecordings) {
  ExpectGolden("zabbix",
               {{"requests: ours 1, recorded 2", "a token needs no logout"},
                {"body params.clock", "the time of the event, since a value may be sent late"},
                {"body params.ns", "its fraction, so that no two values have the same time"}});
}

TEST(Zabbix, WithoutAConfiguredValueTheNameOfTheStateIsSent) {
  Rig rig(kToken);
  for (const NoticeState state :
       {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail, NoticeState::kResolve}) {
    EXPECT_EQ(rig.Send(MakeNotice(state)).outcome, kDelivered);
  }
  EXPECT_EQ(rig.Params(0)["value"], "start");
  EXPECT_EQ(rig.Params(1)["value"], "finish");
  EXPECT_EQ(rig.Params(2)["value"], "fail");
  EXPECT_EQ(rig.Params(3)["value"], "finish");
}

TEST(Zabbix, IntegersStayIntegersAndPlaceholdersInTextsAreReplaced) {
  Rig rig(
      "zabbix:\n  server: http://z/api_jsonrpc.php\n  api_key: t\n  host: 'x {backup}'\n"
      "  key: 'backup[{operation}]'\n  finish: {value: 0}\n  start: {value: '1'}\n"
      "  fail: {value: '{result}: {error}'}\n");
  EXPECT_THAT(rig.made.errors, IsEmpty());
  EXPECT_TRUE(rig.made.options.by_backup);
  EXPECT_TRUE(rig.made.options.by_operation);
  for (const NoticeState state : {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail}) {
    EXPECT_EQ(rig.Send(MakeNotice(state)).outcome, kDelivered);
  }
  EXPECT_EQ(rig.Params(0)["value"], "1");
  EXPECT_EQ(rig.Params(1)["value"], 0);
  EXPECT_EQ(rig.Params(2)["value"], "failure: repository is already locked");
  EXPECT_EQ(rig.Params(2)["host"], "x home");
  EXPECT_EQ(rig.Params(2)["key"], "backup[backup]");
}

TEST(Zabbix, AHeartbeatIsSentAsAFinish) {
  Rig rig("zabbix: {server: z, host: h, key: k, finish: {value: 0}}");
  Notice notice = MakeNotice(NoticeState::kFinish);
  notice.cause = NoticeCause::kHeartbeat;
  EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
  EXPECT_EQ(rig.Data()[0]["value"], "0");
}

TEST(Zabbix, AValueHasTheTimeOfItsEvent) {
  Rig rig(kToken);
  Notice notice = MakeNotice(NoticeState::kStart);
  notice.at = *ParseRfc3339("2026-03-01T02:00:07.5Z");
  EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
  EXPECT_EQ(rig.Params()["clock"], 1772330407);
  EXPECT_EQ(rig.Params()["ns"], 500'000'000);
}

TEST(Zabbix, NoTwoValuesHaveTheSameTime) {
  Rig rig(kToken);
  std::vector<Notice> notices = Finishes(3);
  notices[2].state = NoticeState::kStart;
  EXPECT_THAT(Outcomes(rig.SendAll(notices)), Each(kDelivered));
  const json params = rig.Params();
  EXPECT_LT(params[2]["ns"], params[0]["ns"]);  // a start is earlier than an end
  EXPECT_LT(params[0]["ns"], params[1]["ns"]);
}

TEST(Zabbix, ARetrySendsTheSameBytes) {
  for (const char* block : {kToken, kNative}) {
    Rig rig(block);
    Notice notice = MakeNotice(NoticeState::kFail);
    EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
    ++notice.attempts;
    EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
    if (block == kToken) {
      EXPECT_EQ(rig.transport.requests.at(0).body, rig.transport.requests.at(1).body);
    } else {
      EXPECT_EQ(rig.transport.exchanges.at(0).bytes, rig.transport.exchanges.at(1).bytes);
    }
  }
}

TEST(Zabbix, OtherFailingBackupsAreNamedIfTheRunItselfHasNoError) {
  Rig rig("zabbix: {server: z, host: h, key: k, fail: {value: 'fail: {error}'}}");
  Notice notice = MakeNotice(NoticeState::kFail);
  notice.also_failing = {"nas", "nas check"};
  EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
  EXPECT_EQ(rig.Data(0)[0]["value"], "fail: repository is already locked");
  notice.error.clear();
  notice.reason.reset();
  EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
  EXPECT_EQ(rig.Data(1)[0]["value"], "fail: failing backups: home, nas, nas check");
  notice.result = RunResult::kSuccess;
  EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
  EXPECT_EQ(rig.Data(2)[0]["value"], "fail: failing backups: nas, nas check");
}

TEST(Zabbix, TextsAreCutToWhatTheDatabaseStores) {
  Rig rig("zabbix: {server: z, host: h, key: k, fail: {value: '{error}'}}");
  Notice notice = MakeNotice(NoticeState::kFail);
  for (int i = 0; i < 30'000; ++i) notice.error += "größer";
  EXPECT_EQ(rig.Send(notice).outcome, kDelivered);
  const auto value =
      rig.Data()[0]["value"].get<std::string>();  // valid UTF-8, otherwise it would not parse
  EXPECT_LE(value.size(), 65'535U);
  EXPECT_GT(value.size(), 65'500U);
}

TEST(Zabbix, ABacklogIsSentInOneCall) {
  Rig rig(kLogin);
  EXPECT_THAT(Outcomes(rig.SendAll(Finishes(100))), AllOf(SizeIs(100), Each(kDelivered)));
  EXPECT_THAT(rig.Methods(), ElementsAre("user.login", "history.push", "user.logout"));
  EXPECT_EQ(rig.Params(1).size(), 100U);
  EXPECT_EQ(rig.made.monitor->batch_limit(), 100U);
}

TEST(Zabbix, OnlyTheValuesWithAnErrorAreRefused) {
  Rig rig(kToken);
  rig.api = [](const std::string&, const json&) {
    return R"({"result":{"response":"success","data":[{"itemid":"7"},
              {"error":"Item is disabled."},{"itemid":"7"}]}})";
  };
  const std::vector<SendResult> results = rig.SendAll(Finishes(3));
  EXPECT_THAT(Outcomes(results), ElementsAre(kDelivered, kRefused, kDelivered));
  EXPECT_EQ(results[1].error, "Item is disabled.");
}

TEST(Zabbix, OneInvalidValueDoesNotHoldUpTheOthers) {
  for (const std::string login : {"api_key: tt", "username: u, password: pp"}) {
    Rig rig("zabbix: {server: 'http://z/a', host: '{backup}', key: k, " + login + "}");
    const auto usual = rig.api;
    rig.api = [&](const std::string& method, const json& params) {
      const bool wrong = params.dump().find("\"b3\"") != std::string::npos;
      return wrong ? ErrorOf(-32602, "Invalid parameter") : usual(method, params);
    };
    EXPECT_THAT(Outcomes(rig.SendAll(Finishes(5))),
                ElementsAre(kDelivered, kDelivered, kDelivered, kRefused, kDelivered));
    // All 5, their halves 2 and 3, then 1 and 2, 1 and 1: in one session.
    EXPECT_THAT(rig.Methods(), testing::Contains("history.push").Times(7));
    EXPECT_LE(rig.transport.requests.size(), 9U);
  }
}

TEST(Zabbix, AMissingPermissionIsFoundWithOneRequest) {
  for (const char* error : {"Not authorized.", "No permissions to call \"history.push\"."}) {
    Rig rig(kToken);
    rig.api = [&](const std::string&, const json&) { return ErrorOf(-32602, error); };
    EXPECT_THAT(Outcomes(rig.SendAll(Finishes(5))), AllOf(SizeIs(5), Each(kRefused)));
    EXPECT_THAT(rig.transport.requests, SizeIs(1));
  }
}

TEST(Zabbix, HalvingEndsAtARetry) {
  Rig rig(kToken);
  rig.api = [](const std::string&, const json& params) {
    return params.size() == 4 ? ErrorOf(-32602, "no") : ErrorOf(-32603, "");
  };
  EXPECT_THAT(Outcomes(rig.SendAll(Finishes(4))), ElementsAre(kRetry));
  EXPECT_THAT(rig.transport.requests, SizeIs(2));
}

TEST(Zabbix, ARefusalOfTheApiIsNotRetried) {
  for (const int code : {-32600, -32601, -32602, -32500, -32700}) {
    const SendResult result =
        SendResultFor({.status = 200, .body = ErrorOf(code, "No permissions.")});
    EXPECT_EQ(result.outcome, kRefused) << code;
    EXPECT_EQ(result.error, "Invalid params. No permissions.");
  }
  for (const int status : {400, 403, 404, 412}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, kRefused) << status;
  }
  // A login does not help against an expired token.
  EXPECT_EQ(SendResultFor({.status = 200, .body = ErrorOf(-32602, "Session terminated, re-login.")})
                .outcome,
            kRefused);
}

TEST(Zabbix, ARequestIsRetriedIfTheServerIsDown) {
  for (const int status : {0, 301, 429, 500, 502, 503}) {
    EXPECT_EQ(SendResultFor({.status = status}).outcome, kRetry) << status;
  }
  for (const char* body :
       {"<!DOCTYPE html><html></html>", "", "[]", "{}", "nonsense", R"({"result":true})"}) {
    EXPECT_EQ(SendResultFor({.status = 200, .body = body}).outcome, kRetry) << body;
  }
  EXPECT_EQ(SendResultFor({.status = 200, .body = ErrorOf(-32603, "")}).outcome, kRetry);
  for (const char* data : {R"(Connection to Zabbix server "localhost:10051" refused.)",
                           "Error connecting to database: Connection refused"}) {
    EXPECT_EQ(SendResultFor({.status = 200, .body = ErrorOf(-32500, data)}).outcome, kRetry)
        << data;
  }
}

TEST(Zabbix, ASuccessWhoseBodyIsCutIsADelivery) {
  const SendResult result =
      SendResultFor({.status = 200, .body = R"({"result":{"resp)", .cut = true});
  EXPECT_EQ(result.outcome, kDelivered);
}

TEST(Zabbix, AnExpiredSessionIsRenewedOnce) {
  Rig rig(kLogin);
  int pushes = 0;
  const auto usual = rig.api;
  rig.api = [&](const std::string& method, const json& params) {
    const bool first = method == "history.push" && ++pushes == 1;
    return first ? ErrorOf(-32602, "Session terminated, re-login, please.") : usual(method, params);
  };
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
  EXPECT_THAT(rig.Methods(), ElementsAre("user.login", "history.push", "user.login", "history.push",
                                         "user.logout"));
}

TEST(Zabbix, ASessionThatExpiresTwiceIsARefusal) {
  Rig rig(kLogin);
  rig.api = [](const std::string& method, const json&) -> std::string {
    if (method == "user.login") return R"({"result":"s1"})";
    return ErrorOf(-32602, "Session terminated, re-login, please.");
  };
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kRefused);
  EXPECT_THAT(rig.Methods(), testing::Contains("user.login").Times(2));
}

TEST(Zabbix, ARefusedLoginIsNeverRepeated) {
  Rig rig(kLogin);
  rig.api = [](const std::string&, const json&) {
    return ErrorOf(-32500, "Incorrect user name or password or account is temporarily blocked.");
  };
  const std::vector<SendResult> results = rig.SendAll(Finishes(5));
  EXPECT_THAT(Outcomes(results), AllOf(SizeIs(5), Each(kRefused)));
  EXPECT_THAT(results[0].error, testing::StartsWith("login: "));
  EXPECT_THAT(rig.Methods(), ElementsAre("user.login"));
}

TEST(Zabbix, ASessionIsClosedEvenAfterARefusal) {
  Rig rig(kLogin);
  const auto usual = rig.api;
  rig.api = [&](const std::string& method, const json& params) {
    return method == "history.push" ? ErrorOf(-32602, "no") : usual(method, params);
  };
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kRefused);
  EXPECT_THAT(rig.Methods(), ElementsAre("user.login", "history.push", "user.logout"));
}

TEST(Zabbix, AFailedLogoutDoesNotChangeTheResult) {
  Rig rig(kLogin);
  const auto usual = rig.api;
  rig.api = [&](const std::string& method, const json& params) {
    return method == "user.logout" ? "nonsense" : usual(method, params);
  };
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
}

TEST(Zabbix, AHostAndPortGetTheSenderProtocol) {
  Rig rig("zabbix: {server: 'z:123', host: h, key: 'k[{backup}]', fail: {value: 2}}");
  EXPECT_THAT(rig.made.errors, IsEmpty());
  EXPECT_TRUE(rig.made.options.by_backup);
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
  EXPECT_THAT(rig.transport.requests, IsEmpty());
  const TcpRequest& request = rig.transport.exchanges.at(0);
  EXPECT_EQ(request.host, "z");
  EXPECT_EQ(request.port, 123);
  EXPECT_EQ(request.bytes.substr(0, 5), "ZBXD\x01");
  const std::string text = request.bytes.substr(13);
  EXPECT_EQ(static_cast<unsigned char>(request.bytes[5]), text.size());
  EXPECT_EQ(json::parse(text)["request"], "sender data");
  EXPECT_EQ(rig.Data(), (json::array({{{"host", "h"},
                                       {"key", "k[home]"},
                                       {"value", "2"},
                                       {"clock", 1772330407},
                                       {"ns", 500}}})));
}

TEST(Zabbix, HostAndPortAreParsed) {
  const auto address = [](const std::string& server) {
    Rig rig("zabbix: {host: h, key: k, server: '" + server + "'}");
    EXPECT_THAT(rig.made.errors, IsEmpty());
    EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
    const TcpRequest& request = rig.transport.exchanges.at(0);
    return request.host + " " + std::to_string(request.port);
  };
  EXPECT_EQ(address("zabbix.example.com"), "zabbix.example.com 10051");
  EXPECT_EQ(address("192.0.2.1:65535"), "192.0.2.1 65535");
  EXPECT_EQ(address("[::1]:10052"), "::1 10052");
  EXPECT_EQ(address("[::1]"), "::1 10051");
  EXPECT_EQ(address("2001:db8::1"), "2001:db8::1 10051");
}

TEST(Zabbix, ValuesThatTheServerCountsAsFailedAreRefused) {
  Rig rig(kNative);
  rig.native = [](const json& data) { return Rig::Info(data.size(), data.size()); };
  const std::vector<SendResult> results = rig.SendAll(Finishes(3));
  EXPECT_THAT(Outcomes(results), ElementsAre(kRefused, kRefused, kRefused));
  EXPECT_THAT(results[0].error, HasSubstr("trapper item"));
  EXPECT_THAT(rig.transport.exchanges, SizeIs(1));
}

TEST(Zabbix, FailedValuesAreFoundBySendingThemOneByOne) {
  Rig rig("zabbix: {server: z, host: '{backup}', key: k}");
  rig.native = [](const json& data) {
    std::size_t failed = 0;
    for (const json& entry : data) failed += entry["host"] == "b1" ? 1 : 0;
    return Rig::Info(data.size(), failed);
  };
  EXPECT_THAT(Outcomes(rig.SendAll(Finishes(3))), ElementsAre(kDelivered, kRefused, kDelivered));
  EXPECT_THAT(rig.transport.exchanges, SizeIs(4));
}

TEST(Zabbix, TheResponseOfAServerDecides) {
  const auto on = [](const std::string& text) {
    return SendResultForBytes({.connected = true, .bytes = TrapperPacket(text)});
  };
  const SendResult failed = on(R"({"response":"failed","info":"not for you"})");
  EXPECT_EQ(failed.outcome, kRefused);
  EXPECT_THAT(failed.error, HasSubstr("not for you"));
  EXPECT_EQ(on(R"({"response":"success"})").outcome, kDelivered);
  for (const char* text : {"", "nonsense", "[]", R"({"response":5})"}) {
    EXPECT_EQ(on(text).outcome, kRetry) << text;
  }
}

TEST(Zabbix, AnIncompleteAnswerIsRetried) {
  EXPECT_EQ(SendResultForBytes({.failure = NetworkFailure::kDns, .error = "no such host"}).failure,
            AttemptFailure::kDns);
  for (const std::string bytes : {"", "ZBXD", "ZBXD\x01\x09"}) {
    const SendResult result =
        SendResultForBytes({.connected = true, .bytes = bytes, .error = "connection closed"});
    EXPECT_EQ(result.outcome, kRetry);
    EXPECT_THAT(result.error, HasSubstr("connection closed"));
  }
  EXPECT_EQ(SendResultForBytes({.connected = true, .bytes = "SSH-2.0-OpenSSH"}).outcome, kRetry);
  EXPECT_TRUE(
      SendResultForBytes({.failure = NetworkFailure::kStopped, .error = "stopping"}).stopped);
}

TEST(Zabbix, CompressedAndLargePacketsAreParsed) {
  const std::string text = Rig::Info(1, 0);
  EXPECT_EQ(SendResultForBytes({.connected = true, .bytes = Compressed(text)}).outcome, kDelivered);
  std::string large = TrapperPacket(text);
  large[4] = 0x05;
  large.insert(9, 4, '\0');
  large.insert(13, 4, '\0');
  EXPECT_EQ(TrapperPayload(large), text);
  std::string damaged = Compressed(text);
  damaged[20] ^= 0x55;
  EXPECT_EQ(TrapperPayload(damaged), std::nullopt);
  std::string short_of_one = Compressed(text);
  ++short_of_one[9];
  EXPECT_EQ(TrapperPayload(short_of_one), std::nullopt);
  EXPECT_EQ(TrapperPayload(Compressed(std::string(2'000'000, ' '))),
            std::nullopt);  // a compression bomb
}

TEST(Zabbix, TheHeaderShowsWhetherAPacketIsComplete) {
  const std::string packet = TrapperPacket("{}");
  for (std::size_t i = 0; i < packet.size(); ++i) {
    EXPECT_FALSE(IsCompleteTrapperPacket(packet.substr(0, i))) << i;
  }
  EXPECT_TRUE(IsCompleteTrapperPacket(packet));
  EXPECT_TRUE(IsCompleteTrapperPacket("HTTP/1.1 400"));  // cannot become one
  EXPECT_TRUE(IsCompleteTrapperPacket("ZBXD\x40"));
}

TEST(Zabbix, TokenAndItemIdTakePrecedenceWithAWarning) {
  Rig rig(
      "zabbix: {server: 'http://z/a', api_key: tt, username: u, password: pp, itemid: 7, host: "
      "'{backup}', key: k}");
  EXPECT_THAT(rig.made.options.warnings,
              ElementsAre(HasSubstr("since `api_key` is set"), HasSubstr("since `itemid` is set")));
  EXPECT_FALSE(rig.made.options.by_backup);
  EXPECT_EQ(rig.Send(MakeNotice(NoticeState::kFail)).outcome, kDelivered);
  EXPECT_THAT(rig.Methods(), ElementsAre("history.push"));
  EXPECT_FALSE(rig.Params().contains("host"));
}

TEST(Zabbix, SecretsAreMasked) {
  const MadeMonitor made = MakeMonitor(
      "zabbix: {server: 'http://u1:canary-one@z/a', api_key: canary-two, username: canary-three, "
      "password: canary-four, itemid: 7}");
  EXPECT_EQ(made.options.mask.Mask("canary-two canary-three canary-four"), "*** *** ***");
  EXPECT_THAT(made.options.mask.Mask("at canary-one"), testing::Not(HasSubstr("canary")));
}

TEST(Zabbix, MistakesInTheBlockAreReported) {
  const auto mistakes = [](const std::string& block) {
    return MakeMonitor("zabbix: {" + block + "}").errors;
  };
  EXPECT_THAT(mistakes("api_key: t, itemid: 7"), ElementsAre(HasSubstr("needs `server`")));
  EXPECT_THAT(mistakes("server: 'http://z/a'"),
              testing::UnorderedElementsAre(HasSubstr("needs `api_key`"), HasSubstr("needs `host`"),
                                            HasSubstr("needs `key`")));
  EXPECT_THAT(mistakes("server: 'http://z/a', username: u, itemid: 7"),
              ElementsAre(HasSubstr("`username` and `password` must be given together")));
  EXPECT_THAT(mistakes("server: 'http://z/a', api_key: t, host: h"),
              ElementsAre(HasSubstr("needs `key`")));
  EXPECT_THAT(mistakes("server: 'http://z/a', api_key: t, itemid: x, fail: {valu: 1}"),
              ElementsAre(HasSubstr("`itemid` must be a whole number"), HasSubstr("`valu`")));
  EXPECT_THAT(mistakes("server: z, api_key: t, password_file: /x, itemid: 7, host: h, key: k"),
              ElementsAre(HasSubstr("`api_key` requires the URL"),
                          HasSubstr("`password_file` requires the URL"),
                          HasSubstr("`itemid` requires the URL")));
  for (const char* server : {"z/api_jsonrpc.php", "z:", "z:0", "z:65536", "z:x", "[::1]x", ":1"}) {
    EXPECT_THAT(mistakes("host: h, key: k, server: '" + std::string(server) + "'"),
                ElementsAre(HasSubstr("HOST:PORT")))
        << server;
  }
}

}  // namespace
}  // namespace backup_exporter

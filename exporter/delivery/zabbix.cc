// Zabbix: sends a value for a trapper item, in one of two ways.
//
// By the web API (JSON-RPC; 7.0 to 8.0, manual/api/reference/history/push): history.push, with a
// token, or between a login and a logout. The status is always 200; the body decides. A refused
// login is never repeated, since that would block the account.
// By the sender protocol (any version, zabbix_trapper.h), which has neither users nor item ids.
//
// A value is sent with the time of its event. Zabbix stores a repeated value again, or replaces the
// first one if the key of its database includes the time.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "base/json.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"
#include "delivery/zabbix_trapper.h"

namespace backup_exporter {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNotices = 100;
constexpr std::size_t kLongestValue = 65'535;  // bytes of a text that every database can store
constexpr std::size_t kLongestExcerpt = 200;   // bytes of an answer that are quoted
constexpr int kTrapperPort = 10051;
constexpr int kInternalError = -32603;

using Value = std::variant<std::int64_t, std::string>;

// The item, and the values of notices for it.
struct Values {
  std::optional<std::int64_t> item_id;
  std::string host;
  std::string key;
  std::map<NoticeState, Value> values;

  [[nodiscard]] Value ValueOf(const Notice& notice) const {
    const NoticeState state = StateOf(notice);
    const auto found = values.find(state);
    if (found == values.end()) return std::string(Name(state));
    if (std::holds_alternative<std::int64_t>(found->second)) return found->second;
    const std::string text = Expand(std::get<std::string>(found->second), notice);
    return std::string(CutBytes(text, kLongestValue));
  }

  // {"value", "clock", "ns"}.
  [[nodiscard]] json Timed(const Notice& notice) const {
    // Zabbix may keep only one of several values of an item with the same time.
    constexpr std::int64_t kPlaces = 250;
    const std::int64_t place =
        static_cast<std::int64_t>(StateOf(notice)) * kPlaces +
        static_cast<std::int64_t>(static_cast<std::uint64_t>(notice.id) % kPlaces);
    const auto second = std::chrono::floor<std::chrono::seconds>(notice.at);
    json timed{{"clock", second.time_since_epoch().count()},
               {"ns", std::chrono::nanoseconds(notice.at - second).count() + place}};
    std::visit([&](const auto& value) { timed["value"] = value; }, ValueOf(notice));
    return timed;
  }

 private:
  static NoticeState StateOf(const Notice& notice) {
    return notice.state == NoticeState::kResolve ? NoticeState::kFinish : notice.state;
  }
};

using SendResults = std::vector<SendResult>;

class ZabbixApi final : public Monitor {
 public:
  std::string url;
  std::string token;  // empty: a login with the two below
  std::string username;
  std::string password;
  Values values;

  [[nodiscard]] std::size_t batch_limit() const override { return kMostNotices; }

  SendResult Send(const Notice& notice, Transport& transport) override {
    return SendAll({&notice, 1}, transport).front();
  }

  std::vector<SendResult> SendAll(std::span<const Notice> notices, Transport& transport) override {
    if (!token.empty()) {
      return JudgeOrHalve(Push(notices, token, transport), notices, token, transport);
    }
    for (bool again = false;; again = true) {
      const Reply login =
          Call("user.login", {{"username", username}, {"password", password}}, "", transport);
      if (!login.value.is_string()) {
        SendResult result = login.send_result;
        if (result.outcome == Delivery::Outcome::kDelivered) {
          result = Retry(AttemptFailure::kRejected, "the answer has no session");
        }
        result.error = "login: " + result.error;
        return All(result, notices.size());
      }
      const auto session = login.value.get<std::string>();
      const Reply reply = Push(notices, session, transport);
      if (reply.session_ended && !again) continue;
      const SendResults results = JudgeOrHalve(reply, notices, session, transport);
      // The result of the logout does not matter: a session also expires.
      if (reply.answered) static_cast<void>(Call("user.logout", json::array(), session, transport));
      return results;
    }
  }

 private:
  struct Reply {
    SendResult send_result;
    json value;  // the member `result`; null after an error
    bool answered = false;
    bool cut = false;  // a success whose body is incomplete
    bool session_ended = false;
    bool may_be_one_value = false;  // refused, maybe because of a single value
  };

  [[nodiscard]] Reply Push(std::span<const Notice> notices, const std::string& bearer,
                           Transport& transport) const {
    json params = json::array();
    for (const Notice& notice : notices) params.push_back(Params(notice));
    if (notices.size() == 1) params = json(params[0]);
    return Call("history.push", params, bearer, transport);
  }

  // If all values were refused because of one of them, or because there are too many, sends each
  // half by itself.
  SendResults JudgeOrHalve(const Reply& reply, std::span<const Notice> notices,
                           const std::string& bearer, Transport& transport) const {
    if (!reply.may_be_one_value || notices.size() == 1) return Judge(reply, notices.size());
    const std::size_t half = notices.size() / 2;
    SendResults results;
    for (const auto part : {notices.first(half), notices.subspan(half)}) {
      const SendResults of_part =
          JudgeOrHalve(Push(part, bearer, transport), part, bearer, transport);
      results.insert(results.end(), of_part.begin(), of_part.end());
      if (results.back().outcome == Delivery::Outcome::kRetry) break;
    }
    return results;
  }

  [[nodiscard]] json Params(const Notice& notice) const {
    json params = values.Timed(notice);
    if (values.item_id) {
      params["itemid"] = *values.item_id;
    } else {
      params["host"] = Expand(values.host, notice);
      params["key"] = Expand(values.key, notice);
    }
    return params;
  }

  [[nodiscard]] Reply Call(std::string_view method, const json& params, const std::string& bearer,
                           Transport& transport) const {
    HttpRequest request{.url = url, .headers = {{"Content-Type", "application/json-rpc"}}};
    if (!bearer.empty()) request.headers.emplace_back("Authorization", "Bearer " + bearer);
    request.body =
        Dump(json{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}, {"id", 1}});
    const HttpAnswer answer = transport.Send(request);
    Reply reply{.send_result = JudgeStatus(answer),
                .answered = answer.status != 0,
                .may_be_one_value = answer.status == 413};
    if (reply.send_result.outcome == Delivery::Outcome::kDelivered) ReadBody(answer, reply);
    return reply;
  }

  static void ReadBody(const HttpAnswer& answer, Reply& reply) {
    auto body = ParseJson(answer.body);
    const bool is_object = body && body->is_object();
    if (!body && answer.cut) {
      reply.cut = true;
    } else if (is_object && body->contains("error")) {
      JudgeError((*body)["error"], reply);
    } else if (answer.status == 200 && is_object && body->contains("result")) {
      reply.value = std::move((*body)["result"]);
    } else {
      reply.send_result =
          Retry(AttemptFailure::kRejected,
                "not an answer of Zabbix's API, whose URL ends in /api_jsonrpc.php: " +
                    DescribeAnswer(answer));
    }
  }

  static void JudgeError(const json& error, Reply& reply) {
    std::string text;
    for (const char* key : {"message", "data"}) {
      if (!error.is_object() || !error.contains(key) || !error[key].is_string()) continue;
      text += (text.empty() ? "" : " ") + error[key].get<std::string>();
    }
    if (text.empty()) text = Dump(error);
    const auto contains = [&](std::string_view part) {
      return text.find(part) != std::string::npos;
    };
    reply.session_ended = contains("Session terminated") || contains("re-login");
    // The web front end answers although the server behind it is down: "Connection to Zabbix server
    // … refused" has the same code as an unknown item.
    const bool has_code =
        error.is_object() && error.contains("code") && error["code"].is_number_integer();
    const bool temporary = contains("Zabbix server \"") || contains("onnection to Zabbix server") ||
                           contains("database") || (has_code && error["code"] == kInternalError);
    reply.send_result = temporary ? Retry(AttemptFailure::kRejected, text)
                                  : Refused(AttemptFailure::kRejected, text);
    // A user without the permission to push can push none of the values.
    const bool forbidden = contains("ot authori") || contains("ermission");
    reply.may_be_one_value = !temporary && !reply.session_ended && !forbidden;
  }

  static SendResults All(const SendResult& result, std::size_t count) {
    return SendResults(result.outcome == Delivery::Outcome::kRetry ? 1 : count, result);
  }

  static bool Has(const json& value, const char* key) {
    return value.is_object() && value.contains(key);
  }

  // Whether the value has a result for each of `count` values.
  static bool IsPushResult(const json& value, std::size_t count) {
    return Has(value, "response") && value["response"] == "success" && Has(value, "data") &&
           value["data"].is_array() && value["data"].size() == count &&
           std::ranges::all_of(value["data"], [&](const json& item) {
             return Has(item, "itemid") || Has(item, "error");
           });
  }

  static SendResults Judge(const Reply& reply, std::size_t count) {
    if (reply.send_result.outcome != Delivery::Outcome::kDelivered || reply.cut) {
      return All(reply.send_result, count);
    }
    if (!IsPushResult(reply.value, count)) {
      return All(Retry(AttemptFailure::kRejected,
                       "an answer without results for the values: " + Dump(reply.value)),
                 count);
    }
    SendResults results;
    for (const json& item : reply.value["data"]) {
      if (!Has(item, "error")) {
        results.push_back(Delivered());
        continue;
      }
      const json& error = item["error"];
      results.push_back(Refused(AttemptFailure::kRejected,
                                error.is_string() ? error.get<std::string>() : Dump(error)));
    }
    return results;
  }
};

class ZabbixTrapper final : public Monitor {
 public:
  std::string server;
  int port = kTrapperPort;
  Values values;

  [[nodiscard]] std::size_t batch_limit() const override { return kMostNotices; }

  SendResult Send(const Notice& notice, Transport& transport) override {
    return SendAll({&notice, 1}, transport).front();
  }

  std::vector<SendResult> SendAll(std::span<const Notice> notices, Transport& transport) override {
    json data = json::array();
    for (const Notice& notice : notices) data.push_back(Entry(notice));
    const json request{{"request", "sender data"}, {"data", std::move(data)}};
    const TcpAnswer answer = transport.Exchange({.host = server,
                                                 .port = port,
                                                 .bytes = TrapperPacket(Dump(request)),
                                                 .complete = IsCompleteTrapperPacket});
    const auto payload = TrapperPayload(answer.bytes);
    if (!payload) return {JudgeIncomplete(answer)};
    const auto parsed = ParseTrapperAnswer(*payload);
    if (!parsed) {
      return {Retry(AttemptFailure::kRejected,
                    "not an answer of a Zabbix server: " +
                        std::string(CutBytes(ValidUtf8(*payload), kLongestExcerpt)))};
    }
    if (!parsed->success) {
      return SendResults(notices.size(),
                         Refused(AttemptFailure::kRejected, "Zabbix: " + parsed->info));
    }
    if (parsed->failed == 0) return SendResults(notices.size(), Delivered());
    if (notices.size() == 1 || parsed->failed >= notices.size()) {
      return SendResults(
          notices.size(),
          Refused(AttemptFailure::kRejected,
                  parsed->info + " (is there a trapper item with this host and key, and is this "
                                 "address one of its allowed hosts?)"));
    }
    // The answer does not show which values failed: send each by itself.
    SendResults results;
    for (const Notice& notice : notices) {
      results.push_back(Send(notice, transport));
      if (results.back().outcome == Delivery::Outcome::kRetry) break;
    }
    return results;
  }

 private:
  [[nodiscard]] json Entry(const Notice& notice) const {
    json entry = values.Timed(notice);
    if (!entry["value"].is_string()) entry["value"] = entry["value"].dump();
    entry["host"] = Expand(values.host, notice);
    entry["key"] = Expand(values.key, notice);
    return entry;
  }

  static SendResult JudgeIncomplete(const TcpAnswer& answer) {
    if (!answer.error.empty() || !answer.connected) {
      SendResult result = JudgeNetwork(answer.failure, answer.error);
      if (answer.connected && answer.bytes.empty() && !result.stopped) {
        result.error += " (Zabbix closes the connection if it requires encryption)";
      }
      return result;
    }
    return Retry(AttemptFailure::kRejected, "the server does not use Zabbix's sender protocol");
  }
};

// The integer that YAML reads the value as, if it is one.
std::optional<std::int64_t> Integer(const YamlValue& value) {
  if (value.kind != YamlValue::Kind::kText || value.quoted) return std::nullopt;
  std::string_view digits = value.text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole ? std::optional(number) : std::nullopt;
}

void ReadValues(Section& block, Values& values) {
  for (const NoticeState state : {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail}) {
    const YamlValue* map = block.Map(Name(state));
    if (map == nullptr) continue;
    const std::string name = "`" + std::string(Name(state)) + "` of zabbix";
    Section section(*map, name, block.errors());
    const YamlValue* value = section.Any("value");
    if (value != nullptr) {
      if (const auto number = Integer(*value)) {
        values.values[state] = *number;
      } else if (auto text = section.Lines("value")) {
        values.values[state] = std::move(*text);
      }
    }
    section.RefuseOtherKeys();
  }
}

// Reads which item the values are for, unless its id is configured.
void ReadHostAndKey(Section& block, MonitorOptions& options, Values& values) {
  values.host = block.Text("host").value_or("");
  values.key = block.Text("key").value_or("");
  if (block.Has("itemid")) {
    if (block.Has("host") || block.Has("key")) {
      options.warnings.emplace_back("zabbix: `host` and `key` are ignored, since `itemid` is set");
    }
    return;
  }
  NotePlaceholders(values.host + values.key, options);
  block.Require("host", "the name of the host in Zabbix");
  block.Require("key", "the key of a trapper item");
}

// Parses "zabbix.example.com:10051", "zabbix.example.com", "[::1]:10051" or "::1".
bool ParseAddress(std::string_view text, ZabbixTrapper& trapper) {
  std::string_view host = text;
  std::string_view port;
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.rfind(':');
  if (text.starts_with('[') && bracket != text.npos) {
    host = text.substr(1, bracket - 1);
    const std::string_view rest = text.substr(bracket + 1);
    if (!rest.empty() && (rest[0] != ':' || rest.size() == 1)) return false;
    port = rest.empty() ? rest : rest.substr(1);
  } else if (colon != text.npos && text.find(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return false;
  }
  trapper.server = host;
  if (!port.empty()) {
    const auto number = WholeNumber(port);
    if (!number || *number < 1 || *number > 65'535) return false;
    trapper.port = *number;
  }
  return !host.empty() && host.find_first_of("/@[] ") == host.npos;
}

constexpr std::array kCredentials{"api_key", "username", "password"};

std::unique_ptr<Monitor> MakeTrapper(Section& block, MonitorOptions& options) {
  auto trapper = std::make_unique<ZabbixTrapper>();
  const auto server = block.Text("server");
  if (server && !ParseAddress(*server, *trapper)) {
    block.Note("server",
               "`server` must be the URL of api_jsonrpc.php, or HOST:PORT of a server or "
               "proxy, not " +
                   Quoted(*server));
  }
  for (const std::string credential : kCredentials) {
    for (const std::string& key : {credential, credential + "_file"}) {
      if (block.Any(key) == nullptr) continue;
      block.Note(key, Quoted(key) + " requires the URL of an API: HOST:PORT has no users");
    }
  }
  if (block.Any("itemid") != nullptr) {
    block.Note("itemid", "`itemid` requires the URL of an API: HOST:PORT uses `host` and `key`");
  }
  ReadHostAndKey(block, options, trapper->values);
  ReadValues(block, trapper->values);
  return trapper;
}

void ReadCredentials(Section& block, MonitorOptions& options, ZabbixApi& api) {
  const auto token = ReadSecret(block, "api_key", options);
  const auto username = ReadSecret(block, "username", options);
  const auto password = ReadSecret(block, "password", options);
  const auto has = [&](const std::string& key) {
    return block.Has(key) || block.Has(key + "_file");
  };
  api.token = token.value_or("");
  api.username = username.value_or("");
  api.password = password.value_or("");
  if (has("api_key")) {
    if (username || password) {
      options.warnings.emplace_back(
          "zabbix: `username` and `password` are ignored, since `api_key` is set");
    }
    return;
  }
  if (has("username") != has("password")) {
    block.Note(username ? "username" : "password",
               "`username` and `password` must be given together");
  } else if (!has("username")) {
    block.Require("api_key", "an API token, or `username` and `password`");
  }
}

}  // namespace

std::unique_ptr<Monitor> MakeZabbix(Section& block, MonitorOptions& options) {
  RequireSecret(block, "server", "the URL of api_jsonrpc.php, or HOST:PORT of a server or proxy");
  const YamlValue* server = block.Any("server");
  const bool is_text = server != nullptr && server->kind == YamlValue::Kind::kText;
  if (is_text && server->text.find("://") == std::string::npos && !server->text.starts_with('{')) {
    return MakeTrapper(block, options);
  }
  auto api = std::make_unique<ZabbixApi>();
  api->url = ReadUrl(block, "server", options).value_or("");
  ReadCredentials(block, options, *api);
  api->values.item_id = block.Number("itemid", 1, std::numeric_limits<std::int64_t>::max());
  ReadHostAndKey(block, options, api->values);
  ReadValues(block, api->values);
  return api;
}

}  // namespace backup_exporter

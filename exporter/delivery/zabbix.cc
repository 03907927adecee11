// Zabbix: a value for a trapper item, in one of two ways.
//
// By its web API (JSON-RPC; 7.0 to 8.0, manual/api/reference/history/push): history.push, with a
// token or between a login and a logout. HTTP 200 says nothing; what counts is in the body. A
// refused login is never repeated, as that blocks the account.
// By the sender protocol (any version, zabbix_trapper.h), which knows neither users nor item ids.
//
// A value carries its true time. The same value again is stored again, or takes the place of the
// first where the database is keyed by time.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "base/utf8.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"
#include "delivery/zabbix_trapper.h"

namespace backup_exporter {
namespace {

using nlohmann::json;

constexpr std::size_t kMostNotices = 100;
constexpr std::size_t kLongestValue = 65'535;  // bytes of a text that every database takes
constexpr int kTrapperPort = 10051;
constexpr int kInternalError = -32603;
constexpr auto kReplace = json::error_handler_t::replace;

using Value = std::variant<std::int64_t, std::string>;

// What is told, and of which item.
struct Values {
  std::optional<std::int64_t> item_id;
  std::string host;
  std::string key;
  std::map<NoticeState, Value> values;

  [[nodiscard]] Value ValueOf(const Notice& notice) const {
    const NoticeState state = Shown(notice);
    const auto found = values.find(state);
    if (found == values.end()) return std::string(Name(state));
    if (std::holds_alternative<std::int64_t>(found->second)) return found->second;
    const std::string text = Expand(std::get<std::string>(found->second), notice);
    return std::string(CutBytes(text, kLongestValue));
  }

  // {"value", "clock", "ns"}.
  [[nodiscard]] json Timed(const Notice& notice) const {
    // Of one item no two values may have the same time, or only one of them is kept.
    constexpr std::int64_t kPlaces = 250;
    const std::int64_t place =
        static_cast<std::int64_t>(Shown(notice)) * kPlaces +
        static_cast<std::int64_t>(static_cast<std::uint64_t>(notice.id) % kPlaces);
    const auto second = std::chrono::floor<std::chrono::seconds>(notice.at);
    json timed{{"clock", second.time_since_epoch().count()},
               {"ns", std::chrono::nanoseconds(notice.at - second).count() + place}};
    std::visit([&](const auto& value) { timed["value"] = value; }, ValueOf(notice));
    return timed;
  }

 private:
  static NoticeState Shown(const Notice& notice) {
    return notice.state == NoticeState::kResolve ? NoticeState::kFinish : notice.state;
  }
};

using SendResults = std::vector<SendResult>;

class ZabbixApi final : public Monitor {
 public:
  std::string url;
  std::string token;  // empty: a login
  std::string username;
  std::string password;
  Values values;

  [[nodiscard]] std::size_t most() const override { return kMostNotices; }

  SendResult Send(const Notice& notice, Transport& transport) override {
    return SendAll({&notice, 1}, transport).front();
  }

  std::vector<SendResult> SendAll(std::span<const Notice> notices, Transport& transport) override {
    if (!token.empty())
      return JudgeOrHalve(Push(notices, token, transport), notices, token, transport);
    for (bool again = false;; again = true) {
      const Reply login =
          Call("user.login", {{"username", username}, {"password", password}}, "", transport);
      if (!login.returned.is_string()) {
        SendResult result = login.result;
        if (result.outcome == Delivery::Outcome::kDelivered) {
          result = Retry(AttemptFailure::kRejected, "the login brought no session");
        }
        result.error = "login: " + result.error;
        return All(result, notices.size());
      }
      const auto session = login.returned.get<std::string>();
      const Reply reply = Push(notices, session, transport);
      if (reply.session_ended && !again) continue;
      const SendResults results = JudgeOrHalve(reply, notices, session, transport);
      // What comes of it makes no difference: a session ends by itself, only later.
      if (reply.answered) static_cast<void>(Call("user.logout", json::array(), session, transport));
      return results;
    }
  }

 private:
  struct Reply {
    SendResult result;
    json returned;  // null after an error
    bool answered = false;
    bool cut = false;  // it was good, and is not whole
    bool session_ended = false;
    bool of_values = false;  // it was refused, maybe because of a single value
  };

  [[nodiscard]] Reply Push(std::span<const Notice> notices, const std::string& bearer,
                           Transport& transport) const {
    json params = json::array();
    for (const Notice& notice : notices) params.push_back(Params(notice));
    if (notices.size() == 1) params = json(params[0]);
    return Call("history.push", params, bearer, transport);
  }

  // What refuses all may be in one of them, or in their number: halves tell the rest.
  SendResults JudgeOrHalve(const Reply& reply, std::span<const Notice> notices,
                           const std::string& bearer, Transport& transport) const {
    if (!reply.of_values || notices.size() == 1) return Judge(reply, notices.size());
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
    request.body = json{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}, {"id", 1}}.dump(
        -1, ' ', false, kReplace);
    const HttpAnswer answer = transport.Send(request);
    Reply reply{.result = JudgeStatus(answer),
                .answered = answer.status != 0,
                .of_values = answer.status == 413};
    if (reply.result.outcome != Delivery::Outcome::kDelivered) return reply;
    const json body = json::parse(answer.body, nullptr, false);
    if (body.is_discarded() && answer.cut) {
      reply.cut = true;
    } else if (body.is_object() && body.contains("error")) {
      JudgeError(body["error"], reply);
    } else if (answer.status == 200 && body.is_object() && body.contains("result")) {
      reply.returned = body["result"];
    } else {
      reply.result = Retry(
          AttemptFailure::kRejected,
          "no answer of Zabbix's API, whose URL ends in /api_jsonrpc.php: " + InWords(answer));
    }
    return reply;
  }

  static void JudgeError(const json& error, Reply& reply) {
    std::string words;
    for (const char* key : {"message", "data"}) {
      if (!error.is_object() || !error.contains(key) || !error[key].is_string()) continue;
      words += (words.empty() ? "" : " ") + error[key].get<std::string>();
    }
    if (words.empty()) words = error.dump(-1, ' ', false, kReplace);
    const auto says = [&](std::string_view part) { return words.find(part) != std::string::npos; };
    reply.session_ended = says("Session terminated") || says("re-login");
    // The web front end is there, and what is behind it is not: "Connection to Zabbix server …
    // refused" has the same code as a wrong item.
    const bool code_known =
        error.is_object() && error.contains("code") && error["code"].is_number_integer();
    const bool passing = says("Zabbix server \"") || says("onnection to Zabbix server") ||
                         says("database") || (code_known && error["code"] == kInternalError);
    reply.result = passing ? Retry(AttemptFailure::kRejected, words)
                           : Refused(AttemptFailure::kRejected, words);
    // Who may not push at all may push none of them.
    reply.of_values = !passing && !reply.session_ended && !says("ot authori") && !says("ermission");
  }

  static SendResults All(const SendResult& result, std::size_t count) {
    return SendResults(result.outcome == Delivery::Outcome::kRetry ? 1 : count, result);
  }

  static SendResults Judge(const Reply& reply, std::size_t count) {
    if (reply.result.outcome != Delivery::Outcome::kDelivered || reply.cut) {
      return All(reply.result, count);
    }
    const auto has = [](const json& object, const char* key) {
      return object.is_object() && object.contains(key);
    };
    const bool known = has(reply.returned, "response") && reply.returned["response"] == "success" &&
                       has(reply.returned, "data") && reply.returned["data"].is_array() &&
                       reply.returned["data"].size() == count &&
                       std::ranges::all_of(reply.returned["data"], [&](const json& of_value) {
                         return has(of_value, "itemid") || has(of_value, "error");
                       });
    if (!known) {
      return All(
          Retry(AttemptFailure::kRejected, "an answer that says nothing of the values: " +
                                               reply.returned.dump(-1, ' ', false, kReplace)),
          count);
    }
    SendResults results;
    for (const json& of_value : reply.returned["data"]) {
      if (!has(of_value, "error")) {
        results.push_back(Delivered());
        continue;
      }
      const json& error = of_value["error"];
      results.push_back(Refused(
          AttemptFailure::kRejected,
          error.is_string() ? error.get<std::string>() : error.dump(-1, ' ', false, kReplace)));
    }
    return results;
  }
};

class ZabbixTrapper final : public Monitor {
 public:
  std::string server;
  int port = kTrapperPort;
  Values values;

  [[nodiscard]] std::size_t most() const override { return kMostNotices; }

  SendResult Send(const Notice& notice, Transport& transport) override {
    return SendAll({&notice, 1}, transport).front();
  }

  std::vector<SendResult> SendAll(std::span<const Notice> notices, Transport& transport) override {
    json data = json::array();
    for (const Notice& notice : notices) data.push_back(Entry(notice));
    const json request{{"request", "sender data"}, {"data", std::move(data)}};
    const TcpAnswer answer =
        transport.Exchange({.host = server,
                            .port = port,
                            .bytes = TrapperPacket(request.dump(-1, ' ', false, kReplace)),
                            .complete = IsWholeTrapperPacket});
    const auto text = TrapperText(answer.bytes);
    if (!text) return {JudgeBroken(answer)};
    const auto read = ReadTrapperAnswer(*text);
    if (!read) {
      return {Retry(AttemptFailure::kRejected, "no answer of a Zabbix server: " +
                                                   std::string(CutBytes(ValidUtf8(*text), 200)))};
    }
    if (!read->success) {
      return SendResults(notices.size(),
                         Refused(AttemptFailure::kRejected, "Zabbix: " + read->info));
    }
    if (read->failed == 0) return SendResults(notices.size(), Delivered());
    if (notices.size() == 1 || read->failed >= notices.size()) {
      return SendResults(
          notices.size(),
          Refused(AttemptFailure::kRejected,
                  read->info + " (is there a trapper item with this host and key, and "
                               "is this address among its allowed hosts?)"));
    }
    // Only one by one the answer says which.
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

  static SendResult JudgeBroken(const TcpAnswer& answer) {
    if (!answer.error.empty() || !answer.connected) {
      SendResult result = JudgeNetwork(answer.failure, answer.error);
      if (answer.connected && answer.bytes.empty() && !result.stopped) {
        result.error += " (Zabbix closes without a word where it wants encryption)";
      }
      return result;
    }
    return Retry(AttemptFailure::kRejected,
                 "what answers there does not speak Zabbix's sender protocol");
  }
};

std::optional<std::int64_t> WholeNumber(const YamlValue& value) {
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
      if (const auto number = WholeNumber(*value)) {
        values.values[state] = *number;
      } else if (auto text = section.Lines("value")) {
        values.values[state] = std::move(*text);
      }
    }
    section.RefuseOtherKeys();
  }
}

// Which item, unless its id is known.
void ReadHostAndKey(Section& block, MonitorOptions& options, Values& values) {
  values.host = block.Text("host").value_or("");
  values.key = block.Text("key").value_or("");
  if (block.Has("itemid")) {
    if (block.Has("host") || block.Has("key")) {
      options.warnings.emplace_back("zabbix: `itemid` is used, `host` and `key` are not");
    }
    return;
  }
  NotePlaceholders(values.host + values.key, options);
  block.Require("host", "the host's name in Zabbix");
  block.Require("key", "the key of a trapper item");
}

// "zabbix.example.com:10051", "zabbix.example.com", "[::1]:10051", "::1".
bool ReadAddress(std::string_view text, ZabbixTrapper& trapper) {
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
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), trapper.port);
    if (error != std::errc() || end != port.data() + port.size()) return false;
    if (trapper.port < 1 || trapper.port > 65'535) return false;
  }
  return !host.empty() && host.find_first_of("/@[] ") == host.npos;
}

constexpr std::array kCredentials{"api_key", "username", "password"};

std::unique_ptr<Monitor> MakeTrapper(Section& block, MonitorOptions& options) {
  auto trapper = std::make_unique<ZabbixTrapper>();
  const auto server = block.Text("server");
  if (server && !ReadAddress(*server, *trapper)) {
    block.Note("server",
               "`server` must be the URL of api_jsonrpc.php, or HOST:PORT of a server or "
               "proxy, not " +
                   Quoted(*server));
  }
  for (const std::string credential : kCredentials) {
    for (const std::string& key : {credential, credential + "_file"}) {
      if (block.Any(key) == nullptr) continue;
      block.Note(key, Quoted(key) + " is for the URL of an API; at HOST:PORT there are no users");
    }
  }
  if (block.Any("itemid") != nullptr) {
    block.Note("itemid", "`itemid` is for the URL of an API; HOST:PORT takes `host` and `key`");
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
      options.warnings.emplace_back("zabbix: `api_key` is used, `username` and `password` are not");
    }
    return;
  }
  if (has("username") != has("password")) {
    block.Note(username ? "username" : "password", "`username` and `password` go together");
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

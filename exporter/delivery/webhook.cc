// A webhook: sends the notice to any HTTP server, as JSON or as a configured body.
//
// Every 2xx is a success, even with an HTML page: many scripts answer with one.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/json.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostMessage = 10'000;  // bytes of one message
constexpr std::size_t kMostLog = 100'000;     // bytes of all messages
constexpr std::array<std::string_view, 5> kMethods{"POST", "PUT", "PATCH", "GET", "DELETE"};
constexpr std::string_view kTokenCharacters = "!#$%&'*+-.^_`|~";  // besides letters and digits
constexpr std::string_view kFileSuffix = "_file";

// The messages that fit, oldest first. Errors have priority, then newer messages.
ordered_json Messages(const Notice& notice) {
  std::vector<std::string> texts;
  for (const Message& message : notice.messages) {
    texts.emplace_back(LastBytes(ValidUtf8(message.text), kMostMessage));
  }
  std::vector<bool> kept(texts.size());
  std::size_t room = kMostLog;
  for (const bool errors : {true, false}) {
    for (std::size_t i = texts.size(); i-- > 0;) {
      if ((notice.messages[i].level == Level::kError) != errors) continue;
      if (texts[i].size() > room) break;
      room -= texts[i].size();
      kept[i] = true;
    }
  }
  ordered_json messages = ordered_json::array();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!kept[i]) continue;
    const Message& message = notice.messages[i];
    ordered_json one;
    if (message.at) one["time"] = FormatExactUtc(*message.at);
    one["level"] = Name(message.level);
    one["text"] = texts[i];
    messages.push_back(std::move(one));
  }
  return messages;
}

// The notice as JSON, without the values that are unknown.
ordered_json Document(const Notice& notice, bool with_messages) {
  ordered_json body{{"state", Name(notice.state)},
                    {"cause", Name(notice.cause)},
                    {"title", Title(notice)},
                    {"text", Describe(notice)},
                    {"time", FormatExactUtc(notice.at)}};
  if (!notice.uid.empty()) body["uid"] = notice.uid;
  if (!notice.backup.empty()) {
    body["backup"] = notice.backup;
    body["operation"] = Name(notice.operation);
    body["result"] = ResultText(notice);
  }
  if (!notice.error.empty()) body["error"] = CutBytes(ValidUtf8(notice.error), kMostMessage);
  if (notice.reason) body["reason"] = Name(*notice.reason);
  if (notice.exit_code) body["exit_code"] = *notice.exit_code;
  if (notice.started) body["started"] = FormatExactUtc(*notice.started);
  if (notice.duration) body["duration_seconds"] = ToSeconds(*notice.duration);
  for (const FigureField& field : kFigureFields) {
    if (const auto& figure = notice.figures.*field.member)
      body[std::string(field.column)] = *figure;
  }
  if (!notice.backup.empty()) {
    body["failures"] = notice.failures;
    body["also_failing"] = notice.also_failing;
  }
  if (with_messages) body["messages"] = Messages(notice);
  return body;
}

// A configured body as JSON, whose texts may contain placeholders. A plain scalar is a number, a
// boolean or null if it is one in JSON.
ordered_json Template(const YamlValue& value, ConfigErrors& errors) {
  switch (value.kind) {
    case YamlValue::Kind::kNothing:
      return nullptr;
    case YamlValue::Kind::kText: {
      if (value.quoted) return value.text;
      const auto plain = ParseJson(value.text);
      const bool typed = plain && plain->is_primitive() && !plain->is_string();
      return typed ? ordered_json(*plain) : ordered_json(value.text);
    }
    case YamlValue::Kind::kList: {
      ordered_json list = ordered_json::array();
      for (const auto& item : value.children) list.push_back(Template(*item, errors));
      return list;
    }
    case YamlValue::Kind::kMap: {
      ordered_json map = ordered_json::object();
      for (std::size_t i = 0; i + 1 < value.children.size(); i += 2) {
        const YamlValue& key = *value.children[i];
        if (key.kind != YamlValue::Kind::kText || map.contains(key.text)) {
          errors.Add(key.position, "a key of `body` must be text, and must not be repeated");
          continue;
        }
        map[key.text] = Template(*value.children[i + 1], errors);
      }
      return map;
    }
  }
  return nullptr;
}

// Replaces the placeholders of a template. A text that is "{added_bytes}" alone becomes a number.
ordered_json Expanded(const ordered_json& value, const Notice& notice) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text != "{added_bytes}") return Expand(text, notice);
    const auto& added = notice.figures.added_bytes;
    return added ? ordered_json(*added) : ordered_json();
  }
  if (!value.is_structured()) return value;
  ordered_json expanded = value;
  for (auto& [key, member] : expanded.items()) member = Expanded(member, notice);
  return expanded;
}

// Without control characters, so that no name of a backup and no error can add another header.
std::string HeaderValue(const std::string& text, const Notice& notice) {
  std::string value = Expand(text, notice);
  std::erase_if(value, [](char byte) { return static_cast<unsigned char>(byte) < ' '; });
  return value;
}

class Webhook final : public Monitor {
 public:
  std::string url;
  std::string method = "POST";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string type;           // Content-Type
  std::string authorization;  // empty: none
  bool verify_tls = true;
  bool sends_messages = true;
  // The configured body, as text or as a JSON template. Neither: the whole notice as JSON.
  std::optional<std::string> text;
  bool text_is_json = false;
  std::optional<ordered_json> json;

  SendResult Send(const Notice& notice, Transport& transport) override {
    HttpRequest request{.method = method, .url = ExpandUrl(url, notice), .verify_tls = verify_tls};
    for (const auto& [name, value] : headers) {
      request.headers.emplace_back(name, HeaderValue(value, notice));
    }
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    if (method != "GET") {
      request.headers.emplace_back("Content-Type", type);
      request.body = text   ? (text_is_json ? ExpandJson(*text, notice) : Expand(*text, notice))
                     : json ? Dump(Expanded(*json, notice))
                            : Dump(Document(notice, sends_messages));
    }
    const HttpAnswer answer = transport.Send(request);
    return answer.status / 100 == 2 ? Delivered() : JudgeStatus(answer);
  }
};

// Whether the body is JSON: its type says so, or it parses once its placeholders are replaced.
// "{backup}" and "[{backup}] failed" do not parse.
bool IsJson(std::string_view type, std::string_view text) {
  if (Lower(type).find("json") != std::string::npos) return true;
  Notice sample{.backup = "x"};
  sample.figures.added_bytes = 0;
  const auto parsed = ParseJson(Expand(text, sample));
  return parsed && parsed->is_structured();
}

bool IsToken(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char byte) {
    return byte < 0x80 && (std::isalnum(byte) != 0 ||
                           kTokenCharacters.find(static_cast<char>(byte)) != kTokenCharacters.npos);
  });
}

void ReadHeaders(Section& block, MonitorOptions& options, Webhook& webhook) {
  const YamlValue* value = block.Map("headers");
  if (value == nullptr) return;
  Section section(*value, "`headers` of webhook", block.errors());
  for (const std::string& key : section.Keys()) {
    const bool in_file = key.ends_with(kFileSuffix);
    const std::string name = in_file ? key.substr(0, key.size() - kFileSuffix.size()) : key;
    if (in_file && section.Has(name)) continue;  // an error, reported with the other key
    if (!IsToken(name)) {
      std::ignore = section.Any(key);
      section.Note(key, Quoted(name) + " is not a valid name of a header");
      continue;
    }
    if (Lower(name) == "content-type") {
      webhook.type = section.Text(name).value_or("");
      continue;
    }
    const auto secret = ReadSecret(section, name, options);
    if (!secret) continue;
    if (Lower(name) == "authorization") {
      // A server may quote the token of "Bearer TOKEN" alone.
      options.mask.Add(secret->substr(secret->rfind(' ') + 1));
      if (block.Has("username")) {
        section.Note(key, "`Authorization` and `username` cannot be used together");
      }
    }
    webhook.headers.emplace_back(name, *secret);
  }
  section.RefuseOtherKeys();
}

void ReadBody(Section& block, Webhook& webhook) {
  const YamlValue* body = block.Any("body");
  if (body == nullptr) return;
  if (webhook.method == "GET") block.Note("body", "a GET request has no `body`");
  if (body->kind == YamlValue::Kind::kText) {
    webhook.text = block.Lines("body");
  } else if (body->kind == YamlValue::Kind::kMap) {
    webhook.json = Template(*body, block.errors());
  } else {
    block.Note("body", "`body` must be text, or a map that is sent as JSON");
  }
}

}  // namespace

std::unique_ptr<Monitor> MakeWebhook(Section& block, MonitorOptions& options) {
  auto webhook = std::make_unique<Webhook>();
  RequireSecret(block, "url", "the URL to send to");
  webhook->url = ReadUrl(block, "url", options).value_or("");
  if (const auto method = block.Text("method")) {
    if (std::ranges::find(kMethods, *method) == kMethods.end()) {
      block.Note("method", fmt::format("`method` must be {}, not {}", fmt::join(kMethods, ", "),
                                       Quoted(*method)));
    } else {
      webhook->method = *method;
    }
  }
  ReadHeaders(block, options, *webhook);
  webhook->authorization = ReadBasicAuthorization(block, options).value_or("");
  webhook->verify_tls = block.Flag("verify_tls").value_or(true);
  ReadBody(block, *webhook);
  webhook->text_is_json = webhook->text && IsJson(webhook->type, *webhook->text);
  if (webhook->type.empty()) {
    webhook->type = webhook->text ? "text/plain; charset=utf-8" : "application/json";
  }
  webhook->sends_messages = block.Flag("send_logs").value_or(true);
  options.sends_messages = webhook->sends_messages;
  return webhook;
}

}  // namespace backup_exporter

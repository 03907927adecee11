// A webhook: any HTTP server is sent the notice, as JSON or as the configuration words it.
//
// Every 2xx says that it arrived, even with a page of HTML: many a script answers with one.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostMessage = 10'000;  // bytes of one message
constexpr std::size_t kMostLog = 100'000;     // and of all
constexpr std::array<std::string_view, 5> kMethods{"POST", "PUT", "PATCH", "GET", "DELETE"};
constexpr std::string_view kTokenCharacters = "!#$%&'*+-.^_`|~";  // besides letters and digits
constexpr std::string_view kFileSuffix = "_file";

// The newest that fit, errors before all else, in their order.
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

// All that is known of a notice; what is not is left out.
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

// Templates: texts that are still to be expanded.
ordered_json Template(const YamlValue& value, ConfigErrors& errors) {
  switch (value.kind) {
    case YamlValue::Kind::kNothing:
      return nullptr;
    case YamlValue::Kind::kText: {
      if (value.quoted) return value.text;
      ordered_json plain = ordered_json::parse(value.text, nullptr, false);
      const bool typed = plain.is_number() || plain.is_boolean() || plain.is_null();
      return typed ? plain : ordered_json(value.text);
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
          errors.Add(key.position, "a key of `body` must be text, and stand once");
          continue;
        }
        map[key.text] = Template(*value.children[i + 1], errors);
      }
      return map;
    }
  }
  return nullptr;
}

// A number by itself stays one.
ordered_json Expanded(const ordered_json& made, const Notice& notice) {
  if (made.is_string()) {
    const auto& text = made.get_ref<const std::string&>();
    if (text != "{added_bytes}") return Expand(text, notice);
    const auto& added = notice.figures.added_bytes;
    return added ? ordered_json(*added) : ordered_json();
  }
  if (!made.is_structured()) return made;
  ordered_json expanded = made;
  for (auto& [key, value] : expanded.items()) value = Expanded(value, notice);
  return expanded;
}

// One line: nothing in a backup's name or an error begins another header.
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
  // What the body is made of; neither: all of the notice.
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

bool Same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char one, unsigned char other) {
    return std::tolower(one) == std::tolower(other);
  });
}

// It says so, or is JSON once its placeholders are replaced: "{backup}" and "[{backup}] failed" are
// none, whatever they begin with.
bool IsJson(std::string_view type, std::string_view text) {
  std::string lower(type);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  Notice sample{.backup = "x"};
  sample.figures.added_bytes = 0;
  return lower.find("json") != lower.npos ||
         ordered_json::parse(Expand(text, sample), nullptr, false).is_structured();
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
    if (in_file && section.Has(name)) continue;  // noted where the other one is read
    if (!IsToken(name)) {
      std::ignore = section.Any(key);
      section.Note(key, Quoted(name) + " is no name of a header");
      continue;
    }
    if (Same(name, "Content-Type")) {
      webhook.type = section.Text(name).value_or("");
      continue;
    }
    const auto secret = ReadSecret(section, name, options);
    if (!secret) continue;
    // "Bearer TOKEN": a server may quote the token without the word.
    if (Same(name, "Authorization")) options.mask.Add(secret->substr(secret->rfind(' ') + 1));
    if (Same(name, "Authorization") && block.Has("username")) {
      section.Note(key, "`Authorization` and `username` are one too many");
    }
    webhook.headers.emplace_back(name, *secret);
  }
  section.RefuseOtherKeys();
}

void ReadBody(Section& block, Webhook& webhook) {
  const YamlValue* body = block.Any("body");
  if (body == nullptr) return;
  if (webhook.method == "GET") block.Note("body", "a GET has no `body`");
  if (body->kind == YamlValue::Kind::kText) {
    webhook.text = block.Lines("body");
  } else if (body->kind == YamlValue::Kind::kMap) {
    webhook.json = Template(*body, block.errors());
  } else {
    block.Note("body", "`body` must be a text, or a map that is sent as JSON");
  }
}

}  // namespace

std::unique_ptr<Monitor> MakeWebhook(Section& block, MonitorOptions& options) {
  auto webhook = std::make_unique<Webhook>();
  RequireSecret(block, "url", "where to send to");
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

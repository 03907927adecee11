// Pushover (pushover.net/api): a message is posted as a form. 200 with a `status` of 1 means that
// it was accepted.
//
// Any other `status`, and every 4xx, means that the input is invalid or the monthly quota is used
// up. The service asks clients not to repeat such a request. It cannot recognise a repeated
// message.

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

// Limits of the service, in characters.
constexpr std::size_t kMostMessage = 1024;
constexpr std::size_t kMostTitle = 250;
constexpr std::size_t kMostUrl = 512;
constexpr std::size_t kMostUrlTitle = 100;

constexpr std::int64_t kEmergency =
    2;  // priority of a message that is repeated until it is acknowledged
constexpr std::int64_t kDefaultExpire = 600;
constexpr std::int64_t kDefaultRetry = 30;
constexpr std::int64_t kMostExpire = 10'800;
constexpr std::int64_t kLeastRetry = 30;
constexpr std::int64_t kMostTtl = 366 * 86'400;

constexpr std::chrono::seconds kLeastPause{5};

// Configured texts for a state.
struct Wording {
  std::optional<std::string> message;
  std::optional<std::string> title;
  std::optional<std::string> url;
  std::optional<std::string> url_title;
  bool html = false;
  std::vector<std::pair<std::string, std::string>> fields;  // sent unchanged
};

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char byte : text) {
    if (byte == '<') {
      escaped += "&lt;";
    } else if (byte == '>') {
      escaped += "&gt;";
    } else if (byte == '&') {
      escaped += "&amp;";
    } else {
      escaped += byte;
    }
  }
  return escaped;
}

class Pushover final : public Monitor {
 public:
  std::string server;
  std::string token;
  std::string user;
  std::map<NoticeState, Wording> wordings;

  SendResult Send(const Notice& notice, Transport& transport) override {
    return Judge(transport.Send({.url = server + "/1/messages.json",
                                 .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                                 .body = FormEncode(Fields(notice))}));
  }

 private:
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Fields(
      const Notice& notice) const {
    const bool resolved = notice.state == NoticeState::kResolve;
    const auto found = wordings.find(resolved ? NoticeState::kFinish : notice.state);
    // A test uses its own text: the configured one could report a failed backup.
    const bool configured = found != wordings.end() && notice.cause != NoticeCause::kTest;
    const Wording wording = configured ? found->second : Wording{};

    // Values must not be interpreted as HTML.
    Notice shown = notice;
    if (wording.html) {
      shown.backup = EscapeHtml(notice.backup);
      shown.error = EscapeHtml(notice.error);
      for (std::string& other : shown.also_failing) other = EscapeHtml(other);
    }
    std::string message = Expand(wording.message.value_or(""), shown);
    // The service refuses a blank message.
    if (IsBlank(message)) message = Describe(shown);
    std::string title = Expand(wording.title.value_or(""), notice);
    if (IsBlank(title)) title = Title(notice);

    std::vector<std::pair<std::string, std::string>> fields{
        {"token", token},
        {"user", user},
        {"message", std::string(CutCharacters(message, kMostMessage))},
        {"title", std::string(CutCharacters(title, kMostTitle))},
        {"timestamp",
         std::to_string(
             std::chrono::floor<std::chrono::seconds>(notice.at.time_since_epoch()).count())},
    };
    if (wording.url) {
      fields.emplace_back("url", CutCharacters(ExpandUrl(*wording.url, notice), kMostUrl));
    }
    if (wording.url_title) {
      fields.emplace_back("url_title",
                          CutCharacters(Expand(*wording.url_title, notice), kMostUrlTitle));
    }
    fields.insert(fields.end(), wording.fields.begin(), wording.fields.end());
    return fields;
  }

  static SendResult Judge(const HttpAnswer& answer) {
    const Json body = ParseJson(answer.body).value_or(Json());
    const bool documented = answer.status == 200 && body.is_object() && body.contains("status") &&
                            body["status"].is_number();
    SendResult result = JudgeAnswer(answer, documented, R"(Pushover answers 200 and {"status":1})");
    if (answer.status / 100 == 4) return Refused(result.failure, DescribeErrors(answer));
    if (result.outcome != Delivery::Outcome::kDelivered) {
      result.pause = kLeastPause;
    } else if (documented && body["status"] != 1) {
      return Refused(AttemptFailure::kRejected, DescribeErrors(answer));
    }
    return result;
  }
};

void ReadPriority(Section& section, Wording& wording) {
  const auto priority = section.Number("priority", -2, kEmergency);
  auto expire = section.Number("expire", 1, kMostExpire);
  auto retry = section.Number("retry", kLeastRetry, kMostExpire);
  if (priority) wording.fields.emplace_back("priority", std::to_string(*priority));
  if (priority == kEmergency) {
    wording.fields.emplace_back("expire", std::to_string(expire.value_or(kDefaultExpire)));
    wording.fields.emplace_back("retry", std::to_string(retry.value_or(kDefaultRetry)));
    return;
  }
  for (const char* key : {"expire", "retry"}) {
    if (section.Has(key)) section.Note(key, Quoted(key) + " requires `priority: 2`");
  }
}

std::optional<Wording> ReadWording(Section& block, std::string_view state) {
  const YamlValue* value = block.Map(state);
  if (value == nullptr) return std::nullopt;
  const std::string name = "`" + std::string(state) + "` of pushover";
  Section section(*value, name, block.errors());
  Wording wording{.message = section.Lines("message"),
                  .title = section.Text("title"),
                  .url = section.Text("url"),
                  .url_title = section.Text("url_title")};
  ReadPriority(section, wording);
  for (const char* key : {"device", "sound"}) {
    if (const auto text = section.Text(key)) wording.fields.emplace_back(key, *text);
  }
  if (const auto ttl = section.Number("ttl", 1, kMostTtl)) {
    wording.fields.emplace_back("ttl", std::to_string(*ttl));
  }
  const auto html = section.Flag("html");
  const auto monospace = section.Flag("monospace");
  wording.html = html.value_or(false);
  if (html) wording.fields.emplace_back("html", *html ? "1" : "0");
  if (monospace) wording.fields.emplace_back("monospace", *monospace ? "1" : "0");
  if (wording.html && monospace.value_or(false)) {
    section.Note("monospace", "`html` and `monospace` cannot be used together");
  }
  section.RefuseOtherKeys();
  return wording;
}

}  // namespace

std::unique_ptr<Monitor> MakePushover(Section& block, MonitorOptions& options) {
  auto pushover = std::make_unique<Pushover>();
  RequireSecret(block, "token", "the API token of the application");
  RequireSecret(block, "user", "the key of the user or group");
  pushover->token = ReadSecret(block, "token", options).value_or("");
  pushover->user = ReadSecret(block, "user", options).value_or("");
  pushover->server = ReadUrl(block, "server", options).value_or("https://api.pushover.net");
  while (pushover->server.ends_with('/')) pushover->server.pop_back();
  for (const NoticeState state : {NoticeState::kStart, NoticeState::kFinish, NoticeState::kFail}) {
    if (auto wording = ReadWording(block, Name(state))) {
      pushover->wordings[state] = std::move(*wording);
    }
  }
  return pushover;
}

}  // namespace backup_exporter

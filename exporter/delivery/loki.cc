// Grafana Loki (3.7, docs/sources/reference/loki-http-api.md "Ingest logs",
// pkg/validation/validate.go): lines are posted as streams of [time, line, structured metadata].
// 204 means that they were stored.
//
// Loki shows a line once although it was stored several times with the same time, text and
// metadata. The time and the text of a line depend on its notice alone, so a request that was
// stored in part can be sent again. Loki refuses lines that are old (seven days, or an hour behind
// the newest line of their stream). Those are sent with the current time, in a separate stream, so
// that they do not make the other lines too old.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/gzip.h"
#include "base/time.h"
#include "base/utf8.h"
#include "delivery/json_bodies.h"
#include "delivery/notice_text.h"
#include "delivery/options.h"
#include "delivery/services.h"

namespace backup_exporter {
namespace {

using Labels = std::map<std::string, std::string>;

constexpr std::size_t kMostNotices = 500;
constexpr std::size_t kMostRequest = 1'000'000;  // bytes, before they are compressed
constexpr std::size_t kLineOverhead = 40;        // bytes of a line besides its text and metadata
constexpr std::size_t kLeastCompressed = 1024;
constexpr std::size_t kLongestLine = 256'000;  // bytes; Loki's own limit is 256 KiB
constexpr std::size_t kShortLine = 16'000;     // for a server that accepts less
constexpr std::size_t kMostLabels = 15;
constexpr std::size_t kLongestLabelName = 1024;
constexpr std::size_t kLongestLabelValue = 2048;
constexpr std::size_t kLongestTenant = 150;
constexpr int kBlocked = 260;  // the operator has blocked ingestion: nothing was stored
constexpr std::chrono::minutes kBlockedPause{15};
// Added to the time of a run's end, so that it is the last line of its microsecond.
constexpr int kEndNanoseconds = 999;
constexpr const char* kShiftedLabel = "time_shifted";

struct Line {
  Labels stream;
  std::int64_t time = 0;  // nanoseconds
  Time true_time;
  std::string text;
  nlohmann::json metadata = {};

  [[nodiscard]] std::size_t size() const {
    return text.size() + metadata.dump().size() + kLineOverhead;
  }
};

// Result of sending lines.
struct PushResult {
  SendResult send_result;
  int status = 0;
  bool wrong_time = false;  // refused because of the times of some lines
};

std::int64_t Nanoseconds(Time time) {
  return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

Level LevelOf(const Notice& notice) {
  if (notice.state == NoticeState::kFail) return Level::kError;
  return notice.result == RunResult::kWarning ? Level::kWarning : Level::kInfo;
}

// The first words are those of borgmatic, for which users may have queries.
std::string StateText(const Notice& notice) {
  if (notice.cause == NoticeCause::kTest) return Describe(notice);
  switch (notice.state) {
    case NoticeState::kStart:
      return "Started backup: " + Title(notice);
    case NoticeState::kFail:
      return "Failed backup: " + Describe(notice);
    default:
      return "Finished backup: " + Describe(notice);
  }
}

nlohmann::json Metadata(const Notice& notice, Level level) {
  nlohmann::json metadata{{"level", Name(level)},
                          {"backup", ValidUtf8(notice.backup)},
                          {"operation", Name(notice.operation)},
                          {"result", ResultText(notice)}};
  if (!notice.uid.empty()) metadata["run"] = notice.uid;
  return metadata;
}

// In the order of their times, which are all different.
std::vector<Line> LinesOf(const Notice& notice, const Labels& stream) {
  std::vector<Line> lines;
  const auto add = [&](Time at, std::string_view text, Level level) {
    lines.push_back({.stream = stream,
                     .time = Nanoseconds(at),
                     .true_time = at,
                     .text = CutWithEllipsis(ValidUtf8(text), kLongestLine),
                     .metadata = Metadata(notice, level)});
  };
  if (notice.state != NoticeState::kLog) {
    add(notice.at, StateText(notice), LevelOf(notice));
    if (notice.state != NoticeState::kStart) lines[0].time += kEndNanoseconds;
    return lines;
  }
  for (const Message& message : notice.messages) {
    add(message.at.value_or(notice.at), message.text, message.level);
    lines.back().time += 1;  // later than the start
  }
  std::ranges::stable_sort(lines, {}, &Line::time);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    lines[i].time = std::max(lines[i].time, lines[i - 1].time + 1);
  }
  return lines;
}

// Moves lines to the current time, and adds the true time to their texts.
void Shift(std::vector<Line>& lines) {
  std::int64_t now = Nanoseconds(SystemClock().Now());
  for (Line& line : lines) {
    line.time = now++;
    line.text = CutWithEllipsis("[true time " + FormatExactUtc(line.true_time) + "] " + line.text,
                                kLongestLine);
    if (line.stream.size() < kMostLabels) line.stream[kShiftedLabel] = "true";
  }
}

bool ContainsAny(const HttpAnswer& answer, std::initializer_list<std::string_view> texts) {
  return std::ranges::any_of(
      texts, [&](std::string_view text) { return answer.body.find(text) != std::string::npos; });
}

// Whether some lines were refused because of their times.
bool IsTimeError(const HttpAnswer& answer) {
  return answer.status == 400 &&
         ContainsAny(answer, {"too far behind", "too_far_behind", "timestamp too old",
                              "greater_than_max_sample_age", "out of order", "out_of_order",
                              "timestamp too new", "too_far_in_future"});
}

// The oldest time that the server accepts, in nanoseconds; 0 if it does not report one.
std::int64_t OldestAcceptable(std::string_view body) {
  constexpr std::string_view kLabel = "oldest acceptable timestamp is: ";
  std::int64_t oldest = 0;
  for (std::size_t at = body.find(kLabel); at != body.npos; at = body.find(kLabel, at)) {
    at += kLabel.size();
    const std::size_t end = std::min(body.find_first_not_of("0123456789-+:.TZ", at), body.size());
    const auto time = ParseRfc3339(body.substr(at, end - at));
    // The server rounds down to whole seconds.
    if (time) oldest = std::max(oldest, Nanoseconds(*time + std::chrono::seconds(1)));
  }
  return oldest;
}

class Loki final : public Monitor {
 public:
  std::string url;
  Labels labels;
  std::string tenant;
  std::string authorization;  // empty: none
  bool verify_tls = true;
  std::string certificate_file;
  std::string key_file;

  [[nodiscard]] std::size_t batch_limit() const override { return kMostNotices; }

  SendResult Send(const Notice& notice, Transport& transport) override {
    return SendAll({&notice, 1}, transport).front();
  }

  std::vector<SendResult> SendAll(std::span<const Notice> notices, Transport& transport) override {
    const std::string target = ExpandUrl(url, notices.front());
    std::vector<Line> lines;
    const std::size_t count = CollectLines(notices, target, lines);
    PushResult pushed = PushAll(target, lines, transport);
    // These statuses may be caused by a single line.
    const bool of_a_line = pushed.status == 400 || pushed.status == 413;
    if (count == 1 && pushed.wrong_time) {
      Shift(lines);
      pushed = PushAll(target, lines, transport);
    }
    if (pushed.send_result.outcome == Delivery::Outcome::kRetry) return {pushed.send_result};
    if (count == 1 || !of_a_line) return std::vector<SendResult>(count, pushed.send_result);
    std::vector<SendResult> results = SendAll(notices.first(count / 2), transport);
    if (results.back().outcome == Delivery::Outcome::kRetry) return results;
    std::ranges::move(SendAll(notices.subspan(count / 2, count - count / 2), transport),
                      std::back_inserter(results));
    return results;
  }

 private:
  // Collects the lines of the first notices: those with the same target that fit in one request,
  // and at least one. Returns the number of notices.
  [[nodiscard]] std::size_t CollectLines(std::span<const Notice> notices, const std::string& target,
                                         std::vector<Line>& lines) const {
    std::size_t count = 0;
    std::size_t size = 0;
    for (const Notice& notice : notices) {
      std::vector<Line> more = LinesOf(notice, StreamOf(notice));
      for (const Line& line : more) size += line.size();
      if (count > 0 && (size > kMostRequest || ExpandUrl(url, notice) != target)) break;
      std::ranges::move(more, std::back_inserter(lines));
      ++count;
    }
    return count;
  }

  [[nodiscard]] Labels StreamOf(const Notice& notice) const {
    Labels stream;
    for (const auto& [name, value] : labels) {
      stream[name] = CutBytes(Expand(value, notice), kLongestLabelValue);
    }
    return stream;
  }

  // Sends lines in as many requests as needed, until one fails.
  PushResult PushAll(const std::string& target, std::span<const Line> lines, Transport& transport) {
    PushResult pushed;
    while (!lines.empty() && pushed.send_result.outcome == Delivery::Outcome::kDelivered) {
      std::size_t count = 0;
      for (std::size_t size = 0; count < lines.size(); ++count) {
        size += lines[count].size();
        if (count > 0 && size > kMostRequest) break;
      }
      pushed = PushOrSplit(target, lines.first(count), transport);
      lines = lines.subspan(count);
    }
    return pushed;
  }

  PushResult PushOrSplit(const std::string& target, std::span<const Line> lines,
                         Transport& transport) {
    PushResult pushed = Push(target, lines, transport);
    if (pushed.status != 413) return pushed;
    if (lines.size() > 1) {
      const std::size_t half = lines.size() / 2;
      pushed = PushOrSplit(target, lines.first(half), transport);
      if (pushed.send_result.outcome != Delivery::Outcome::kDelivered) return pushed;
      return PushOrSplit(target, lines.subspan(half), transport);
    }
    Line line = lines.front();
    if (line.text.size() <= kShortLine) return pushed;
    line.text = CutWithEllipsis(line.text, kShortLine);
    return Push(target, {&line, 1}, transport);
  }

  PushResult Push(const std::string& target, std::span<const Line> lines, Transport& transport) {
    HttpAnswer answer = transport.Send(Request(target, lines));
    if (answer.status == 400 && metadata_ && ContainsAny(answer, {"structured metadata"}) &&
        ContainsAny(answer, {"disallowed", "not allowed"})) {
      metadata_ = false;
      answer = transport.Send(Request(target, lines));
    }
    if (IsTimeError(answer)) {
      // The newer lines are stored. Sending them again could make the older ones too old.
      const std::int64_t oldest = OldestAcceptable(answer.body);
      std::vector<Line> old;
      std::ranges::copy_if(lines, std::back_inserter(old),
                           [&](const Line& line) { return line.time < oldest; });
      Shift(old);
      if (!old.empty()) answer = transport.Send(Request(target, old));
    }
    return {
        .send_result = Judge(answer), .status = answer.status, .wrong_time = IsTimeError(answer)};
  }

  [[nodiscard]] HttpRequest Request(const std::string& target, std::span<const Line> lines) const {
    HttpRequest request{.url = target,
                        .headers = {{"Content-Type", "application/json"}},
                        .body = Body(lines),
                        .verify_tls = verify_tls,
                        .certificate_file = certificate_file,
                        .key_file = key_file};
    if (!tenant.empty()) request.headers.emplace_back("X-Scope-OrgID", tenant);
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    if (request.body.size() > kLeastCompressed) {
      const GzipStart start = StartGzip(request.body);
      request.body = start.bytes + EndGzip(start, "");
      request.headers.emplace_back("Content-Encoding", "gzip");
    }
    return request;
  }

  [[nodiscard]] std::string Body(std::span<const Line> lines) const {
    std::map<Labels, std::vector<const Line*>> streams;
    for (const Line& line : lines) streams[line.stream].push_back(&line);
    nlohmann::json list = nlohmann::json::array();
    for (auto& [stream, of_stream] : streams) {
      // In any other order, a newer line could make the following ones too old.
      std::ranges::stable_sort(of_stream, {}, &Line::time);
      nlohmann::json values = nlohmann::json::array();
      for (const Line* line : of_stream) {
        nlohmann::json value{std::to_string(line->time), line->text};
        if (metadata_) value.push_back(line->metadata);
        values.push_back(std::move(value));
      }
      list.push_back({{"stream", stream}, {"values", std::move(values)}});
    }
    return Dump(nlohmann::json{{"streams", std::move(list)}});
  }

  [[nodiscard]] SendResult Judge(const HttpAnswer& answer) const {
    if (answer.status == kBlocked) {
      SendResult result =
          Retry(AttemptFailure::kRejected, DescribeAnswer(answer) + " (ingestion is blocked)");
      result.pause = kBlockedPause;
      return result;
    }
    SendResult result = JudgeAnswer(answer, answer.status == 204, "Loki answers 204");
    if (answer.status == 401 && tenant.empty()) {
      result.error +=
          " (if Loki has several tenants, set `tenant`; if a server in front of it requires a "
          "login, "
          "set `username` and `password`)";
    }
    return result;
  }

  bool metadata_ = true;  // false once the server has refused structured metadata
};

bool IsLabelName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  return !name.empty() && name.size() <= kLongestLabelName && !(name[0] >= '0' && name[0] <= '9') &&
         std::ranges::all_of(name, [&](char byte) {
           return kLetters.find(byte) != kLetters.npos || (byte >= '0' && byte <= '9');
         });
}

// Whether YAML reads the value as a number or a boolean.
bool IsNumberOrBoolean(const YamlValue& value) {
  if (value.kind != YamlValue::Kind::kText || value.quoted || value.text.empty()) return false;
  if (value.text == "true" || value.text == "false") return true;
  std::string_view digits = value.text;
  if (digits.starts_with('+') || digits.starts_with('-')) digits.remove_prefix(1);
  const bool begins =
      !digits.empty() && (digits[0] == '.' || (digits[0] >= '0' && digits[0] <= '9'));
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return begins && error != std::errc::invalid_argument && end == digits.data() + digits.size();
}

Labels ReadLabels(Section& block, const MonitorOptions& options) {
  Labels labels;
  block.Require("labels", "at least one, such as `app: backups`");
  const YamlValue* value = block.Map("labels");
  if (value == nullptr) return labels;
  Section section(*value, "`labels` of loki", block.errors());
  const std::vector<std::string> names = section.Keys();
  if (names.empty()) block.Note("labels", "`labels` must have at least one label");
  if (names.size() > kMostLabels) {
    block.Note("labels",
               fmt::format("`labels` must have at most {} labels, the limit of Loki", kMostLabels));
  }
  const std::map<std::string_view, std::string> placeholders{
      {"__hostname", options.hostname},
      {"__config", std::filesystem::path(options.config_path).filename().string()},
      {"__config_path", options.config_path}};
  for (const std::string& name : names) {
    if (!IsLabelName(name)) {
      section.Note(name, "the label " + Quoted(name) +
                             " must consist of letters, digits and _, and not begin with a digit");
    }
    if (const YamlValue* found = section.Any(name); IsNumberOrBoolean(*found)) {
      section.Note(name, "the label " + Quoted(name) + " must be text: put " + Quoted(found->text) +
                             " in quotes");
      continue;
    }
    const auto text = section.Text(name);
    if (!text) continue;
    const auto placeholder = placeholders.find(*text);
    labels[name] = placeholder == placeholders.end() ? *text : placeholder->second;
  }
  section.RefuseOtherKeys();
  return labels;
}

void ReadTls(Section& block, const MonitorOptions& options, Loki& loki) {
  const YamlValue* value = block.Map("tls");
  if (value == nullptr) return;
  Section section(*value, "`tls` of loki", block.errors());
  const auto certificate = ReadPath(section, "cert_path", options);
  const auto key = ReadPath(section, "key_path", options);
  if (section.Has("cert_path") != section.Has("key_path")) {
    section.Note(section.Has("cert_path") ? "cert_path" : "key_path",
                 "`cert_path` and `key_path` must be given together");
  }
  loki.certificate_file = certificate.value_or("");
  loki.key_file = key.value_or("");
  section.RefuseOtherKeys();
}

}  // namespace

std::unique_ptr<Monitor> MakeLoki(Section& block, MonitorOptions& options) {
  auto loki = std::make_unique<Loki>();
  RequireSecret(block, "url", "the URL to push to, such as http://loki:3100/loki/api/v1/push");
  loki->url = ReadUrl(block, "url", options).value_or("");
  const std::string path = SplitUrl(loki->url).path;
  if (!loki->url.empty() && (path.empty() || path == "/")) {
    options.warnings.emplace_back(
        "loki: `url` is used unchanged; the one of Loki ends in /loki/api/v1/push");
  }
  loki->labels = ReadLabels(block, options);
  options.sends_messages = block.Flag("send_logs").value_or(true);
  ReadTls(block, options, *loki);
  loki->verify_tls = block.Flag("verify_tls").value_or(true);
  loki->tenant = block.Text("tenant").value_or("");
  if (loki->tenant.size() > kLongestTenant) {
    block.Note("tenant", fmt::format("`tenant` must be at most {} bytes", kLongestTenant));
  }
  loki->authorization = ReadBasicAuthorization(block, options).value_or("");
  return loki;
}

}  // namespace backup_exporter

#include "delivery/monitor.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kLongestExcerpt = 200;  // bytes of an answer that are quoted

// Whether the answer is an HTML page. The content decides, since a self-hosted Healthchecks sends
// its plain "OK" as text/html.
bool IsPage(const HttpAnswer& answer) {
  const std::size_t first = answer.body.find_first_not_of(" \t\r\n");
  return first != std::string::npos && answer.body[first] == '<';
}

// The beginning of a body, on one line.
std::string Excerpt(const std::string& body) {
  std::string_view quoted = CutBytes(body, kLongestExcerpt);
  // Cut between words if possible: the mask does not recognise a secret that is cut off.
  if (quoted.size() < body.size()) quoted = quoted.substr(0, quoted.find_last_of(" \t\r\n\"'"));
  std::string excerpt;
  for (const char byte : quoted) {
    const bool space = static_cast<unsigned char>(byte) <= ' ';
    if (!space) excerpt += byte;
    if (space && !excerpt.empty() && excerpt.back() != ' ') excerpt += ' ';
  }
  return excerpt;
}

AttemptFailure FailureOf(NetworkFailure failure) {
  switch (failure) {
    case NetworkFailure::kDns:
      return AttemptFailure::kDns;
    case NetworkFailure::kTls:
      return AttemptFailure::kTls;
    case NetworkFailure::kTimeout:
      return AttemptFailure::kTimeout;
    case NetworkFailure::kConnect:
    case NetworkFailure::kStopped:
      return AttemptFailure::kConnect;
  }
  return AttemptFailure::kConnect;
}

}  // namespace

SendResult Delivered() { return {}; }

SendResult Retry(AttemptFailure failure, std::string error) {
  return {.outcome = Delivery::Outcome::kRetry, .failure = failure, .error = std::move(error)};
}

SendResult Refused(AttemptFailure failure, std::string error) {
  return {.outcome = Delivery::Outcome::kRefused, .failure = failure, .error = std::move(error)};
}

std::string DescribeAnswer(const HttpAnswer& answer) {
  const std::string excerpt = Excerpt(answer.body);
  return fmt::format("HTTP {}{}{}", answer.status, excerpt.empty() ? "" : ": ", excerpt);
}

SendResult JudgeNetwork(NetworkFailure failure, const std::string& error) {
  SendResult result = Retry(FailureOf(failure), error);
  result.stopped = failure == NetworkFailure::kStopped;
  return result;
}

SendResult JudgeStatus(const HttpAnswer& answer) {
  if (answer.status == 0) return JudgeNetwork(answer.failure, answer.error);
  const int hundreds = answer.status / 100;
  if (hundreds == 3) {
    const auto to = answer.headers.find("location");
    const std::string host = to == answer.headers.end() ? "" : SplitUrl(to->second).host;
    return Retry(AttemptFailure::kRejected,
                 fmt::format("HTTP {}: redirected{}{}; redirects are not followed, since they "
                             "could send secrets to another server",
                             answer.status, host.empty() ? "" : " to ", host));
  }
  if (IsPage(answer) && hundreds != 5) {
    return Retry(hundreds == 4 ? AttemptFailure::kHttp4xx : AttemptFailure::kRejected,
                 fmt::format("HTTP {} with a web page, which is not an answer of this service: is "
                             "the URL correct, or is there a login page in between?",
                             answer.status));
  }
  if (hundreds == 2) return Delivered();
  const bool limited = answer.status == 429;
  const AttemptFailure failure = limited         ? AttemptFailure::kRateLimited
                                 : hundreds == 5 ? AttemptFailure::kHttp5xx
                                                 : AttemptFailure::kHttp4xx;
  if (hundreds != 5 && !limited && answer.status != 408)
    return Refused(failure, DescribeAnswer(answer));
  SendResult result = Retry(failure, DescribeAnswer(answer));
  const auto after = answer.headers.find("retry-after");
  if (after != answer.headers.end()) result.retry_after = after->second;
  return result;
}

SendResult JudgeAnswer(const HttpAnswer& answer, bool documented, std::string_view expectation) {
  SendResult result = JudgeStatus(answer);
  if (result.outcome != Delivery::Outcome::kDelivered || documented || answer.cut) return result;
  return Retry(AttemptFailure::kRejected,
               fmt::format("{}, but {}: is the URL correct, or does a proxy in between answer?",
                           DescribeAnswer(answer), expectation));
}

}  // namespace backup_exporter

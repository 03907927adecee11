// A monitor: turns a notice into requests of its service and judges the answers.
//
// It does not sleep, retry, log or keep state: the worker of its queue does that, the same way for
// all. (What a server said of itself, such as the most that it keeps of a text, may be remembered.)
// One thread uses a monitor.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/child.h"
#include "base/http.h"
#include "model/notice.h"

namespace backup_exporter {

// How requests leave the house. Nothing throws.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual HttpAnswer Send(const HttpRequest& request) = 0;
  [[nodiscard]] virtual TcpAnswer Exchange(const TcpRequest& request) = 0;
  [[nodiscard]] virtual ChildAnswer Run(const ChildRequest& request) = 0;
};

// What an attempt came to.
struct SendResult {
  Delivery::Outcome outcome = Delivery::Outcome::kDelivered;
  AttemptFailure failure = AttemptFailure::kRejected;  // unless delivered
  // For a person. May quote the server and hold secrets: the worker masks them.
  std::string error = {};
  // What the server says of when to come again, as it stands in its header: seconds, or a date.
  std::string retry_after = {};
  // Not sooner than this, whatever the server says.
  std::optional<Duration> pause = {};
  // The exporter is being stopped: it was no attempt.
  bool stopped = false;
};

class Monitor {
 public:
  virtual ~Monitor() = default;

  // Tells one notice.
  [[nodiscard]] virtual SendResult Send(const Notice& notice, Transport& transport) = 0;

  // How many notices one request may tell.
  [[nodiscard]] virtual std::size_t most() const { return 1; }
  // Tells these notices, at most most(), in order: a result for each, up to the first that is to
  // be retried.
  [[nodiscard]] virtual std::vector<SendResult> SendAll(std::span<const Notice> notices,
                                                        Transport& transport) {
    return {Send(notices.front(), transport)};
  }
};

// SendResults.
[[nodiscard]] SendResult Delivered();
[[nodiscard]] SendResult Retry(AttemptFailure failure, std::string error);
[[nodiscard]] SendResult Refused(AttemptFailure failure, std::string error);

// No answer came: retried.
[[nodiscard]] SendResult JudgeNetwork(NetworkFailure failure, const std::string& error);

// What a status means for every service that says nothing else: 2xx is delivered; no answer, 408,
// 429, 5xx and a redirect are retried; any other is refused. A page of HTML is no answer of a
// monitor, whatever its status: something between us and the service has spoken.
[[nodiscard]] SendResult JudgeStatus(const HttpAnswer& answer);

// The same for a service that documents which 2xx it answers, or with what: `documented` says
// whether this is it, `own_words` what it would be ("Loki says 204"). Any other is retried, for
// something else may have spoken; of a body that was cut the status must do.
[[nodiscard]] SendResult JudgeAnswer(const HttpAnswer& answer, bool documented,
                                     std::string_view own_words);

// "HTTP 404: …", with the beginning of what the server says.
[[nodiscard]] std::string InWords(const HttpAnswer& answer);

}  // namespace backup_exporter

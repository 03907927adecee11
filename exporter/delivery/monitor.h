// The interface of a monitor, and what the services have in common.
//
// A monitor turns a notice into requests of its service and judges the answers. It does not sleep,
// retry, log or keep state; the worker of its queue does that, in the same way for every service.
// (It may remember what it learned about its server, such as the longest text that it accepts.)
// Not thread-safe: one thread uses a monitor at a time.
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

// Sends HTTP and TCP requests, and runs programs. Nothing throws.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual HttpAnswer Send(const HttpRequest& request) = 0;
  [[nodiscard]] virtual TcpAnswer Exchange(const TcpRequest& request) = 0;
  [[nodiscard]] virtual ChildAnswer Run(const ChildRequest& request) = 0;
};

// Result of an attempt to deliver a notice.
struct SendResult {
  Delivery::Outcome outcome = Delivery::Outcome::kDelivered;
  AttemptFailure failure = AttemptFailure::kRejected;  // unless delivered
  // For a person. May quote the server, and may contain secrets: the worker masks them.
  std::string error = {};
  // Value of the server's Retry-After header: seconds, or a date.
  std::string retry_after = {};
  // Least time until the next attempt, whatever the server asks for.
  std::optional<Duration> pause = {};
  // The exporter is being stopped: this does not count as an attempt.
  bool stopped = false;
};

class Monitor {
 public:
  virtual ~Monitor() = default;

  // Sends one notice.
  [[nodiscard]] virtual SendResult Send(const Notice& notice, Transport& transport) = 0;

  // The largest number of notices that SendAll accepts.
  [[nodiscard]] virtual std::size_t batch_limit() const { return 1; }
  // Sends these notices in order: at least one, and at most batch_limit(). Returns a result for
  // each, but none after the first one that is to be retried. May send only the first few.
  [[nodiscard]] virtual std::vector<SendResult> SendAll(std::span<const Notice> notices,
                                                        Transport& transport) {
    return {Send(notices.front(), transport)};
  }
};

[[nodiscard]] SendResult Delivered();
[[nodiscard]] SendResult Retry(AttemptFailure failure, std::string error);
[[nodiscard]] SendResult Refused(AttemptFailure failure, std::string error);

// The result if no answer arrived: retried.
[[nodiscard]] SendResult JudgeNetwork(NetworkFailure failure, const std::string& error);

// The meaning of a status, for every service that documents no other: 2xx is delivered. No answer,
// 408, 429, 5xx and a redirect are retried. Any other is refused. An HTML page is retried even with
// a 2xx or 4xx status, since it comes from something in front of the service.
[[nodiscard]] SendResult JudgeStatus(const HttpAnswer& answer);

// The same for a service that documents its answer to a success. `documented` is whether this is
// such an answer; `expectation` describes one ("Loki answers 204"). Any other success is retried,
// since something in front of the service may have answered. If the body was cut, the status alone
// decides.
[[nodiscard]] SendResult JudgeAnswer(const HttpAnswer& answer, bool documented,
                                     std::string_view expectation);

// "HTTP 404: …", with the beginning of the body.
[[nodiscard]] std::string DescribeAnswer(const HttpAnswer& answer);

}  // namespace backup_exporter

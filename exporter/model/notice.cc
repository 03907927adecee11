#include "model/notice.h"

#include <algorithm>
#include <cstddef>

namespace backup_exporter {
namespace {

// In the order of the enums.
constexpr std::array<std::string_view, kNoticeStates> kStateNames{"start", "finish", "fail", "log",
                                                                  "resolve"};
constexpr std::array<std::string_view, kNoticeCauses> kCauseNames{"run", "reminder", "missed",
                                                                  "test", "heartbeat"};

}  // namespace

std::string_view Name(NoticeState state) { return kStateNames[static_cast<std::size_t>(state)]; }

std::optional<NoticeState> NoticeStateNamed(std::string_view name) {
  const auto* found = std::find(kStateNames.begin(), kStateNames.end(), name);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<NoticeState>(found - kStateNames.begin());
}

std::string_view Name(NoticeCause cause) { return kCauseNames[static_cast<std::size_t>(cause)]; }

std::optional<NoticeCause> NoticeCauseNamed(std::string_view name) {
  const auto* found = std::find(kCauseNames.begin(), kCauseNames.end(), name);
  if (found == kCauseNames.end()) return std::nullopt;
  return static_cast<NoticeCause>(found - kCauseNames.begin());
}

std::string_view Name(AttemptFailure failure) {
  constexpr std::array<std::string_view, kAttemptFailures> kNames{
      "dns", "connect", "tls", "timeout", "http_4xx", "http_5xx", "rate_limited", "rejected"};
  return kNames[static_cast<std::size_t>(failure)];
}

std::string_view Name(Dropped reason) {
  constexpr std::array<std::string_view, kDropped> kNames{"expired", "queue_full", "permanent",
                                                          "superseded"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace backup_exporter

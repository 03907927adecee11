#include "model/notice.h"

namespace backup_exporter {

std::string_view Name(NoticeState state) {
  constexpr std::array<std::string_view, kNoticeStates> kNames{"start", "finish", "fail", "log",
                                                               "resolve"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view Name(NoticeCause cause) {
  constexpr std::array<std::string_view, kNoticeCauses> kNames{"run", "reminder", "missed", "test",
                                                               "heartbeat"};
  return kNames[static_cast<std::size_t>(cause)];
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

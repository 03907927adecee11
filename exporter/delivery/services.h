// The table of services that can be notified. Each service has a source file in this folder, a row
// in services.cc and a test file.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/section.h"
#include "delivery/monitor.h"
#include "delivery/options.h"
#include "model/notice.h"

namespace backup_exporter {

struct Service {
  std::string_view key;          // of its block in the configuration
  std::set<NoticeState> states;  // the states that it supports
  std::set<NoticeState> default_states;
  Superseding superseding = Superseding::kStarts;
  bool one_state = false;      // it shows one status, which is good or bad
  bool start_is_good = false;  // a start makes it show a good status
  bool accepts_heartbeat = false;
  // If the configuration has a text in place of the block, the text is the value of this key;
  // empty: the block must be a map.
  std::string_view short_form = {};
  // Makes a monitor from the block, except for the key `states`. Errors are reported to the block;
  // the result is nullptr if no monitor can be made.
  std::unique_ptr<Monitor> (*make)(Section& block, MonitorOptions& options) = nullptr;
};

[[nodiscard]] std::span<const Service> Services();
// nullptr: there is no such service.
[[nodiscard]] const Service* ServiceNamed(std::string_view key);

// The block of a service, with a text in its short form expanded into a map.
[[nodiscard]] std::shared_ptr<const YamlValue> ExpandShortForm(
    std::shared_ptr<const YamlValue> value, const Service& service);
// The key `states` of the block, else the service's default.
[[nodiscard]] std::set<NoticeState> ReadStates(Section& block, const Service& service);

}  // namespace backup_exporter

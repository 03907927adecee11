// The services that can be told: one row each. A new one is one file beside this, one row, and one
// test file.
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
  std::set<NoticeState> states;  // those it can be told
  std::set<NoticeState> default_states;
  Superseding superseding = Superseding::kStarts;
  bool one_state = false;      // what it shows is one state, well or not
  bool start_is_good = false;  // a start shows as well
  bool takes_heartbeat = false;
  std::string_view short_form = {};  // the key that a text in place of the block stands for
  // Reads the block's own keys (not `states`). nullptr after an error that leaves nothing to make.
  std::unique_ptr<Monitor> (*make)(Section& block, MonitorOptions& options) = nullptr;
};

[[nodiscard]] std::span<const Service> Services();
// nullptr: there is none.
[[nodiscard]] const Service* ServiceNamed(std::string_view key);

// The block of a service: `value`, or what the text that stands in its place is short for.
[[nodiscard]] std::shared_ptr<const YamlValue> BlockInFull(std::shared_ptr<const YamlValue> value,
                                                           const Service& service);
// The block's `states`, else the service's default.
[[nodiscard]] std::set<NoticeState> ReadStates(Section& block, const Service& service);

}  // namespace backup_exporter

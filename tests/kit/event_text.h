// Events as readable lines, for golden files and expectations in tests.
//
//   started backup
//   finished backup warning evidence=report end=2026-11-21T01:00:02.631602Z added_bytes=1848
//     errors=2 snapshot=257f6b84 reason=source_unreadable            (one line)
#pragma once

#include <string>
#include <vector>

#include "model/event.h"

namespace backup_exporter {

// Absent values are left out; an unknown operation is "?".
[[nodiscard]] std::string EventText(const Event& event);
[[nodiscard]] std::vector<std::string> EventTexts(const std::vector<Event>& events);

// Without message events, for tests of results.
[[nodiscard]] std::vector<Event> WithoutMessages(std::vector<Event> events);
// Without progress events. Which of several consecutive ones remains depends on where a piece ends.
[[nodiscard]] std::vector<Event> WithoutProgress(std::vector<Event> events);

// "records=3 text=1". Zeros are left out.
[[nodiscard]] std::string CountsText(const RecordCounts& counts);

}  // namespace backup_exporter

// Events as readable lines, for goldens and for tests that say what they expect.
//
//   started backup
//   finished backup warning evidence=report end=2026-11-21T01:00:02.631602Z added_bytes=1848
//   errors=2
//     snapshot=257f6b84 reason=source_unreadable            (one line)
#pragma once

#include <string>
#include <vector>

#include "model/event.h"

namespace backup_exporter {

// What is absent is left out; an operation that is not known is "?".
[[nodiscard]] std::string EventText(const Event& event);
[[nodiscard]] std::vector<std::string> EventTexts(const std::vector<Event>& events);

// For tests of results.
[[nodiscard]] std::vector<Event> WithoutNotes(std::vector<Event> events);
// Which of several progresses in a row is left depends on where a piece ends, and does not matter.
[[nodiscard]] std::vector<Event> WithoutProgress(std::vector<Event> events);

// "records=3 text=1": the zeros are left out.
[[nodiscard]] std::string CountsText(const RecordCounts& counts);

}  // namespace backup_exporter

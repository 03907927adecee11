// Bytes and durations as text for people: pages, notices, the command line.
//
// Each amount is rounded before its unit is chosen, so 1,048,575 bytes are "1.0 MiB" and never
// "1024.0 KiB". Metrics and files for machines carry plain numbers instead.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace backup_exporter {

// "312 B", "1.5 GiB": binary units up to EiB with one decimal.
[[nodiscard]] std::string BytesText(std::uint64_t bytes);

// The duration of something that has ended: "0.4 s" below 10 s, "12 s" below 2 min, "59 min", "1 h
// 2 min".
[[nodiscard]] std::string DurationText(Duration duration);

// The magnitude of an age or of a wait: "5 min", "3 h", "12 d". Whole units, rounded down; days
// from 48 h on. `duration` must not be negative.
[[nodiscard]] std::string ApproximateDurationText(Duration duration);

}  // namespace backup_exporter

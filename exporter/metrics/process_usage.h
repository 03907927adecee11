// Resource usage of the exporter's own process, for the standard `process_*` metrics.
//
// Source: Linux's /proc, see proc(5). Units and meaning are those of the process collector of
// client_golang. A value that cannot be read is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace backup_exporter {

struct ProcessUsage {
  std::optional<Duration> cpu_time;  // user and system, of all threads
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;  // soft limit
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint64_t> max_virtual_bytes;  // soft limit; 2^64 - 1 if there is none
  std::optional<std::uint64_t> resident_bytes;
  std::optional<Time> started;
};

// Thread-safe. Each call reads two small files and a directory.
class ProcessUsageReader {
 public:
  // `booted` is when the kernel started. It is read once only: the start time of the process must
  // not move with the wall clock, and reading it takes milliseconds on a host with many CPUs.
  explicit ProcessUsageReader(std::string proc_root = "/proc",
                              std::optional<Time> booted = BootTime());

  [[nodiscard]] ProcessUsage Read() const;

 private:
  const std::string proc_root_;
  const std::optional<Time> booted_;
};

}  // namespace backup_exporter

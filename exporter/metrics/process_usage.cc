#include "metrics/process_usage.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace backup_exporter {
namespace {

// Empty if the file cannot be read.
std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Removes the next field, which ends at white space, from the start of `text`. Empty at the end.
std::string_view NextField(std::string_view& text) {
  constexpr std::string_view kSpace = " \t\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  const std::string_view field = text.substr(0, text.find_first_of(kSpace));
  text.remove_prefix(field.size());
  return field;
}

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// The soft limit in the line of /proc/self/limits that begins with `name`.
std::optional<std::uint64_t> SoftLimit(std::string_view limits, std::string_view name) {
  const std::size_t line = limits.find(name);
  if (line == std::string_view::npos) return std::nullopt;
  limits.remove_prefix(line + name.size());
  const std::string_view limit = NextField(limits);
  if (limit == "unlimited") return std::numeric_limits<std::uint64_t>::max();
  return Number(limit);
}

Duration FromTicks(std::uint64_t ticks) {
  const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return std::chrono::seconds(ticks / per_second) +
         std::chrono::microseconds(ticks % per_second * 1'000'000 / per_second);
}

// Includes the descriptor that reads the directory, as client libraries do.
std::optional<std::uint64_t> CountEntries(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::uint64_t count = 0;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  return error ? std::nullopt : std::optional(count);
}

// Fields of /proc/self/stat, numbered as in proc(5).
enum StatField : std::size_t {
  kUserTicks = 14,
  kSystemTicks = 15,
  kStartTicks = 22,
  kVirtualBytes = 23,
  kResidentPages = 24
};

}  // namespace

ProcessUsageReader::ProcessUsageReader(std::string proc_root, std::optional<Time> booted)
    : proc_root_(std::move(proc_root)), booted_(booted) {}

ProcessUsage ProcessUsageReader::Read() const {
  ProcessUsage usage;
  const std::string limits = ReadAll(proc_root_ + "/self/limits");
  usage.max_fds = SoftLimit(limits, "Max open files ");
  usage.max_virtual_bytes = SoftLimit(limits, "Max address space ");
  usage.open_fds = CountEntries(proc_root_ + "/self/fd");

  // The second field is the program's name in parentheses, which may contain anything.
  const std::string stat = ReadAll(proc_root_ + "/self/stat");
  std::string_view rest = stat;
  rest.remove_prefix(std::min(stat.rfind(')'), stat.size()));
  std::vector<std::optional<std::uint64_t>> fields(2);  // so that an index is the field's number
  while (!rest.empty()) fields.push_back(Number(NextField(rest)));
  fields.resize(std::max<std::size_t>(fields.size(), kResidentPages + 1));
  if (fields[kUserTicks] && fields[kSystemTicks]) {
    usage.cpu_time = FromTicks(*fields[kUserTicks] + *fields[kSystemTicks]);
  }
  if (fields[kStartTicks] && booted_) usage.started = *booted_ + FromTicks(*fields[kStartTicks]);
  usage.virtual_bytes = fields[kVirtualBytes];
  if (const auto pages = fields[kResidentPages]) {
    usage.resident_bytes = *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  return usage;
}

}  // namespace backup_exporter

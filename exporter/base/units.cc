#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string_view>

namespace backup_exporter {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

std::string BytesText(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  constexpr double kRoundsTo1024 = 1023.95;  // with one decimal
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= kRoundsTo1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string DurationText(Duration duration) {
  constexpr milliseconds kRoundsTo10Seconds{9'950};   // with one decimal
  constexpr milliseconds kRoundsTo2Minutes{119'500};  // without decimals
  if (duration < kRoundsTo10Seconds) return fmt::format("{:.1f} s", ToSeconds(duration));
  if (duration < kRoundsTo2Minutes) return fmt::format("{:.0f} s", ToSeconds(duration));
  const auto whole = std::chrono::round<minutes>(duration);
  if (whole < hours(1)) return fmt::format("{} min", whole.count());
  return fmt::format("{} h {} min", whole.count() / 60, whole.count() % 60);
}

std::string ApproximateDurationText(Duration duration) {
  if (duration < hours(1)) return fmt::format("{} min", floor<minutes>(duration).count());
  if (duration < hours(48)) return fmt::format("{} h", floor<hours>(duration).count());
  return fmt::format("{} d", floor<days>(duration).count());
}

}  // namespace backup_exporter

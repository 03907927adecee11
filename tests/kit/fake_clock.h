// A clock that tests set.
#pragma once

#include "base/time.h"
#include "sources/piece.h"

namespace backup_exporter {

class FakeClock final : public Clock {
 public:
  // The default is 2030-01-01, long after any test file was written.
  explicit FakeClock(Time now = Time(std::chrono::seconds(1'893'456'000))) : now_(now) {}

  [[nodiscard]] Time Now() const override { return now_; }
  [[nodiscard]] SteadyTime Steady() const override { return steady_; }
  [[nodiscard]] Moment Both() const { return {now_, steady_}; }

  void Advance(Duration by) {
    now_ += by;
    steady_ += by;
  }
  // Like an administrator or NTP: the steady clock is not changed.
  void SetWall(Time now) { now_ = now; }

 private:
  Time now_;
  SteadyTime steady_{std::chrono::hours(1000)};
};

}  // namespace backup_exporter

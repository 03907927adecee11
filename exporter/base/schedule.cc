#include "base/schedule.h"

#include <cassert>

namespace backup_exporter {
namespace {

class Interval final : public Schedule {
 public:
  explicit Interval(Duration interval) : interval_(interval) { assert(interval > Duration(0)); }

  [[nodiscard]] std::optional<Time> Next(Time time) const override {
    if (time > Time::max() - interval_) return std::nullopt;
    return time + interval_;
  }
  [[nodiscard]] std::optional<Time> Resume(Time time) const override { return time; }

 private:
  Duration interval_;
};

}  // namespace

std::shared_ptr<const Schedule> Every(Duration interval) {
  return std::make_shared<Interval>(interval);
}

}  // namespace backup_exporter

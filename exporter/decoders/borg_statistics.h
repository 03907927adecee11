// Parses the table that `borg create --stats` prints for people, line by line.
//
// The table shows that an archive was made, its id, its times and its sizes. Sizes are as exact as
// printed: whole bytes below a kilobyte, otherwise rounded to two decimals. Source: borg 1.2.4 and
// 1.4.5 as run.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "decoders/local_clock.h"
#include "model/run.h"

namespace backup_exporter {

class BorgStatistics {
 public:
  enum class Line {
    kOther,  // not a line of the table
    kPart,   // a line of the table
    kTimes,  // the line after which the archive and its times are known
    kSizes,  // the line after which its sizes are known too
  };
  Line Parse(std::string_view line, const LocalClock& clock);
  // True if the line looks like one of this table, or of the table that prune prints.
  [[nodiscard]] static bool IsRow(std::string_view line);

  // The archive of the table; empty before a table began.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::optional<Time> start() const { return start_; }
  [[nodiscard]] std::optional<Time> end() const { return end_; }
  [[nodiscard]] const Figures& figures() const { return figures_; }

  // The state between two lines: an object, empty before a table began. nullptr restores the empty
  // state.
  [[nodiscard]] Json Save() const;
  void Restore(const Json* saved);

 private:
  std::string id_;
  std::optional<Time> start_;
  std::optional<Time> end_;
  Figures figures_;
};

}  // namespace backup_exporter

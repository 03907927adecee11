// The table that `borg create --stats` prints for people, a line at a time.
//
// It tells that an archive was made, which, when, and its sizes, as far as these are printed: whole
// below a kilobyte, else cut to two decimals. Source: borg 1.2.4 and 1.4.5 as run.
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
    kOther,  // none of the table
    kPart,   // of the table
    kTimes,  // the archive and its times are known now
    kSizes,  // and what it added
  };
  Line Take(std::string_view line, const LocalClock& clock);
  // Whether it looks like a line of this table, or of the one that prune prints.
  [[nodiscard]] static bool IsRow(std::string_view line);

  // Of the archive whose table this is; empty where none has begun.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::optional<Time> start() const { return start_; }
  [[nodiscard]] std::optional<Time> end() const { return end_; }
  [[nodiscard]] const Figures& figures() const { return figures_; }

  [[nodiscard]] Json Save() const;
  void Restore(const Json& saved);

 private:
  std::string id_;
  std::optional<Time> start_;
  std::optional<Time> end_;
  Figures figures_;
};

}  // namespace backup_exporter

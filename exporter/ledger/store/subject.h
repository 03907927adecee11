// One operation of one backup, which is the subject of results, expectations and notices.
#pragma once

#include <compare>

#include "ledger/store/database.h"
#include "model/run.h"

namespace backup_exporter {

struct Subject {
  RowId backup = 0;
  Operation operation = Operation::kBackup;

  auto operator<=>(const Subject&) const = default;
};

}  // namespace backup_exporter

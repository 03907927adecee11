#include "sources/writers.h"

namespace backup_exporter {

bool Writers::AreGone(const FileStat& file, const Moment& now) {
  if (!snapshot_) {
    snapshot_ = {.taken = now.wall, .boot = BootTime(), .open = files_.OpenForWriting()};
  }
  if (snapshot_->boot && file.modified < *snapshot_->boot) return true;
  // A file that was written later may have been opened later, too.
  return snapshot_->open && file.modified <= snapshot_->taken &&
         !snapshot_->open->contains(file.identity());
}

}  // namespace backup_exporter

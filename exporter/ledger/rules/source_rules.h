// The part of a source's configuration that the ledger needs to turn its events into runs.
#pragma once

#include <memory>
#include <string>

#include "model/run.h"

namespace re2 {
class RE2;
}

namespace backup_exporter {

struct SourceRules {
  std::string source;              // the source's name
  std::string tool;                // name of its format
  std::string pattern;             // of its paths; a backup is shown while its file matches one
  std::string backup;              // name template (backup_name.h); empty: that of the format
  bool backup_configured = false;  // the template is configured, so sources may share a backup
  std::shared_ptr<const re2::RE2> match;  // applied to the path; its named groups are placeholders
  std::string repository;                 // configured name; empty: as in the output
  Operation operation = Operation::kBackup;  // of records that name none
  bool operation_configured = false;         // `operation` is configured and therefore certain
  bool warnings_are_failures = false;
  bool complete = false;  // its listings contain all archives of their backup
  // Records name any backup and operation, also those of other sources (the spool of `event`).
  bool names_backup = false;
};

}  // namespace backup_exporter

// The files of one source: turns observations of paths into pieces of records. There are three
// kinds of sets: of files that grow, of files that are rewritten whole, and of files of which only
// the modification time counts. Single-threaded.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/record.h"
#include "model/source_status.h"
#include "sources/discovery.h"
#include "sources/file_errors.h"
#include "sources/piece.h"
#include "sources/source.h"

namespace backup_exporter {

// The state of one path.
struct Observation {
  std::string path;
  Result<FileStat> stat;
  bool closed = false;  // a writer closed the file since the last observation
  // The path that matched the pattern, if the file had it only between two observations and has
  // another path now.
  std::string name = {};
};

// The parts of a source that its set uses. They outlive the set.
struct SourceParts {
  const SourceOptions& options;
  const Files& files;
  const Discovery& discovery;
  FileErrors& errors;
};

class FileSet {
 public:
  virtual ~FileSet() = default;
  // Applies observations of some paths, or (`all`) of every path that matches and all TrackedPaths.
  virtual void Observe(const std::vector<Observation>& observations, bool all,
                       const Moment& now) = 0;
  // Paths that a sweep must observe even if they do not match the pattern.
  [[nodiscard]] virtual std::vector<std::string> TrackedPaths() const = 0;
  // Whether a file is known to be at the path.
  [[nodiscard]] virtual bool Tracks(const std::string& path) const = 0;

  // As Source::Read, for these files.
  [[nodiscard]] virtual std::vector<Piece> Read(const Moment& now, std::size_t budget,
                                                bool last_look) = 0;
  // The ledger committed the step of this file.
  virtual void Accept(const FileStep& step, std::size_t file) = 0;
  // The file is not read any more, and counts as unreadable.
  virtual void Refuse(std::size_t file) = 0;
  // When Read must be called next at the latest; nullopt: after the next observation.
  [[nodiscard]] virtual std::optional<SteadyTime> Due() const = 0;

  // Sets the fields of `status` that are totals over all files.
  virtual void Report(SourceStatus* status) const = 0;
};

// Files that grow: kLines and kDocuments.
[[nodiscard]] std::unique_ptr<FileSet> MakeLineFiles(const SourceParts& parts,
                                                     std::vector<Checkpoint> known);
// Files that are rewritten whole: kWhole.
[[nodiscard]] std::unique_ptr<FileSet> MakeDocuments(const SourceParts& parts,
                                                     std::vector<Checkpoint> known);
// Files of which only the modification time counts: kStamps.
[[nodiscard]] std::unique_ptr<FileSet> MakeStamps(const SourceParts& parts,
                                                  std::vector<Checkpoint> known);

}  // namespace backup_exporter

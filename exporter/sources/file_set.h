// The files of one source: what lies between finding paths and returning pieces. There are three
// kinds: files that grow, files that are rewritten whole, and files that only have a time.
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
  // For a file that matched the pattern only between two observations and has another path now: the
  // path that matched.
  std::string name = {};
};

// What a set needs of its source; all of it outlives the set.
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
  // Paths that a sweep must observe although they may not match.
  [[nodiscard]] virtual std::vector<std::string> TrackedPaths() const = 0;
  // Whether a file is known to be at the path.
  [[nodiscard]] virtual bool Tracks(const std::string& path) const = 0;

  // As Source::Read.
  [[nodiscard]] virtual std::vector<Piece> Read(const Moment& now, std::size_t budget,
                                                bool last_look) = 0;
  virtual void Accept(const FileStep& step, std::size_t file) = 0;
  // The file is not read any more, and counts as unreadable.
  virtual void Refuse(std::size_t file) = 0;
  // When Read must be called next at the latest; nullopt: after the next observation.
  [[nodiscard]] virtual std::optional<SteadyTime> Due() const = 0;

  // Sets the fields that are counted over all files.
  virtual void Report(SourceStatus* status) const = 0;
};

// Files that grow: kLines and kDocuments.
[[nodiscard]] std::unique_ptr<FileSet> MakeLineFiles(const SourceParts& parts,
                                                     std::vector<Checkpoint> known);
// kWhole.
[[nodiscard]] std::unique_ptr<FileSet> MakeDocuments(const SourceParts& parts,
                                                     std::vector<Checkpoint> known);
// kStamps.
[[nodiscard]] std::unique_ptr<FileSet> MakeStamps(const SourceParts& parts,
                                                  std::vector<Checkpoint> known);

}  // namespace backup_exporter

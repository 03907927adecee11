// The files of one source: what lies between finding paths and handing on pieces. There are three
// kinds, for what grows, for what is rewritten whole, and for what is only a stamp.
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

// What a look at a path showed.
struct Observation {
  std::string path;
  Result<FileStat> stat;
  bool closed = false;  // a writer closed it since the last look
  // The name that matches, of a file that had it between two looks and has another one now.
  std::string name = {};
};

// What a set needs of its source; all of it outlives the set.
struct SourceParts {
  const SourceOptions& options;
  const Files& files;
  const Discovery& discovery;
  FileErrors& troubles;
};

class FileSet {
 public:
  virtual ~FileSet() = default;
  // Takes in what a look showed, at all paths (those that match, and Places) or at some.
  virtual void Observe(const std::vector<Observation>& observations, bool all,
                       const Moment& now) = 0;
  // Paths that want to be looked at although they do not match.
  [[nodiscard]] virtual std::vector<std::string> Places() const = 0;
  [[nodiscard]] virtual bool Knows(const std::string& path) const = 0;

  [[nodiscard]] virtual std::vector<Piece> Read(const Moment& now, std::size_t budget,
                                                bool last_look) = 0;
  virtual void Accept(const FileStep& step, std::size_t file) = 0;
  // It is not read any more, and counts as unreadable.
  virtual void Refuse(std::size_t file) = 0;
  // When Read has something to do; nullopt: when something was observed.
  [[nodiscard]] virtual std::optional<SteadyTime> Due() const = 0;

  // Fills in what is counted over all files.
  virtual void Report(SourceStatus* status) const = 0;
};

[[nodiscard]] std::unique_ptr<FileSet> MakeLineFiles(const SourceParts& parts,
                                                     std::vector<Checkpoint> known);
[[nodiscard]] std::unique_ptr<FileSet> MakeDocuments(const SourceParts& parts,
                                                     std::vector<Checkpoint> known);
[[nodiscard]] std::unique_ptr<FileSet> MakeStamps(const SourceParts& parts,
                                                  std::vector<Checkpoint> known);

}  // namespace backup_exporter

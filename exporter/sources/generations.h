// Tracks which generation of which file is at which path.
//
// A generation keeps its number from its first observation until its end is reported. It is tracked
// by its identity (device and inode): when another file appears at its path, the generation is
// searched for under its new name, to be read to its end. The new file may continue the generation,
// as a copy or a restored file does, only if the old file is found nowhere and nothing of it is
// left to read. Reading files, and the order in which they are read, are left to Tailer and
// LineFiles.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/files.h"
#include "model/record.h"
#include "sources/file_set.h"
#include "sources/renamed_search.h"
#include "sources/tailer.h"

namespace backup_exporter {

struct Generation {
  Tailer tailer;
  std::optional<SteadyTime> lost_since = {};  // since when the file cannot be found
};

class Generations {
 public:
  // The first Observe searches for the files of the checkpoints `known`.
  Generations(const SourceParts& parts, std::vector<Checkpoint> known);

  // As FileSet::Observe. Starts, moves and ends generations.
  void Observe(const std::vector<Observation>& observations, bool all, const Moment& now);
  // As FileSet.
  [[nodiscard]] std::vector<std::string> TrackedPaths() const;
  [[nodiscard]] bool Tracks(const std::string& path) const { return at_.contains(path); }
  // The number of matching paths with something other than a readable regular file.
  [[nodiscard]] std::size_t bad_paths() const { return bad_paths_.size(); }

  // By number; a reference is valid until Remove.
  [[nodiscard]] std::map<std::size_t, Generation>& all() { return generations_; }
  [[nodiscard]] const std::map<std::size_t, Generation>& all() const { return generations_; }
  // The generation that had the same name before.
  [[nodiscard]] std::optional<std::size_t> Predecessor(std::size_t number) const;
  void MarkChanged(std::size_t number) { changed_.insert(number); }
  // Returns and clears the numbers of the generations changed since the last call, removed ones
  // included.
  [[nodiscard]] std::set<std::size_t> DrainChanged() { return std::exchange(changed_, {}); }

  // Ends a generation whose file no longer has the bytes that were read. Returns the number of the
  // new generation that begins with the file's present content; nullopt if the path is not one of
  // the source's.
  std::optional<std::size_t> StartNewGeneration(std::size_t number, const Moment& now);
  // Reading a generation failed, or succeeded. Only a change is counted and logged.
  void MarkUnreadable(std::size_t number, const Error& error);
  void MarkReadable(std::size_t number);
  // The generation's end was reported.
  void Remove(std::size_t number);

 private:
  class Batch;
  using Numbered = std::pair<const std::size_t, Generation>;

  Numbered& Add(Checkpoint file, bool present);
  void SetPath(Numbered& one, const std::string& path, const FileStat& stat, const Moment& now);
  void FreePath(const Numbered& one);
  void FreeIdentity(const Numbered& one);
  void End(Numbered& one);
  void EndAsMissing(Numbered& one);

  // Applies the observations of files that have not moved. Returns the generations whose file has,
  // newest first: the newest has the best claim to a path.
  [[nodiscard]] std::vector<Numbered*> FindDisplaced(const std::vector<Observation>& observations,
                                                     bool all, const Moment& now);
  void ObserveOpenFile(Numbered& one, bool closed, const Moment& now);
  // Whether no other generation has the name.
  [[nodiscard]] bool HasNameAlone(const Numbered& one) const;
  // Whether the path has a file that belongs to no generation.
  [[nodiscard]] bool IsUnclaimed(const Observation& there) const;
  // Searches for a displaced generation. True if it was found, or cannot be searched for now.
  bool Relocate(Numbered& one, Batch& batch, const Moment& now);
  // Whether the file at this path, which has the generation's identity, is really the generation's.
  [[nodiscard]] bool IsSameFile(Numbered& one, const std::string& path, const FileStat& stat) const;
  // Whether a file under a new name is an unread file that was rotated while its writer appends.
  [[nodiscard]] bool IsRotatedUnread(const Tailer& tailer, const std::string& path,
                                     const FileStat& stat) const;
  // For a generation that Relocate did not find: continues it in the file at its name, continues to
  // read its open file, or ends it.
  void Unplace(Numbered& one, const Batch& batch, bool all, const Moment& now);
  void MarkLost(Numbered& one, const Moment& now);
  void ApplyFile(const Observation& there, const Moment& now);
  void ApplyBadPath(const std::string& path, const Error& error);

  const SourceParts parts_;
  bool observed_ = false;  // Observe was called before
  std::map<std::size_t, Generation> generations_;
  std::size_t next_number_ = 1;
  std::unordered_map<std::string, std::size_t> at_;  // number by path
  std::map<FileIdentity, std::size_t> by_identity_;  // of generations that have a path or are open
  std::unordered_map<std::string, std::set<std::size_t>> by_name_;
  std::set<std::size_t> lost_;  // could not be searched for, or were not searched for yet
  std::set<std::string> bad_paths_;
  std::set<std::size_t> changed_;
};

}  // namespace backup_exporter

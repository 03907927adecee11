// Which generation of which file is where.
//
// A generation keeps its number from the first look to its last word, and is followed by its
// identity: when another file takes its path it is looked for under its new name, to be read to its
// end. Only when it is nowhere to be found, and nothing of it is left to be read, may the new file
// be the same one again: replaced by a copy, or restored. What is in the files, and whose turn it
// is to be read, is left to others.
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
  std::optional<SteadyTime> lost_since = {};
};

class Generations {
 public:
  // Those of the ledger are looked for with the first Observe.
  Generations(const SourceParts& parts, std::vector<Checkpoint> known);

  // Takes in what a look showed. Generations come, move, lose their name and end by this.
  void Observe(const std::vector<Observation>& observations, bool all, const Moment& now);
  // Paths to be looked at whether or not they match.
  [[nodiscard]] std::vector<std::string> Places() const;
  [[nodiscard]] bool Knows(const std::string& path) const { return at_.contains(path); }
  // Paths that match where there is something else than a file that can be looked at.
  [[nodiscard]] std::size_t bad_paths() const { return bad_paths_.size(); }

  // By number; a reference stays valid until Remove.
  [[nodiscard]] std::map<std::size_t, Generation>& all() { return generations_; }
  [[nodiscard]] const std::map<std::size_t, Generation>& all() const { return generations_; }
  // The one that had the same name before.
  [[nodiscard]] std::optional<std::size_t> Before(std::size_t number) const;
  void Touch(std::size_t number) { touched_.insert(number); }
  // Numbers of those that something happened to since the last call.
  [[nodiscard]] std::set<std::size_t> TakeTouched() { return std::exchange(touched_, {}); }

  // The bytes that were read are no longer in its file: it ends. What stands there now is a new
  // generation, whose number is returned; nullopt where its path is not one of the source's.
  std::optional<std::size_t> StartAgain(std::size_t number, const Moment& now);
  // Reading it failed. Counted and told if it could be read before.
  void NoteUnreadable(std::size_t number, const Error& error);
  void NoteReadable(std::size_t number);
  // It has said its last word.
  void Remove(std::size_t number);

 private:
  class Batch;
  using Numbered = std::pair<const std::size_t, Generation>;

  Numbered& Add(Checkpoint file, bool present);
  void PutAt(Numbered& one, const std::string& path, const FileStat& stat, const Moment& now);
  void LeavePlace(const Numbered& one);
  void LeaveIdentity(const Numbered& one);
  void End(Numbered& one);

  [[nodiscard]] std::vector<Numbered*> FindLeavers(const std::vector<Observation>& observations,
                                                   bool all, const Moment& now);
  void LookAtOpenFile(Numbered& one, bool closed, const Moment& now);
  [[nodiscard]] bool HasNameAlone(const Numbered& one) const;
  [[nodiscard]] bool IsFree(const Observation& there) const;
  // True if its place was found, or cannot be told now.
  bool FindAgain(Numbered& one, Batch& batch, const Moment& now);
  void GiveUp(Numbered& one);
  void GiveUpName(Numbered& one, const Batch& batch, bool all, const Moment& now);
  void MarkLost(Numbered& one, const Moment& now);
  void TakeIn(const Observation& there, const Moment& now);
  void NoteBadPath(const std::string& path, const Error& error);

  const SourceParts parts_;
  bool looked_ = false;
  std::map<std::size_t, Generation> generations_;
  std::size_t next_number_ = 1;
  std::unordered_map<std::string, std::size_t> at_;  // who is at a path
  std::map<FileIdentity, std::size_t> by_identity_;  // of those that are at a path or open
  std::unordered_map<std::string, std::set<std::size_t>> by_name_;
  std::set<std::size_t> lost_;  // nobody can tell where they are
  std::set<std::string> bad_paths_;
  std::set<std::size_t> touched_;
};

}  // namespace backup_exporter

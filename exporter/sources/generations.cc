#include "sources/generations.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace backup_exporter {
namespace {

// After this long a generation whose directory is gone or cannot be read counts as gone.
constexpr std::chrono::hours kLostFor{24};

// Whether the error proves that no regular file is there. With any other error one may be.
bool IsNoFile(const Error& error) {
  return error.kind == ErrorKind::kNotFound || error.kind == ErrorKind::kInvalid;
}

Checkpoint NewFile(const std::string& path, const FileStat& stat) {
  Checkpoint file;
  file.position.path = path;
  file.position.device = stat.device;
  file.position.inode = stat.inode;
  return file;
}

}  // namespace

// The observations of one Observe, by path and by identity.
class Generations::Batch {
 public:
  Batch(const Files& files, const std::vector<Observation>& observations) : search(files) {
    for (const Observation& observation : observations) {
      by_path_.emplace(observation.path, &observation);
      if (observation.stat) by_identity_.emplace(observation.stat->identity(), &observation);
    }
  }
  [[nodiscard]] const Observation* At(const std::string& path) const {
    const auto found = by_path_.find(path);
    return found == by_path_.end() ? nullptr : found->second;
  }
  // The observation of a file; if the file has several paths, the one at `preferred`.
  [[nodiscard]] const Observation* Of(const FileIdentity& identity,
                                      const std::string& preferred) const {
    const Observation* at = At(preferred);
    if (at != nullptr && at->stat && at->stat->identity() == identity) return at;
    const auto found = by_identity_.find(identity);
    return found == by_identity_.end() ? nullptr : found->second;
  }

  RenamedSearch search;

 private:
  std::unordered_map<std::string, const Observation*> by_path_;
  std::map<FileIdentity, const Observation*> by_identity_;
};

Generations::Generations(const SourceParts& parts, std::vector<Checkpoint> known) : parts_(parts) {
  std::ranges::sort(known, {}, [](const Checkpoint& file) { return file.position.id; });
  for (Checkpoint& file : known) lost_.insert(Add(std::move(file), /*present=*/true).first);
}

Generations::Numbered& Generations::Add(Checkpoint file, bool present) {
  const std::size_t number = next_number_++;
  const std::string path = file.position.path;
  Generation added{.tailer = Tailer(parts_.files,
                                    {parts_.options.framing, parts_.options.record_limit,
                                     parts_.options.piece_size},
                                    std::move(file), present)};
  by_name_[path].insert(number);
  return *generations_.emplace(number, std::move(added)).first;
}

void Generations::Remove(std::size_t number) {
  const auto one = generations_.find(number);
  End(*one);
  const auto name = by_name_.find(one->second.tailer.name());
  name->second.erase(number);
  if (name->second.empty()) by_name_.erase(name);
  generations_.erase(one);
}

void Generations::SetPath(Numbered& one, const std::string& path, const FileStat& stat,
                          const Moment& now) {
  auto& [number, generation] = one;
  FreePath(one);
  FreeIdentity(one);
  generation.tailer.SetPath(path, parts_.discovery.Matches(path), stat, now);
  at_[path] = number;
  by_identity_[stat.identity()] = number;
  generation.lost_since.reset();
  lost_.erase(number);
  changed_.insert(number);
}

void Generations::FreePath(const Numbered& one) {
  const auto at = at_.find(one.second.tailer.path());
  if (at != at_.end() && at->second == one.first) at_.erase(at);
}

void Generations::FreeIdentity(const Numbered& one) {
  const auto owner = by_identity_.find(one.second.tailer.identity());
  if (owner != by_identity_.end() && owner->second == one.first) by_identity_.erase(owner);
}

void Generations::End(Numbered& one) {
  FreePath(one);
  FreeIdentity(one);
  one.second.tailer.End();
  lost_.erase(one.first);
  changed_.insert(one.first);
}

void Generations::Observe(const std::vector<Observation>& observations, bool all,
                          const Moment& now) {
  Batch batch(parts_.files, observations);
  auto displaced = FindDisplaced(observations, all, now);
  for (const Numbered* one : displaced) {
    FreePath(*one);
    // Unless the file is open, its inode may have been given to another file.
    if (one->second.tailer.file() == nullptr) FreeIdentity(*one);
  }
  // Moved generations come first: a path that one of them has now is not available to those that
  // are gone.
  std::erase_if(displaced, [&](Numbered* one) { return Relocate(*one, batch, now); });
  for (Numbered* one : displaced) Unplace(*one, batch, all, now);
  for (const Observation& observation : observations) {
    if (observation.stat) {
      ApplyFile(observation, now);
    } else {
      ApplyBadPath(observation.path, observation.stat.error());
    }
  }
  observed_ = true;
}

std::vector<Generations::Numbered*> Generations::FindDisplaced(
    const std::vector<Observation>& observations, bool all, const Moment& now) {
  std::vector<Numbered*> displaced;
  for (const Observation& observation : observations) {
    const auto at = at_.find(observation.path);
    if (at == at_.end()) continue;
    Numbered& one = *generations_.find(at->second);
    Tailer& tailer = one.second.tailer;
    if (observation.stat && observation.stat->identity() == tailer.identity()) {
      tailer.Observe(*observation.stat, observation.closed, now);
      changed_.insert(one.first);
    } else if (observation.stat || IsNoFile(observation.stat.error())) {
      // A change at a path that is empty now concerns the file that was there.
      ObserveOpenFile(one, !observation.stat && observation.closed, now);
      displaced.push_back(&one);
    } else {
      MarkUnreadable(one.first, observation.stat.error());
    }
  }
  for (const std::size_t number : lost_) displaced.push_back(&*generations_.find(number));
  for (auto one = generations_.begin(); all && one != generations_.end(); ++one) {
    Tailer& tailer = one->second.tailer;
    if (tailer.file() == nullptr || !tailer.path().empty() || lost_.contains(one->first)) continue;
    ObserveOpenFile(*one, false, now);  // without a path no other observation covers it
    if (tailer.stat()->links == 0) tailer.LosePath(/*removed=*/true, now);
    changed_.insert(one->first);
  }
  std::ranges::sort(displaced, std::greater<>(), [](const Numbered* one) { return one->first; });
  return displaced;
}

void Generations::ObserveOpenFile(Numbered& one, bool closed, const Moment& now) {
  Tailer& tailer = one.second.tailer;
  if (tailer.file() == nullptr) return;
  std::optional<SteadyTime>& lost_since = one.second.lost_since;
  const auto stat = tailer.file()->Stat();
  if (stat) {
    tailer.Observe(*stat, closed, now);
    lost_since.reset();
    return;
  }
  MarkUnreadable(one.first, stat.error());
  if (tailer.CanClose()) {
    // The file server was replaced: it serves the path, but not what was opened before.
    tailer.Close();
  } else if (!lost_since) {
    lost_since = now.steady;
  } else if (now.steady - *lost_since >= kLostFor) {
    EndAsMissing(one);
  }
}

void Generations::EndAsMissing(Numbered& one) {
  const Tailer& tailer = one.second.tailer;
  if (tailer.lag() > 0) {
    parts_.errors.AddMissing(tailer.name() +
                             ": was deleted or moved before it was read to its end");
  }
  End(one);
}

bool Generations::IsUnclaimed(const Observation& there) const {
  return there.stat && !at_.contains(there.path) && !by_identity_.contains(there.stat->identity());
}

bool Generations::HasNameAlone(const Numbered& one) const {
  return by_name_.at(one.second.tailer.name()).size() == 1;
}

bool Generations::Relocate(Numbered& one, Batch& batch, const Moment& now) {
  auto& [number, generation] = one;
  Tailer& tailer = generation.tailer;
  if (tailer.file() != nullptr && tailer.stat()->links == 0) return false;
  const FileIdentity identity = tailer.identity();
  const auto owner = by_identity_.find(identity);
  if (owner != by_identity_.end() && owner->second != number) return false;

  const std::string& name = tailer.name();
  if (const Observation* there = batch.Of(identity, name)) {
    if (!IsSameFile(one, there->path, *there->stat)) return false;
    SetPath(one, there->path, *there->stat, now);
    if (there->closed) tailer.Observe(*there->stat, true, now);
    return true;
  }
  const auto found = batch.search.Find(name, identity);
  if (!found) {
    MarkLost(one, now);
    return true;
  }
  if (!*found || !IsSameFile(one, (*found)->path, (*found)->stat)) return false;
  SetPath(one, (*found)->path, (*found)->stat, now);
  return true;
}

// The identity alone proves little, since an inode may have been used again.
bool Generations::IsSameFile(Numbered& one, const std::string& path, const FileStat& stat) const {
  Tailer& tailer = one.second.tailer;
  if (at_.contains(path)) return false;
  return (path == tailer.name() && HasNameAlone(one)) || tailer.file() != nullptr ||
         IsRotatedUnread(tailer, path, stat) || tailer.Recognises(path, stat);
}

bool Generations::IsRotatedUnread(const Tailer& tailer, const std::string& path,
                                  const FileStat& stat) const {
  const auto& before = tailer.stat();
  return tailer.position().offset == 0 && before && before->size > 0 && stat.size >= before->size &&
         stat.modified >= before->modified && path.starts_with(tailer.name()) &&
         !parts_.discovery.Matches(path) && !Discovery::IsCompressed(path);
}

void Generations::Unplace(Numbered& one, const Batch& batch, bool all, const Moment& now) {
  Tailer& tailer = one.second.tailer;
  const std::string& name = tailer.name();
  const FileIdentity identity = tailer.identity();
  const Observation* there = batch.At(name);
  if (there != nullptr && !there->stat && !IsNoFile(there->stat.error())) {
    MarkLost(one, now);
    return;
  }
  const bool all_read = tailer.file() == nullptr || tailer.lag() == 0;
  if (there != nullptr && IsUnclaimed(*there) && all_read && tailer.position().offset > 0 &&
      (HasNameAlone(one) || tailer.Recognises(name, *there->stat))) {
    SetPath(one, name, *there->stat, now);
    return;
  }
  if (tailer.file() != nullptr) {
    lost_.erase(one.first);
    tailer.LosePath(/*removed=*/tailer.stat()->links == 0, now);
    changed_.insert(one.first);
    return;
  }
  // It may be between two names: only a sweep proves that it is gone. If another file system is
  // mounted at its directory, it went away with its own file system, which may come back.
  if (!all || parts_.files.DeviceOf(DirectoryOf(name)).value_or(identity.first) != identity.first) {
    MarkLost(one, now);
    return;
  }
  EndAsMissing(one);
}

void Generations::MarkLost(Numbered& one, const Moment& now) {
  Generation& generation = one.second;
  if (!generation.lost_since) generation.lost_since = now.steady;
  generation.tailer.LosePath(/*removed=*/false, now);
  lost_.insert(one.first);
  changed_.insert(one.first);
  if (generation.tailer.file() == nullptr && now.steady - *generation.lost_since >= kLostFor) {
    EndAsMissing(one);
  }
}

void Generations::ApplyFile(const Observation& there, const Moment& now) {
  const std::string& path = there.path;
  const FileStat& stat = *there.stat;
  if (bad_paths_.erase(path) > 0) parts_.errors.NoteReadableAgain(path);
  const auto owner = by_identity_.find(stat.identity());
  if (owner == by_identity_.end()) {
    const std::string& name = there.name.empty() ? path : there.name;
    if (!parts_.discovery.Matches(name)) return;
    Numbered& one = Add(NewFile(name, stat), /*present=*/!observed_);
    SetPath(one, path, stat, now);
    if (there.closed) one.second.tailer.Observe(stat, true, now);
    return;
  }
  Numbered& one = *generations_.find(owner->second);
  if (one.second.tailer.path() == path) return;
  // Another path of the same file (a hard link, a symbolic link), or its first known path.
  if (one.second.tailer.path().empty()) SetPath(one, path, stat, now);
  one.second.tailer.Observe(stat, there.closed, now);
  changed_.insert(one.first);
}

void Generations::ApplyBadPath(const std::string& path, const Error& error) {
  if (at_.contains(path)) return;  // FindDisplaced marked its generation unreadable
  // Directories matching the pattern are ignored.
  const bool expected = parts_.discovery.literal() || by_name_.contains(path);
  if (!parts_.discovery.Matches(path) || error.kind == ErrorKind::kNotFound ||
      (error.kind == ErrorKind::kInvalid && !expected && !bad_paths_.contains(path))) {
    bad_paths_.erase(path);
  } else if (bad_paths_.insert(path).second) {
    parts_.errors.Add(error);
  }
}

std::optional<std::size_t> Generations::Predecessor(std::size_t number) const {
  const auto& siblings = by_name_.at(generations_.at(number).tailer.name());
  const auto one = siblings.find(number);
  return one == siblings.begin() ? std::nullopt : std::optional(*std::prev(one));
}

std::vector<std::string> Generations::TrackedPaths() const {
  std::vector<std::string> paths(bad_paths_.begin(), bad_paths_.end());
  for (const auto& [path, number] : at_) paths.push_back(path);
  for (const std::size_t number : lost_) {
    paths.push_back(generations_.at(number).tailer.name());
  }
  return paths;
}

std::optional<std::size_t> Generations::StartNewGeneration(std::size_t number, const Moment& now) {
  Numbered& old = *generations_.find(number);
  const std::string path = old.second.tailer.path();
  const FileStat stat = *old.second.tailer.stat();
  if (old.second.tailer.lost_bytes()) {
    parts_.errors.AddTruncated(old.second.tailer.name() +
                               ": was truncated before it was read to its end");
  }
  const bool matching = old.second.tailer.matching();
  End(old);
  if (!matching) return std::nullopt;
  Numbered& one = Add(NewFile(path, stat), old.second.tailer.present_at_start());
  SetPath(one, path, stat, now);
  return one.first;
}

void Generations::MarkUnreadable(std::size_t number, const Error& error) {
  Tailer& tailer = generations_.at(number).tailer;
  if (!tailer.unreadable()) parts_.errors.Add(error);
  tailer.MarkUnreadable();
  changed_.insert(number);
}

void Generations::MarkReadable(std::size_t number) {
  Tailer& tailer = generations_.at(number).tailer;
  if (tailer.unreadable()) parts_.errors.NoteReadableAgain(tailer.name());
  tailer.MarkReadable();
  changed_.insert(number);
}

}  // namespace backup_exporter

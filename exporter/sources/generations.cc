#include "sources/generations.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace backup_exporter {
namespace {

constexpr std::chrono::hours kLostFor{24};  // then a file of a folder that is gone is gone, too

// There is no file to be read. Other errors only say that nobody can tell.
bool IsNothing(const Error& error) {
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

// The observations of one turn, by path and by identity.
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
  // Of several names that it has, `preferred`.
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
  const auto name = by_name_.find(one->second.tailer.position().path);
  name->second.erase(number);
  if (name->second.empty()) by_name_.erase(name);
  generations_.erase(one);
}

void Generations::PutAt(Numbered& one, const std::string& path, const FileStat& stat,
                        const Moment& now) {
  auto& [number, generation] = one;
  LeavePlace(one);
  LeaveIdentity(one);
  generation.tailer.PutAt(path, parts_.discovery.Matches(path), stat, now);
  at_[path] = number;
  by_identity_[stat.identity()] = number;
  generation.lost_since.reset();
  lost_.erase(number);
  touched_.insert(number);
}

void Generations::LeavePlace(const Numbered& one) {
  const auto at = at_.find(one.second.tailer.place());
  if (at != at_.end() && at->second == one.first) at_.erase(at);
}

void Generations::LeaveIdentity(const Numbered& one) {
  const auto owner = by_identity_.find(one.second.tailer.identity());
  if (owner != by_identity_.end() && owner->second == one.first) by_identity_.erase(owner);
}

void Generations::End(Numbered& one) {
  LeavePlace(one);
  LeaveIdentity(one);
  one.second.tailer.End();
  lost_.erase(one.first);
  touched_.insert(one.first);
}

void Generations::Observe(const std::vector<Observation>& observations, bool all,
                          const Moment& now) {
  Batch batch(parts_.files, observations);
  auto leavers = FindLeavers(observations, all, now);
  for (const Numbered* one : leavers) {
    LeavePlace(*one);
    // Its inode may be another file's by now, unless it is held open.
    if (one->second.tailer.file() == nullptr) LeaveIdentity(*one);
  }
  // All that moved first: a path that one of them took is not free for those that are gone.
  std::erase_if(leavers, [&](Numbered* one) { return FindAgain(*one, batch, now); });
  for (Numbered* one : leavers) GiveUpName(*one, batch, all, now);
  for (const Observation& observation : observations) {
    if (observation.stat) {
      TakeIn(observation, now);
    } else {
      NoteBadPath(observation.path, observation.stat.error());
    }
  }
  looked_ = true;
}

// Those that are not, or not any more, where they were; the newest first, which has the better
// claim to a path.
std::vector<Generations::Numbered*> Generations::FindLeavers(
    const std::vector<Observation>& observations, bool all, const Moment& now) {
  std::vector<Numbered*> leavers;
  for (const Observation& observation : observations) {
    const auto at = at_.find(observation.path);
    if (at == at_.end()) continue;
    Numbered& one = *generations_.find(at->second);
    Tailer& tailer = one.second.tailer;
    if (observation.stat && observation.stat->identity() == tailer.identity()) {
      tailer.Seen(*observation.stat, observation.closed, now);
      touched_.insert(one.first);
    } else if (observation.stat || IsNothing(observation.stat.error())) {
      // What is told of a path that holds nothing now was about the file that was there.
      LookAtOpenFile(one, !observation.stat && observation.closed, now);
      leavers.push_back(&one);
    } else {
      NoteUnreadable(one.first, observation.stat.error());
    }
  }
  for (const std::size_t number : lost_) leavers.push_back(&*generations_.find(number));
  for (auto one = generations_.begin(); all && one != generations_.end(); ++one) {
    Tailer& tailer = one->second.tailer;
    if (tailer.file() == nullptr || !tailer.place().empty() || lost_.contains(one->first)) continue;
    LookAtOpenFile(*one, false, now);  // it has no name by which others could tell of it
    if (tailer.seen()->links == 0) tailer.LoseName(/*removed=*/true, now);
    touched_.insert(one->first);
  }
  std::ranges::sort(leavers, std::greater<>(), [](const Numbered* one) { return one->first; });
  return leavers;
}

void Generations::LookAtOpenFile(Numbered& one, bool closed, const Moment& now) {
  Tailer& tailer = one.second.tailer;
  if (tailer.file() == nullptr) return;
  std::optional<SteadyTime>& lost_since = one.second.lost_since;
  const auto stat = tailer.file()->Stat();
  if (stat) {
    tailer.Seen(*stat, closed, now);
    lost_since.reset();
    return;
  }
  NoteUnreadable(one.first, stat.error());
  if (tailer.CanClose()) {
    // Its server answers for the path and not for what was opened: it is another one by now.
    tailer.Close();
  } else if (!lost_since) {
    lost_since = now.steady;
  } else if (now.steady - *lost_since >= kLostFor) {
    GiveUp(one);
  }
}

void Generations::GiveUp(Numbered& one) {
  const Tailer& tailer = one.second.tailer;
  if (tailer.lag() > 0) {
    parts_.troubles.Missing(tailer.position().path + ": went away before it was read to its end");
  }
  End(one);
}

// A file that no generation is known to be in.
bool Generations::IsFree(const Observation& there) const {
  return there.stat && !at_.contains(there.path) && !by_identity_.contains(there.stat->identity());
}

// Of several, it may be another one that a file of the name belongs to.
bool Generations::HasNameAlone(const Numbered& one) const {
  return by_name_.at(one.second.tailer.position().path).size() == 1;
}

bool Generations::FindAgain(Numbered& one, Batch& batch, const Moment& now) {
  auto& [number, generation] = one;
  Tailer& tailer = generation.tailer;
  if (tailer.file() != nullptr && tailer.seen()->links == 0) return false;
  const FileIdentity identity = tailer.identity();
  const auto owner = by_identity_.find(identity);
  if (owner != by_identity_.end() && owner->second != number) return false;

  const std::string& name = tailer.position().path;
  const auto may_be_it = [&](const std::string& path, const FileStat& stat) {
    if (at_.contains(path)) return false;
    // An inode alone proves little: it may have been used again. But what was seen and not read
    // yet, and goes on growing under a name that begins with its own, was rotated under its writer.
    const bool renamed = tailer.position().offset == 0 && tailer.seen() &&
                         tailer.seen()->size > 0 && stat.size >= tailer.seen()->size &&
                         stat.modified >= tailer.seen()->modified && path.starts_with(name) &&
                         !parts_.discovery.Matches(path) && !Discovery::IsCompressed(path);
    return (path == name && HasNameAlone(one)) || tailer.file() != nullptr || renamed ||
           tailer.Recognises(path, stat);
  };
  if (const Observation* there = batch.Of(identity, name)) {
    if (!may_be_it(there->path, *there->stat)) return false;
    PutAt(one, there->path, *there->stat, now);
    if (there->closed) tailer.Seen(*there->stat, true, now);
    return true;
  }
  const auto found = batch.search.Find(name, identity);
  if (!found) {
    MarkLost(one, now);
    return true;
  }
  if (!*found || !may_be_it((*found)->path, (*found)->stat)) return false;
  PutAt(one, (*found)->path, (*found)->stat, now);
  return true;
}

void Generations::GiveUpName(Numbered& one, const Batch& batch, bool all, const Moment& now) {
  Tailer& tailer = one.second.tailer;
  const std::string& name = tailer.position().path;
  const FileIdentity identity = tailer.identity();
  const Observation* there = batch.At(name);
  if (there != nullptr && !there->stat && !IsNothing(there->stat.error())) {
    MarkLost(one, now);
    return;
  }
  const bool all_read = tailer.file() == nullptr || tailer.lag() == 0;
  if (there != nullptr && IsFree(*there) && all_read && tailer.position().offset > 0 &&
      (HasNameAlone(one) || tailer.Recognises(name, *there->stat))) {
    PutAt(one, name, *there->stat, now);
    return;
  }
  if (tailer.file() != nullptr) {
    lost_.erase(one.first);
    tailer.LoseName(/*removed=*/tailer.seen()->links == 0, now);
    touched_.insert(one.first);
    return;
  }
  // It may be on its way from one name to the next: only a look at everything tells that it is
  // gone. Where another file system is in its place, it went away with its own, which may come
  // back.
  if (!all || parts_.files.DeviceOf(DirectoryOf(name)).value_or(identity.first) != identity.first) {
    MarkLost(one, now);
    return;
  }
  GiveUp(one);
}

void Generations::MarkLost(Numbered& one, const Moment& now) {
  Generation& generation = one.second;
  if (!generation.lost_since) generation.lost_since = now.steady;
  generation.tailer.LoseName(/*removed=*/false, now);
  lost_.insert(one.first);
  touched_.insert(one.first);
  if (generation.tailer.file() == nullptr && now.steady - *generation.lost_since >= kLostFor) {
    GiveUp(one);
  }
}

void Generations::TakeIn(const Observation& there, const Moment& now) {
  const std::string& path = there.path;
  const FileStat& stat = *there.stat;
  if (bad_paths_.erase(path) > 0) parts_.troubles.Over(path);
  const auto owner = by_identity_.find(stat.identity());
  if (owner == by_identity_.end()) {
    const std::string& name = there.name.empty() ? path : there.name;
    if (!parts_.discovery.Matches(name)) return;
    Numbered& one = Add(NewFile(name, stat), /*present=*/!looked_);
    PutAt(one, path, stat, now);
    if (there.closed) one.second.tailer.Seen(stat, true, now);
    return;
  }
  Numbered& one = *generations_.find(owner->second);
  if (one.second.tailer.place() == path) return;
  // Another name of the same file: a hard link, a symbolic link. Or the first one that is known.
  if (one.second.tailer.place().empty()) PutAt(one, path, stat, now);
  one.second.tailer.Seen(stat, there.closed, now);
  touched_.insert(one.first);
}

void Generations::NoteBadPath(const std::string& path, const Error& error) {
  if (at_.contains(path)) return;  // its file is unreadable
  // A directory among the files of a pattern is nobody's mistake.
  const bool expected = parts_.discovery.literal() || by_name_.contains(path);
  if (!parts_.discovery.Matches(path) || error.kind == ErrorKind::kNotFound ||
      (error.kind == ErrorKind::kInvalid && !expected && !bad_paths_.contains(path))) {
    bad_paths_.erase(path);
  } else if (bad_paths_.insert(path).second) {
    parts_.troubles.Add(error);
  }
}

std::optional<std::size_t> Generations::Before(std::size_t number) const {
  const auto& siblings = by_name_.at(generations_.at(number).tailer.position().path);
  const auto one = siblings.find(number);
  return one == siblings.begin() ? std::nullopt : std::optional(*std::prev(one));
}

std::vector<std::string> Generations::Places() const {
  std::vector<std::string> places(bad_paths_.begin(), bad_paths_.end());
  for (const auto& [path, number] : at_) places.push_back(path);
  for (const std::size_t number : lost_) {
    places.push_back(generations_.at(number).tailer.position().path);
  }
  return places;
}

std::optional<std::size_t> Generations::StartAgain(std::size_t number, const Moment& now) {
  Numbered& old = *generations_.find(number);
  const std::string path = old.second.tailer.place();
  const FileStat stat = *old.second.tailer.seen();
  if (old.second.tailer.lost_bytes()) {
    parts_.troubles.Truncated(old.second.tailer.position().path +
                              ": was truncated before it was read to its end");
  }
  const bool ours = old.second.tailer.ours();
  End(old);
  if (!ours) return std::nullopt;
  Numbered& one = Add(NewFile(path, stat), old.second.tailer.fresh());
  PutAt(one, path, stat, now);
  return one.first;
}

void Generations::NoteUnreadable(std::size_t number, const Error& error) {
  Tailer& tailer = generations_.at(number).tailer;
  if (!tailer.unreadable()) parts_.troubles.Add(error);
  tailer.set_unreadable(true);
  touched_.insert(number);
}

void Generations::NoteReadable(std::size_t number) {
  Tailer& tailer = generations_.at(number).tailer;
  if (tailer.unreadable()) parts_.troubles.Over(tailer.position().path);
  tailer.set_unreadable(false);
  touched_.insert(number);
}

}  // namespace backup_exporter

#include "sources/source.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "sources/discovery.h"
#include "sources/file_errors.h"
#include "sources/file_set.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

// Well before a source that observed nothing counts as down, so that a slow sweep is in time.
constexpr seconds kSweepEvery{25};
constexpr seconds kPollEvery{5};  // if some directory cannot be watched
// How long a moved file is followed from path to path before it is observed. Less than the time
// after which a renamed file is over (lifecycle.cc).
constexpr seconds kFollowFor{60};

}  // namespace

class Source::State {
 public:
  State(SourceOptions options, Files& files, std::unique_ptr<Watcher> watcher,
        std::vector<Checkpoint> known)
      : options_(std::move(options)),
        files_(files),
        watcher_(std::move(watcher)),
        discovery_(files_, options_.pattern),
        set_(MakeSet(std::move(known))) {}

  std::vector<Piece> Read(const Moment& now, std::size_t budget, bool last_look) {
    now_ = now.steady;
    const Changes changes = watcher_->Drain();
    if (changes.needs_sweep || now.steady >= next_sweep_) {
      Sweep(changes, now);
    } else if (!changes.files.empty()) {
      ObserveChanges(changes, now);
    }
    auto pieces = set_->Read(now, budget, last_look);
    Report(now);
    return pieces;
  }

  void Accept(const FileStep& step, std::size_t file) {
    set_->Accept(step, file);
    set_->Report(&status_);
  }

  void Refuse(std::size_t file, const std::string& why) {
    set_->Refuse(file);
    errors_.messages.push_back(why);
    set_->Report(&status_);
    status_.up = false;
  }

  SteadyTime NextRead() const {
    const auto due = set_->Due().value_or(next_sweep_);
    return std::max(now_, std::min(due, next_sweep_));
  }

  Watcher& watcher() { return *watcher_; }
  const SourceStatus& status() const { return status_; }
  std::vector<std::string> DrainMessages() { return std::exchange(errors_.messages, {}); }

 private:
  std::unique_ptr<FileSet> MakeSet(std::vector<Checkpoint> known) {
    const SourceParts parts{options_, files_, discovery_, errors_};
    switch (options_.framing) {
      case Framing::kWhole:
        return MakeDocuments(parts, std::move(known));
      case Framing::kStamps:
        return MakeStamps(parts, std::move(known));
      case Framing::kLines:
      case Framing::kDocuments:
        break;
    }
    return MakeLineFiles(parts, std::move(known));
  }

  // Observes all paths, whether or not changes were reported.
  void Sweep(const Changes& changes, const Moment& now) {
    // Watched before they are observed, so that no later change is missed.
    const auto directories = discovery_.Directories();
    status_.polling = !watcher_->Watch(directories);
    next_sweep_ = now.steady + (status_.polling ? kPollEvery : kSweepEvery);

    PathMatches found = discovery_.Find();
    auto tracked = set_->TrackedPaths();
    std::ranges::move(tracked, std::back_inserter(found.paths));
    std::ranges::sort(found.paths);
    const auto duplicates = std::ranges::unique(found.paths);
    found.paths.erase(duplicates.begin(), duplicates.end());

    if (changes.needs_sweep) followed_.clear();  // some moves may not have been reported
    std::vector<Observation> observations = ObserveEach(changes.files, now);
    unseen_.clear();
    ExpireFollowed(now);
    std::set<std::string> observed;
    for (const Observation& observation : observations) observed.insert(observation.path);
    observations.reserve(observed.size() + found.paths.size());
    for (std::string& path : found.paths) {
      if (observed.contains(path)) continue;
      auto stat = files_.Stat(path);
      observations.push_back({std::move(path), std::move(stat)});
    }
    const bool exists = !discovery_.literal() || std::ranges::any_of(observations, [&](auto& one) {
      return one.path == discovery_.pattern() && !IsMissing(one);
    });
    set_->Observe(observations, /*all=*/true, now);
    SetMissing(!exists || directories.empty());
    SetUnreadable(found.unreadable);
  }

  // Observes the paths of the changes.
  void ObserveChanges(const Changes& changes, const Moment& now) {
    const std::vector<Observation> observations = ObserveEach(changes.files, now);
    for (const Observation& observation : observations) {
      if (observation.path == discovery_.pattern()) SetMissing(IsMissing(observation));
    }
    if (!observations.empty()) set_->Observe(observations, /*all=*/false, now);
  }

  std::vector<Observation> ObserveEach(const std::vector<Change>& changes, const Moment& now) {
    std::vector<Observation> observations;
    std::map<std::string, Followed> followed;
    for (const Change& change : changes) {
      Followed moved = FollowedTo(change, now);
      const bool follows = !moved.name.empty();
      if (!follows && !discovery_.Matches(change.path) && !set_->Tracks(change.path)) continue;
      const Observation& there = observations.emplace_back(
          Observation{change.path, files_.Stat(change.path), change.closed, moved.name});
      unseen_.erase(change.moved_from);
      if (follows) {
        moved.seen = moved.seen || !IsMissing(there);
        followed[change.path] = std::move(moved);
      } else if (IsMissing(there) && !set_->Tracks(change.path)) {
        CountUnseen(change);
      }
    }
    for (const Change& change : changes) {
      followed_.erase(change.moved_from);
      if (change.created || !change.moved_from.empty()) followed_.erase(change.path);
    }
    followed_.merge(followed);
    return observations;
  }

  // A file that appeared and is gone again, before it was observed. It counts as missing if it was
  // written to.
  void CountUnseen(const Change& change) {
    if (change.created) unseen_.insert(change.path);
    if (change.written && unseen_.erase(change.path) > 0) AddNeverSeen(change.path);
  }
  void AddNeverSeen(const std::string& path) {
    errors_.AddMissing(path + ": was deleted or moved before it could be read");
  }

  // A file that was moved from a matching path to one that does not match. It may have had the
  // matching path so briefly that it was never observed there. By the time its new path is observed
  // it may have yet another one, which the next changes report.
  struct Followed {
    std::string name;  // the matching path; empty: there is none
    SteadyTime since;
    bool seen = false;  // it was observed at one of its paths, or has nothing to read
  };
  Followed FollowedTo(const Change& change, const Moment& now) const {
    if (discovery_.Matches(change.path) || change.moved_from.empty() ||
        Discovery::IsCompressed(change.path)) {
      return {};
    }
    if (discovery_.Matches(change.moved_from)) {
      return {.name = change.moved_from,
              .since = now.steady,
              .seen = set_->Tracks(change.moved_from) || !change.written};
    }
    const auto before = followed_.find(change.moved_from);
    return change.created || before == followed_.end() ? Followed{} : before->second;
  }
  void ExpireFollowed(const Moment& now) {
    std::erase_if(followed_, [&](const auto& one) {
      const Followed& followed = one.second;
      if (now.steady - followed.since < kFollowFor) return false;
      if (!followed.seen) AddNeverSeen(followed.name);
      return true;
    });
  }

  static bool IsMissing(const Observation& observation) {
    return !observation.stat && observation.stat.error().kind == ErrorKind::kNotFound;
  }

  // Missing is a file that the configuration names, or the directory of a pattern. A pattern that
  // matches no file yet is not.
  void SetMissing(bool missing) {
    if (missing && !missing_) {
      errors_.AddMissing(discovery_.pattern() + ": there is no such file or directory");
    } else if (!missing && missing_) {
      errors_.messages.push_back(discovery_.pattern() + ": exists now");
    }
    missing_ = missing;
  }

  void SetUnreadable(const std::vector<std::string>& directories) {
    for (const std::string& directory : directories) {
      if (std::ranges::find(unreadable_, directory) == unreadable_.end()) {
        errors_.Add({ErrorKind::kRefused, directory + ": cannot be searched for files"});
      }
    }
    unreadable_ = directories;
  }

  void Report(const Moment& now) {
    set_->Report(&status_);
    status_.missing = errors_.missing;
    status_.permission = errors_.permission;
    status_.truncated = errors_.truncated;
    status_.too_large = errors_.too_large;
    status_.io = errors_.io;
    status_.up = !missing_ && unreadable_.empty() && status_.unreadable_files == 0;
    status_.checked = now.wall;
    if (status_.up) status_.last_read = now.wall;
  }

  const SourceOptions options_;
  Files& files_;
  const std::unique_ptr<Watcher> watcher_;
  const Discovery discovery_;
  FileErrors errors_;
  const std::unique_ptr<FileSet> set_;
  SteadyTime now_ = SteadyTime::min();         // of the last Read
  SteadyTime next_sweep_ = SteadyTime::min();  // the first Read is one
  bool missing_ = false;
  std::vector<std::string> unreadable_;  // directories that cannot be searched
  std::set<std::string> unseen_;         // appeared and vanished unobserved, since the last sweep
  std::map<std::string, Followed> followed_;  // by their last reported path
  SourceStatus status_;
};

Source::Source(SourceOptions options, Files& files, std::unique_ptr<Watcher> watcher,
               std::vector<Checkpoint> known)
    : state_(std::make_unique<State>(std::move(options), files, std::move(watcher),
                                     std::move(known))) {}

Source::~Source() = default;

std::vector<Piece> Source::Read(const Moment& now, std::size_t budget, bool last_look) {
  return state_->Read(now, budget, last_look);
}

void Source::Accept(const FileStep& step, std::size_t file) { state_->Accept(step, file); }

void Source::Refuse(std::size_t file, const std::string& why) { state_->Refuse(file, why); }

SteadyTime Source::NextRead() const { return state_->NextRead(); }

void Source::Wait(SteadyTime until) { state_->watcher().Wait(until); }

Watcher& Source::watcher() { return state_->watcher(); }

SourceStatus Source::status() const { return state_->status(); }

std::vector<std::string> Source::DrainMessages() { return state_->DrainMessages(); }

}  // namespace backup_exporter

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

// Sooner than a source that looked at nothing counts as blind, by what a slow look takes.
constexpr seconds kSweepEvery{25};
constexpr seconds kPollEvery{5};   // where nobody tells of changes
constexpr seconds kFollowFor{60};  // less than a tailer knows what was renamed (tailer.cc)

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
    const Changes changes = watcher_->Take();
    if (changes.look_at_all || now.steady >= next_sweep_) {
      Sweep(changes, now);
    } else if (!changes.files.empty()) {
      LookAt(changes, now);
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
    troubles_.sentences.push_back(why);
    set_->Report(&status_);
    status_.up = false;
  }

  SteadyTime NextLook() const {
    const auto due = set_->Due().value_or(next_sweep_);
    return std::max(now_, std::min(due, next_sweep_));
  }

  Watcher& watcher() { return *watcher_; }
  const SourceStatus& status() const { return status_; }
  std::vector<std::string> TakeTroubles() { return std::exchange(troubles_.sentences, {}); }

 private:
  std::unique_ptr<FileSet> MakeSet(std::vector<Checkpoint> known) {
    const SourceParts parts{options_, files_, discovery_, troubles_};
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

  // Looks at everything, whether or not somebody told of it.
  void Sweep(const Changes& changes, const Moment& now) {
    // Watched before they are looked at: what changes from here on is told.
    const auto directories = discovery_.Directories();
    status_.polling = !watcher_->Watch(directories);
    next_sweep_ = now.steady + (status_.polling ? kPollEvery : kSweepEvery);

    PathMatches found = discovery_.Find();
    auto places = set_->Places();
    std::ranges::move(places, std::back_inserter(found.paths));
    std::ranges::sort(found.paths);
    const auto doubled = std::ranges::unique(found.paths);
    found.paths.erase(doubled.begin(), doubled.end());

    if (changes.look_at_all) followed_.clear();  // some of what happened was not told
    std::vector<Observation> observations = LookAtEach(changes.files, now);
    unseen_.clear();
    ForgetFollowed(now);
    std::set<std::string> looked;
    for (const Observation& observation : observations) looked.insert(observation.path);
    observations.reserve(looked.size() + found.paths.size());
    for (std::string& path : found.paths) {
      if (looked.contains(path)) continue;
      auto stat = files_.Stat(path);
      observations.push_back({std::move(path), std::move(stat)});
    }
    const bool there = !discovery_.literal() || std::ranges::any_of(observations, [&](auto& one) {
      return one.path == discovery_.pattern() && !IsNowhere(one);
    });
    set_->Observe(observations, /*all=*/true, now);
    NoteMissing(!there || directories.empty());
    NoteUnreadable(found.unreadable);
  }

  // Looks at what somebody told of.
  void LookAt(const Changes& changes, const Moment& now) {
    const std::vector<Observation> observations = LookAtEach(changes.files, now);
    for (const Observation& observation : observations) {
      if (observation.path == discovery_.pattern()) NoteMissing(IsNowhere(observation));
    }
    if (!observations.empty()) set_->Observe(observations, /*all=*/false, now);
  }

  std::vector<Observation> LookAtEach(const std::vector<Change>& changes, const Moment& now) {
    std::vector<Observation> observations;
    std::map<std::string, Followed> going;
    for (const Change& change : changes) {
      const bool matches = discovery_.Matches(change.path);
      Followed left = matches ? Followed{} : FollowedTo(change, now);
      if (!matches && left.name.empty() && !set_->Knows(change.path)) continue;
      Observation& seen = observations.emplace_back(
          Observation{change.path, files_.Stat(change.path), change.closed, left.name});
      unseen_.erase(change.moved_from);
      if (!left.name.empty()) {
        left.seen = left.seen || !IsNowhere(seen);
        going[change.path] = std::move(left);
        continue;
      }
      if (!IsNowhere(seen) || set_->Knows(change.path)) continue;
      if (change.created) unseen_.insert(change.path);
      if (change.written && unseen_.erase(change.path) > 0) {
        troubles_.Missing(change.path + ": went away before anybody could look at it");
      }
    }
    for (const Change& change : changes) {
      followed_.erase(change.moved_from);
      if (change.created || !change.moved_from.empty()) followed_.erase(change.path);
    }
    followed_.merge(going);
    return observations;
  }

  // A file that left a name of ours, perhaps after so short a time that nobody looked. By the time
  // that it is looked at under its new name it may have yet another one, of which we are told next.
  struct Followed {
    std::string name;  // of ours; empty: it had none
    SteadyTime since;
    bool seen = false;  // there was something, wherever we were led to
  };
  Followed FollowedTo(const Change& change, const Moment& now) const {
    if (change.moved_from.empty() || Discovery::IsCompressed(change.path)) return {};
    if (discovery_.Matches(change.moved_from)) {
      return {.name = change.moved_from,
              .since = now.steady,
              .seen = set_->Knows(change.moved_from) || !change.written};
    }
    const auto before = followed_.find(change.moved_from);
    return change.created || before == followed_.end() ? Followed{} : before->second;
  }
  void ForgetFollowed(const Moment& now) {
    std::erase_if(followed_, [&](const auto& one) {
      const Followed& followed = one.second;
      if (now.steady - followed.since < kFollowFor) return false;
      if (!followed.seen) {
        troubles_.Missing(followed.name + ": went away before anybody could look at it");
      }
      return true;
    });
  }

  static bool IsNowhere(const Observation& observation) {
    return !observation.stat && observation.stat.error().kind == ErrorKind::kNotFound;
  }

  // There is nothing where there should be something: not a pattern that matches no file yet, but a
  // file that was named, or a directory in which none can be.
  void NoteMissing(bool missing) {
    if (missing && !missing_) {
      troubles_.Missing(discovery_.pattern() + ": there is no such file or directory");
    } else if (!missing && missing_) {
      troubles_.sentences.push_back(discovery_.pattern() + ": is there now");
    }
    missing_ = missing;
  }

  void NoteUnreadable(const std::vector<std::string>& directories) {
    for (const std::string& directory : directories) {
      if (std::ranges::find(unreadable_, directory) == unreadable_.end()) {
        troubles_.Add({ErrorKind::kRefused, directory + ": cannot be searched for files"});
      }
    }
    unreadable_ = directories;
  }

  void Report(const Moment& now) {
    set_->Report(&status_);
    status_.missing = troubles_.missing;
    status_.permission = troubles_.permission;
    status_.truncated = troubles_.truncated;
    status_.too_large = troubles_.too_large;
    status_.io = troubles_.io;
    status_.up = !missing_ && unreadable_.empty() && status_.unreadable_files == 0;
    status_.looked = now.wall;
    if (status_.up) status_.last_read = now.wall;
  }

  const SourceOptions options_;
  Files& files_;
  const std::unique_ptr<Watcher> watcher_;
  const Discovery discovery_;
  FileErrors troubles_;
  const std::unique_ptr<FileSet> set_;
  SteadyTime now_ = SteadyTime::min();         // of the last turn
  SteadyTime next_sweep_ = SteadyTime::min();  // the first turn is one
  bool missing_ = false;
  std::vector<std::string> unreadable_;  // directories
  std::set<std::string> unseen_;  // they came and went between two looks; since the last sweep
  std::map<std::string, Followed> followed_;  // by where they were when last told of
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

SteadyTime Source::NextLook() const { return state_->NextLook(); }

void Source::Wait(SteadyTime until) { state_->watcher().Wait(until); }

Watcher& Source::watcher() { return state_->watcher(); }

SourceStatus Source::status() const { return state_->status(); }

std::vector<std::string> Source::TakeTroubles() { return state_->TakeTroubles(); }

}  // namespace backup_exporter

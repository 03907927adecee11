#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>

#include "base/descriptor.h"
#include "sources/watcher.h"

namespace backup_exporter {
namespace {

constexpr std::uint32_t kEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ATTRIB | IN_ONLYDIR;

std::string Join(const std::string& directory, const char* name) {
  return directory == "/" ? directory + name : directory + "/" + name;
}

class InotifyWatcher final : public Watcher {
 public:
  InotifyWatcher()
      : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
        wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  bool Watch(const std::vector<std::string>& directories) override {
    if (events_.get() < 0) return directories.empty();
    bool all = true;
    std::map<int, std::set<std::string>> watched;
    for (const std::string& directory : directories) {
      // A directory that was replaced or mounted over gets another watch number when it is added
      // again. Two names of one directory share a number.
      const int number = ::inotify_add_watch(events_.get(), directory.c_str(), kEvents);
      if (number >= 0) {
        watched[number].insert(directory);
      } else if (errno != ENOENT && errno != ENOTDIR) {
        all = false;
      }
    }
    for (const auto& [number, names] : directories_) {
      if (!watched.contains(number)) ::inotify_rm_watch(events_.get(), number);
    }
    directories_ = std::move(watched);
    return all;
  }

  void Wait(SteadyTime until) override {
    using std::chrono::milliseconds;
    std::array<pollfd, 2> descriptors{pollfd{wake_.get(), POLLIN, 0},
                                      pollfd{events_.get(), POLLIN, 0}};
    const SteadyTime now = std::chrono::steady_clock::now();
    const SteadyTime end = std::clamp(until, now, now + std::chrono::minutes(1));
    const auto timeout = std::chrono::ceil<milliseconds>(end - now);
    ::poll(descriptors.data(), events_.get() >= 0 ? 2 : 1, static_cast<int>(timeout.count()));
    std::uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &wakes, sizeof wakes);
  }

  Changes Drain() override {
    Batch batch;
    alignas(inotify_event) std::array<char, 64 * 1024> buffer;
    while (events_.get() >= 0) {
      const ssize_t got = ::read(events_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      for (ssize_t at = 0; at < got;) {
        inotify_event event;
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = buffer.data() + at + sizeof event;
        at += static_cast<ssize_t>(sizeof event) + static_cast<ssize_t>(event.len);
        Apply(event, event.len > 0 ? name : nullptr, batch);
      }
    }
    std::ranges::stable_sort(batch.files, {}, &Entry::left);
    Changes changes{.files = {}, .needs_sweep = batch.needs_sweep};
    for (Entry& entry : batch.files) changes.files.push_back(std::move(entry.change));
    return changes;
  }

  void Wake() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
  }

 private:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  struct Entry {
    Change change;
    std::size_t left = kNever;  // number of the event by which the file left its first name
  };
  // The changes of one Drain.
  struct Batch {
    std::vector<Entry> files;
    std::unordered_map<std::string, std::size_t> indices;  // into `files`, by path
    std::size_t events = 0;
    bool needs_sweep = false;

    Entry& At(const std::string& path) {
      const auto [index, added] = indices.try_emplace(path, files.size());
      if (added) files.push_back({.change = {.path = path}});
      return files[index->second];
    }
  };

  void Apply(const inotify_event& event, const char* name, Batch& batch) {
    // The watch of a directory that moved away moves along, and would report files elsewhere.
    if ((event.mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(events_.get(), event.wd);
    const auto found = directories_.find(event.wd);
    if (name == nullptr || (event.mask & (IN_Q_OVERFLOW | IN_ISDIR)) != 0) {
      const bool stale = found == directories_.end() && (event.mask & IN_Q_OVERFLOW) == 0;
      batch.needs_sweep = batch.needs_sweep || !stale;
      if (found != directories_.end() && (event.mask & (IN_IGNORED | IN_MOVE_SELF)) != 0) {
        directories_.erase(found);
      }
      return;
    }
    if (found == directories_.end()) return;
    ++batch.events;
    for (const std::string& directory : found->second) {
      ApplyToFile(event, batch.At(Join(directory, name)), batch);
    }
  }

  void ApplyToFile(const inotify_event& event, Entry& entry, Batch& batch) {
    Change& change = entry.change;
    if ((event.mask & IN_MODIFY) != 0) {
      change.closed = false;
      change.written = true;
    }
    if ((event.mask & IN_CLOSE_WRITE) != 0) change.closed = true;
    if ((event.mask & IN_CREATE) != 0) {
      entry = {.change = {.path = change.path, .created = true}};
    }
    if ((event.mask & IN_MOVED_FROM) != 0) {
      moving_ = {.change = change, .left = std::min(entry.left, batch.events)};
      if (moving_.change.moved_from.empty()) moving_.change.moved_from = change.path;
      cookie_ = event.cookie;
    }
    if ((event.mask & IN_MOVED_TO) == 0) return;
    const std::string path = change.path;
    if (event.cookie != cookie_) {
      entry = {.change = {.path = path, .created = true, .written = true}};
      return;
    }
    // The file is no longer at its old name, so that nothing can be lost there.
    Change& old_name = batch.At(moving_.change.path).change;
    old_name.created = old_name.written = false;
    Entry& arrived = batch.At(path);
    arrived = moving_;
    arrived.change.path = path;
  }

  const Descriptor events_;
  const Descriptor wake_;
  std::map<int, std::set<std::string>> directories_;  // by watch number
  // The last file that left its name. The event for its new name follows, with the same cookie.
  Entry moving_;
  std::uint32_t cookie_ = 0;
};

}  // namespace

std::unique_ptr<Watcher> MakeInotifyWatcher() { return std::make_unique<InotifyWatcher>(); }

}  // namespace backup_exporter

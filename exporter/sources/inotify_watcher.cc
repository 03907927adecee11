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
      // Adding a directory again is how one that was replaced, or mounted over, is noticed: it then
      // gets another number. Two names of one directory share a number.
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

  Changes Take() override {
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
        Note(event, event.len > 0 ? name : nullptr, batch);
      }
    }
    std::ranges::stable_sort(batch.files, {}, &Told::left);
    Changes changes{.files = {}, .look_at_all = batch.look_at_all};
    for (Told& told : batch.files) changes.files.push_back(std::move(told.change));
    return changes;
  }

  void Wake() override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
  }

 private:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  struct Told {
    Change change;
    std::size_t left = kNever;  // when it left its first name, counted in events
  };
  struct Batch {
    std::vector<Told> files;
    std::unordered_map<std::string, std::size_t> places;
    std::size_t events = 0;
    bool look_at_all = false;

    Told& At(const std::string& path) {
      const auto [place, added] = places.try_emplace(path, files.size());
      if (added) files.push_back({.change = {.path = path}});
      return files[place->second];
    }
  };

  void Note(const inotify_event& event, const char* name, Batch& batch) {
    // The directory moved away: its watch went along, and would tell of files elsewhere.
    if ((event.mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(events_.get(), event.wd);
    const auto found = directories_.find(event.wd);
    if (name == nullptr || (event.mask & (IN_Q_OVERFLOW | IN_ISDIR)) != 0) {
      const bool forgotten = found == directories_.end() && (event.mask & IN_Q_OVERFLOW) == 0;
      batch.look_at_all = batch.look_at_all || !forgotten;
      if (found != directories_.end() && (event.mask & (IN_IGNORED | IN_MOVE_SELF)) != 0) {
        directories_.erase(found);
      }
      return;
    }
    if (found == directories_.end()) return;
    ++batch.events;
    for (const std::string& directory : found->second) {
      Follow(event, batch.At(Join(directory, name)), batch);
    }
  }

  void Follow(const inotify_event& event, Told& told, Batch& batch) {
    Change& change = told.change;
    if ((event.mask & IN_MODIFY) != 0) {
      change.closed = false;
      change.written = true;
    }
    if ((event.mask & IN_CLOSE_WRITE) != 0) change.closed = true;
    if ((event.mask & IN_CREATE) != 0) {
      told = {.change = {.path = change.path, .created = true}};
    }
    if ((event.mask & IN_MOVED_FROM) != 0) {
      moving_ = {.change = change, .left = std::min(told.left, batch.events)};
      if (moving_.change.moved_from.empty()) moving_.change.moved_from = change.path;
      cookie_ = event.cookie;
    }
    if ((event.mask & IN_MOVED_TO) == 0) return;
    const std::string path = change.path;
    if (event.cookie != cookie_) {
      told = {.change = {.path = path, .created = true, .written = true}};
      return;
    }
    // Nothing that could be missed stays under the old name.
    Change& left = batch.At(moving_.change.path).change;
    left.created = left.written = false;
    Told& arrived = batch.At(path);
    arrived = moving_;
    arrived.change.path = path;
  }

  const Descriptor events_;
  const Descriptor wake_;
  std::map<int, std::set<std::string>> directories_;  // by the number of their watch
  // The last file that left its name: where it arrives is told by the next event or the one after.
  Told moving_;
  std::uint32_t cookie_ = 0;
};

}  // namespace

std::unique_ptr<Watcher> MakeInotifyWatcher() { return std::make_unique<InotifyWatcher>(); }

}  // namespace backup_exporter

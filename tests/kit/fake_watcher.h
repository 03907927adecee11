// A watcher that tells what the test tells it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sources/watcher.h"

namespace backup_exporter {

class FakeWatcher final : public Watcher {
 public:
  bool Watch(const std::vector<std::string>& directories) override {
    watched_ = directories;
    return !blind_;
  }
  void Wait(SteadyTime) override {}
  [[nodiscard]] Changes Take() override { return std::exchange(changes_, {}); }
  void Wake() override {}

  void Tell(const std::string& path, bool closed = false) {
    for (Change& change : changes_.files) {
      if (change.path == path) {
        change.closed = closed;
        return;
      }
    }
    changes_.files.push_back({path, closed});
  }
  // What is at `path` was moved there from its first name, `from`.
  void TellOfMove(const std::string& from, const std::string& path, bool written = false) {
    Tell(from);
    std::erase_if(changes_.files, [&](const Change& change) { return change.path == path; });
    changes_.files.insert(changes_.files.begin(),
                          {.path = path, .moved_from = from, .written = written});
  }
  // What came to `path` and was written to may be gone again.
  void TellOfNew(const std::string& path) {
    changes_.files.push_back({.path = path, .created = true, .written = true});
  }
  void TellToLookAtAll() { changes_.look_at_all = true; }
  // Watching fails from now on, or no longer.
  void SetBlind(bool blind) { blind_ = blind; }
  [[nodiscard]] const std::vector<std::string>& watched() const { return watched_; }

 private:
  Changes changes_;
  std::vector<std::string> watched_;
  bool blind_ = false;
};

}  // namespace backup_exporter

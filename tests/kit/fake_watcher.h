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

// A watcher that reports the changes that a test gives it.
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
  [[nodiscard]] Changes Drain() override { return std::exchange(changes_, {}); }
  void Wake() override {}

  void ReportChange(const std::string& path, bool closed = false) {
    for (Change& change : changes_.files) {
      if (change.path == path) {
        change.closed = closed;
        return;
      }
    }
    changes_.files.push_back({path, closed});
  }
  // The file at `path` was moved there; `from` is its first name.
  void ReportMove(const std::string& from, const std::string& path, bool written = false) {
    ReportChange(from);
    std::erase_if(changes_.files, [&](const Change& change) { return change.path == path; });
    changes_.files.insert(changes_.files.begin(),
                          {.path = path, .moved_from = from, .written = written});
  }
  // A file appeared at `path` and was written to. It may be gone again.
  void ReportNew(const std::string& path) {
    changes_.files.push_back({.path = path, .created = true, .written = true});
  }
  void RequestSweep() { changes_.needs_sweep = true; }
  // Whether Watch fails from now on.
  void SetBlind(bool blind) { blind_ = blind; }
  [[nodiscard]] const std::vector<std::string>& watched() const { return watched_; }

 private:
  Changes changes_;
  std::vector<std::string> watched_;
  bool blind_ = false;
};

}  // namespace backup_exporter

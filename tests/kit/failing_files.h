// The file system, with failures on demand.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"

namespace backup_exporter {

class FailingFiles final : public Files {
 public:
  // From now on this operation on the path fails with an error of this kind. If the path is a
  // directory, it fails for everything in it, too.
  void FailStat(const std::string& path, ErrorKind kind) { stat_[path] = kind; }
  void FailOpen(const std::string& path, ErrorKind kind) { open_[path] = kind; }
  void FailRead(const std::string& path, ErrorKind kind) { (*read_)[path] = kind; }
  void FailList(const std::string& path, ErrorKind kind) { list_[path] = kind; }
  void Heal() {
    stat_.clear();
    open_.clear();
    read_->clear();
    list_.clear();
  }
  // Files that are open now are stale, as after a restart of a file server.
  void BreakOpenFiles() { *broken_ = opened_; }
  // At most so many files can be open at once.
  void LimitOpen(int most) { most_ = most; }
  // The answer of OpenForWriting.
  void SetOpenForWriting(std::optional<std::set<FileIdentity>> open) { writers_ = std::move(open); }

  // Calls of Stat, Glob and List.
  [[nodiscard]] std::size_t looks() const { return looks_; }
  [[nodiscard]] std::size_t opened() const { return opened_; }
  [[nodiscard]] int open_now() const { return *open_now_; }
  [[nodiscard]] int most_open() const { return *most_open_; }
  [[nodiscard]] std::uint64_t bytes_read() const { return *bytes_read_; }

  Result<FileStat> Stat(const std::string& path) const override {
    ++looks_;
    if (const auto kind = Find(stat_, path))
      return Fail(*kind, "stat " + path + ": failed on demand");
    return files_.Stat(path);
  }

  Result<std::unique_ptr<File>> Open(const std::string& path) const override {
    if (const auto kind = Find(open_, path))
      return Fail(*kind, "open " + path + ": failed on demand");
    if (*open_now_ >= most_) return FailErrno("open " + path, EMFILE);
    auto file = files_.Open(path);
    if (!file) return file;
    ++opened_;
    return std::make_unique<Counted>(*this, path, std::move(*file));
  }

  PathMatches Glob(const std::string& pattern) const override {
    ++looks_;
    PathMatches matches = files_.Glob(pattern);
    for (const auto& [directory, kind] : list_) {
      matches.unreadable.push_back(directory);
      std::erase_if(matches.paths,
                    [&](const std::string& path) { return path.starts_with(directory + "/"); });
    }
    return matches;
  }

  Result<std::vector<std::string>> List(const std::string& directory) const override {
    if (const auto kind = Find(list_, directory)) {
      return Fail(*kind, "list " + directory + ": failed on demand");
    }
    ++looks_;
    return files_.List(directory);
  }

  Result<std::uint64_t> DeviceOf(const std::string& directory) const override {
    if (const auto kind = Find(stat_, directory)) {
      return Fail(*kind, "stat " + directory + ": failed on demand");
    }
    return files_.DeviceOf(directory);
  }

  std::optional<std::set<FileIdentity>> OpenForWriting() const override { return writers_; }

 private:
  using Faults = std::map<std::string, ErrorKind>;

  static std::optional<ErrorKind> Find(const Faults& faults, const std::string& path) {
    for (const auto& [place, kind] : faults) {
      if (path == place || path.starts_with(place + "/")) return kind;
    }
    return std::nullopt;
  }

  class Counted final : public File {
   public:
    Counted(const FailingFiles& files, std::string path, std::unique_ptr<File> file)
        : path_(std::move(path)),
          file_(std::move(file)),
          faults_(files.read_),
          number_(files.opened_),
          broken_(files.broken_),
          open_now_(files.open_now_),
          bytes_read_(files.bytes_read_) {
      ++*open_now_;
      *files.most_open_ = std::max(*files.most_open_, *open_now_);
    }
    ~Counted() override { --*open_now_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

    Result<FileStat> Stat() const override {
      if (number_ <= *broken_) return FailErrno("stat " + path_, ESTALE);
      return file_->Stat();
    }
    Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> buffer) const override {
      if (const auto kind = Find(*faults_, path_))
        return Fail(*kind, "read " + path_ + ": failed on demand");
      if (number_ <= *broken_) return FailErrno("read " + path_, ESTALE);
      const auto got = file_->ReadAt(offset, buffer);
      if (got) *bytes_read_ += *got;
      return got;
    }
    std::uint64_t HoleEnd(std::uint64_t offset) const override { return file_->HoleEnd(offset); }

   private:
    std::string path_;
    std::unique_ptr<File> file_;
    std::shared_ptr<const Faults> faults_;
    std::size_t number_;
    std::shared_ptr<const std::size_t> broken_;
    std::shared_ptr<int> open_now_;
    std::shared_ptr<std::uint64_t> bytes_read_;
  };

  SystemFiles files_;
  Faults stat_, open_, list_;
  std::shared_ptr<Faults> read_ = std::make_shared<Faults>();
  std::optional<std::set<FileIdentity>> writers_;
  std::shared_ptr<std::size_t> broken_ = std::make_shared<std::size_t>(0);
  int most_ = 1'000'000;
  std::shared_ptr<int> open_now_ = std::make_shared<int>(0);
  std::shared_ptr<int> most_open_ = std::make_shared<int>(0);
  std::shared_ptr<std::uint64_t> bytes_read_ = std::make_shared<std::uint64_t>(0);
  mutable std::size_t looks_ = 0;
  mutable std::size_t opened_ = 0;
};

}  // namespace backup_exporter

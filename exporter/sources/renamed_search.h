// Finds a file in a directory by its identity, whatever its name is now. Caches the directories
// that it reads, so an instance must be used for one Observe only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"

namespace backup_exporter {

class RenamedSearch {
 public:
  explicit RenamedSearch(const Files& files) : files_(files) {}

  struct Found {
    std::string path;
    FileStat stat;
  };
  // Searches the directory of `path`. nullopt: the file is not there. An error: the directory
  // cannot be read, so the file may be there.
  [[nodiscard]] Result<std::optional<Found>> Find(const std::string& path,
                                                  const FileIdentity& identity);

 private:
  struct Directory {
    Result<std::vector<std::string>> names;
    std::optional<std::map<FileIdentity, Found>> files;  // read when no likely name fits
  };
  const Files& files_;
  std::map<std::string, Directory> directories_;
};

}  // namespace backup_exporter

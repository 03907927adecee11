// Finds a file in a directory by what it is, under whatever name it has now. Remembers what it saw:
// for one look at a source, not longer.
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
  // In the directory of `path`. nullopt: it is not there; an error: nobody can tell.
  [[nodiscard]] Result<std::optional<Found>> Find(const std::string& path,
                                                  const FileIdentity& identity);

 private:
  struct Directory {
    Result<std::vector<std::string>> names;
    std::optional<std::map<FileIdentity, Found>> files;
  };
  const Files& files_;
  std::map<std::string, Directory> directories_;
};

}  // namespace backup_exporter

// Finds the files that a pattern matches, and the directories in which such files may appear.
//
// Compressed files (.gz, .xz, .bz2, .zst, .lz4) never match: their content was read before they
// were compressed. Reading could not be resumed in them anyway: tailing reads at offsets in the
// file, a checkpoint's CRC covers the raw bytes of the file, and compression changes both.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"

namespace backup_exporter {

class Discovery {
 public:
  // `pattern` is an absolute path whose components may have *, ? and [...].
  Discovery(const Files& files, const std::string& pattern);

  // Whether the pattern has no wildcards and so names one file.
  [[nodiscard]] bool literal() const { return literal_; }
  [[nodiscard]] const std::string& pattern() const { return pattern_; }

  // Whether the file is compressed, by its extension.
  [[nodiscard]] static bool IsCompressed(const std::string& path);
  [[nodiscard]] bool Matches(const std::string& path) const;

  // The paths that match now, and the directories that could not be searched. A literal pattern
  // yields its path whether or not it exists.
  [[nodiscard]] PathMatches Find() const;
  // The existing directories that matching files may be in.
  [[nodiscard]] std::vector<std::string> Directories() const;

 private:
  const Files& files_;
  std::string pattern_;
  std::string directory_;  // the pattern without its last component
  bool literal_;
};

// "/a/b" of "/a/b/c"; "/" of "/c".
[[nodiscard]] std::string DirectoryOf(const std::string& path);
// "c" of "/a/b/c".
[[nodiscard]] std::string NameOf(const std::string& path);
[[nodiscard]] std::string JoinPath(const std::string& directory, const std::string& name);

}  // namespace backup_exporter

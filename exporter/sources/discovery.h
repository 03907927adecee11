// Which files does a pattern mean, and in which directories may they come and go?
#pragma once

#include <string>
#include <vector>

#include "base/files.h"

namespace backup_exporter {

class Discovery {
 public:
  // `pattern` is an absolute path whose components may have *, ? and [...].
  Discovery(const Files& files, const std::string& pattern);

  // Whether the pattern names one file rather than describing many.
  [[nodiscard]] bool literal() const { return literal_; }
  [[nodiscard]] const std::string& pattern() const { return pattern_; }

  [[nodiscard]] static bool IsCompressed(const std::string& path);
  // Rotated files that were compressed match nothing: what they hold was read before.
  [[nodiscard]] bool Matches(const std::string& path) const;

  // What is there now. The one path of a literal pattern is always among it.
  [[nodiscard]] PathMatches Find() const;
  // The directories that may hold such files, as far as they are there now.
  [[nodiscard]] std::vector<std::string> Directories() const;

 private:
  const Files& files_;
  std::string pattern_;
  std::string directory_;  // all but its last component
  bool literal_;
};

// "/a/b" of "/a/b/c"; "/" of "/c".
[[nodiscard]] std::string DirectoryOf(const std::string& path);
[[nodiscard]] std::string NameOf(const std::string& path);
[[nodiscard]] std::string JoinPath(const std::string& directory, const std::string& name);

}  // namespace backup_exporter

#include "sources/discovery.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace backup_exporter {
namespace {

bool HasWildcards(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

}  // namespace

Discovery::Discovery(const Files& files, const std::string& pattern)
    : files_(files),
      pattern_(std::filesystem::path(pattern).lexically_normal()),
      directory_(DirectoryOf(pattern_)),
      literal_(!HasWildcards(pattern_)) {}

bool Discovery::IsCompressed(const std::string& path) {
  constexpr std::array<std::string_view, 5> kEndings{".gz", ".xz", ".bz2", ".zst", ".lz4"};
  return std::ranges::any_of(kEndings, [&](auto ending) { return path.ends_with(ending); });
}

bool Discovery::Matches(const std::string& path) const {
  if (literal_) return path == pattern_;
  return ::fnmatch(pattern_.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0 &&
         !IsCompressed(path);
}

PathMatches Discovery::Find() const {
  if (literal_) return {.paths = {pattern_}, .unreadable = {}};
  PathMatches found = files_.Glob(pattern_);
  std::erase_if(found.paths, IsCompressed);
  return found;
}

std::vector<std::string> Discovery::Directories() const {
  std::vector<std::string> directories{directory_};
  if (HasWildcards(directory_)) directories = files_.Glob(directory_).paths;
  std::erase_if(directories, [&](const std::string& path) {
    const auto stat = files_.Stat(path);  // a directory is an error here: it is not a regular file
    return stat || stat.error().kind == ErrorKind::kNotFound;
  });
  return directories;
}

std::string DirectoryOf(const std::string& path) {
  return std::filesystem::path(path).parent_path();
}

std::string NameOf(const std::string& path) { return std::filesystem::path(path).filename(); }

std::string JoinPath(const std::string& directory, const std::string& name) {
  return std::filesystem::path(directory) / name;
}

}  // namespace backup_exporter

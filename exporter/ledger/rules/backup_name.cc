#include "ledger/rules/backup_name.h"

#include <filesystem>
#include <map>
#include <vector>

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

// logrotate appends a number, or with `dateext` a date, which may be followed by the time.
std::string WithoutNumberOrDate(const std::string& name) {
  static const re2::RE2 kSuffix(
      R"((.+?)(?:\.[0-9]{1,3}|[.-](?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9](?:-?[0-9]{4,6})?|[.-][0-9]{4}-[0-9]{2}-[0-9]{2}))");
  std::string base;
  return re2::RE2::FullMatch(name, kSuffix, &base) ? base : name;
}

// With logrotate's `extension` the date precedes the extension. A number there is not a suffix of
// rotation.
std::string WithoutDate(const std::string& stem) {
  static const re2::RE2 kSuffix(
      R"((.+?)[.-](?:(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9](?:-?[0-9]{4,6})?|[0-9]{4}-[0-9]{2}-[0-9]{2}))");
  std::string base;
  return re2::RE2::FullMatch(stem, kSuffix, &base) ? base : stem;
}

// Adds the named groups of `match` in the path, as placeholders. False if it does not match.
bool ReadGroups(const re2::RE2& match, const std::string& path,
                std::map<std::string, std::string>* groups) {
  const int count = match.NumberOfCapturingGroups();
  std::vector<re2::StringPiece> found(static_cast<std::size_t>(count) + 1);
  if (!match.Match(path, 0, path.size(), re2::RE2::UNANCHORED, found.data(), count + 1)) {
    return false;
  }
  for (const auto& [name, index] : match.NamedCapturingGroups()) {
    (*groups)["{" + name + "}"] = std::string(found[static_cast<std::size_t>(index)]);
  }
  return true;
}

}  // namespace

std::string WithoutRotation(const std::string& path) {
  const fs::path file(path);
  const fs::path name(WithoutNumberOrDate(file.filename().string()));
  return file.parent_path() / (WithoutDate(name.stem().string()) + name.extension().string());
}

std::string BackupName(std::string_view pattern, const re2::RE2* match, const std::string& path,
                       const Named& of) {
  const std::string stem = fs::path(WithoutRotation(path)).stem().string();
  const auto or_stem = [&stem](const std::string& name) { return name.empty() ? stem : name; };
  std::map<std::string, std::string> values{
      {"{stem}", stem},
      {"{dir}", fs::path(path).parent_path().filename().string()},
      {"{profile}", or_stem(of.label)},
      {"{label}", or_stem(of.label)},
      {"{repository}", or_stem(of.repository)}};
  if (match != nullptr && !ReadGroups(*match, path, &values)) return {};
  std::string name;
  while (!pattern.empty()) {
    const std::size_t end = pattern.front() == '{' ? pattern.find('}') : std::string_view::npos;
    const auto value = end == std::string_view::npos
                           ? values.end()
                           : values.find(std::string(pattern.substr(0, end + 1)));
    if (value == values.end()) {
      name += pattern.front();
      pattern.remove_prefix(1);
    } else {
      name += value->second;
      pattern.remove_prefix(end + 1);
    }
  }
  return name;
}

}  // namespace backup_exporter

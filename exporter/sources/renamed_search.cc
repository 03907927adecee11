#include "sources/renamed_search.h"

#include <algorithm>

#include "sources/discovery.h"

namespace backup_exporter {

Result<std::optional<RenamedSearch::Found>> RenamedSearch::Find(const std::string& path,
                                                                const FileIdentity& identity) {
  const std::string folder = DirectoryOf(path);
  auto cached = directories_.find(folder);
  if (cached == directories_.end()) {
    cached = directories_.emplace(folder, Directory{files_.List(folder), std::nullopt}).first;
  }
  Directory& directory = cached->second;
  if (!directory.names) return tl::unexpected(directory.names.error());

  const auto stat_of = [&](const std::string& name) -> std::optional<Found> {
    std::string candidate = JoinPath(folder, name);
    const auto stat = files_.Stat(candidate);
    if (!stat) return std::nullopt;
    return Found{std::move(candidate), *stat};
  };
  if (!directory.files) {
    // Rotation nearly always appends to the name, so names with this prefix are tried first.
    const std::string name = NameOf(path);
    auto candidate = std::ranges::lower_bound(*directory.names, name);
    for (; candidate != directory.names->end() && candidate->starts_with(name); ++candidate) {
      auto found = stat_of(*candidate);
      if (found && found->stat.identity() == identity) return found;
    }
    directory.files.emplace();
    for (const std::string& other : *directory.names) {
      if (auto found = stat_of(other)) directory.files->emplace(found->stat.identity(), *found);
    }
  }
  const auto found = directory.files->find(identity);
  return found == directory.files->end() ? std::nullopt : std::optional(found->second);
}

}  // namespace backup_exporter

// The name of a backup: a template, filled in from the path of the file and from the names in its
// records. Pure.
#pragma once

#include <re2/re2.h>

#include <string>
#include <string_view>

#include "model/event.h"

namespace backup_exporter {

// Fills in a template. Its placeholders: {stem}, the file's name without extension and rotation
// suffix (".1", "-20261121"); {dir}, the name of its directory; {profile} and {label}, the label in
// the record; {repository}, the repository in the record; {GROUP}, that named group of `match` in
// the path. Where the record has no such name, the stem is used instead. Other text stays as it is;
// config/ checks templates. Returns an empty name if `match` does not match the path.
[[nodiscard]] std::string BackupName(std::string_view pattern, const re2::RE2* match,
                                     const std::string& path, const Named& of);

// The path without rotation suffix: the same for all generations of a log.
[[nodiscard]] std::string WithoutRotation(const std::string& path);

}  // namespace backup_exporter

// What a backup is called: a template, filled in from the path of the file and from what its
// records name.
#pragma once

#include <re2/re2.h>

#include <string>
#include <string_view>

#include "model/event.h"

namespace backup_exporter {

// {stem}: the file's name without its extension and what rotation adds (".1", "-20261121"); {dir}:
// the name of its directory; {profile}, {label}: the record's label; {repository}: the record's;
// {GROUP}: that named group of `match`, on the path. Anything else stays as it stands: templates
// come checked from config/. Where the records should fill in something and name nothing, the stem
// takes its place. Empty: `match` does not match.
[[nodiscard]] std::string BackupName(std::string_view pattern, const re2::RE2* match,
                                     const std::string& path, const Named& of);

// The path without what rotation adds to it: the same for all files that were one.
[[nodiscard]] std::string WithoutRotation(const std::string& path);

}  // namespace backup_exporter

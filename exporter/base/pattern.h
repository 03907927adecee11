// Patterns for the names of backups, as written in the configuration.
#pragma once

#include <string_view>

namespace backup_exporter {

// `*` matches any text, `?` any one byte, and every other byte itself. There is no escape and no
// `[…]`.
[[nodiscard]] bool IsPattern(std::string_view text);
// Whether `pattern` matches all of `name`.
[[nodiscard]] bool Fits(std::string_view pattern, std::string_view name);

}  // namespace backup_exporter

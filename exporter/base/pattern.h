// Patterns of names, as a person writes them.
#pragma once

#include <string_view>

namespace backup_exporter {

// `*` stands for any text, `?` for any one byte, everything else for itself.
[[nodiscard]] bool IsPattern(std::string_view text);
[[nodiscard]] bool Fits(std::string_view pattern, std::string_view name);

}  // namespace backup_exporter

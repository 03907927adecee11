// Decompresses gzip as strictly as the strictest client does.
#pragma once

#include <optional>
#include <string>

namespace backup_exporter {

// nullopt unless `bytes` are one complete member with a correct checksum, and nothing after it.
[[nodiscard]] std::optional<std::string> Gunzip(const std::string& bytes);

}  // namespace backup_exporter

// The URL of a ping: the configured URL with a suffix and query fields.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup_exporter {

using QueryFields = std::vector<std::pair<std::string, std::string>>;

// `url` with `suffix` appended to its path, whose trailing slashes are removed, and `fields` to its
// query. Fields of the same names are first removed from the query. A field with an empty value is
// only removed.
[[nodiscard]] std::string PingUrl(std::string_view url, std::string_view suffix,
                                  const QueryFields& fields);

}  // namespace backup_exporter

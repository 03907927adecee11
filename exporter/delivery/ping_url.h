// The URL of a ping: what is configured, and what the ping adds to it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup_exporter {

using QueryFields = std::vector<std::pair<std::string, std::string>>;

// `url` with `suffix` in place of the slashes at the end of its path, and with these fields in its
// query. What the query has under the name of a field goes; a field without a value does just that.
[[nodiscard]] std::string PingUrl(std::string_view url, std::string_view suffix,
                                  const QueryFields& fields);

}  // namespace backup_exporter

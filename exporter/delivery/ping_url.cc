#include "delivery/ping_url.h"

#include <algorithm>

#include "base/http.h"

namespace backup_exporter {

std::string PingUrl(std::string_view url, std::string_view suffix, const QueryFields& fields) {
  UrlParts parts = SplitUrl(url);
  while (parts.path.ends_with('/')) parts.path.pop_back();
  std::string query;
  const auto append = [&](std::string_view field) {
    if (!query.empty()) query += '&';
    query += field;
  };
  std::string_view rest = parts.query;
  while (!rest.empty()) {
    const std::string_view field = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), field.size() + 1));
    const std::string_view name = field.substr(0, field.find('='));
    const bool replaced =
        std::ranges::any_of(fields, [&](const auto& one) { return one.first == name; });
    if (!replaced && !field.empty()) append(field);
  }
  for (const auto& [name, value] : fields) {
    if (!value.empty()) append(name + "=" + PercentEncode(value));
  }
  std::string ping_url = parts.scheme + "://";
  if (!parts.user_info.empty()) ping_url += parts.user_info + "@";
  ping_url += parts.host + parts.path;
  ping_url += suffix;
  if (!query.empty()) ping_url += "?" + query;
  return ping_url;
}

}  // namespace backup_exporter

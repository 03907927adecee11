#include "delivery/json_bodies.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/utf8.h"
#include "delivery/monitor.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kLongestErrors = 500;  // bytes that are quoted

}  // namespace

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string DescribeErrors(const HttpAnswer& answer) {
  const Json body = ParseJson(answer.body).value_or(Json());
  std::string errors;
  if (body.is_object() && body.contains("errors") && body["errors"].is_array()) {
    for (const Json& error : body["errors"]) {
      if (!error.is_string()) continue;
      errors += (errors.empty() ? "" : "; ") + error.get<std::string>();
    }
  }
  if (errors.empty()) return DescribeAnswer(answer);
  return fmt::format("HTTP {}: {}", answer.status, CutBytes(errors, kLongestErrors));
}

}  // namespace backup_exporter

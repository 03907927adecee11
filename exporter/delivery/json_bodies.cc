#include "delivery/json_bodies.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "delivery/monitor.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kMostErrors = 500;  // bytes that are quoted

}  // namespace

std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string ErrorsInWords(const HttpAnswer& answer) {
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  std::string errors;
  if (body.is_object() && body.contains("errors") && body["errors"].is_array()) {
    for (const auto& error : body["errors"]) {
      if (!error.is_string()) continue;
      errors += (errors.empty() ? "" : "; ") + error.get<std::string>();
    }
  }
  if (errors.empty()) return InWords(answer);
  return fmt::format("HTTP {}: {}", answer.status, CutBytes(errors, kMostErrors));
}

}  // namespace backup_exporter

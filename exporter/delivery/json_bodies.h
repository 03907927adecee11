// JSON in the requests and answers of services.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/http.h"

namespace backup_exporter {

// Always valid UTF-8: bytes that are not are replaced by U+FFFD.
[[nodiscard]] std::string Dump(const nlohmann::json& json);
[[nodiscard]] std::string Dump(const nlohmann::ordered_json& json);

// "HTTP 400: …" with the texts in the answer's list `errors`. Without such a list, the same as
// DescribeAnswer.
[[nodiscard]] std::string DescribeErrors(const HttpAnswer& answer);

}  // namespace backup_exporter

// JSON as monitors send it and answer with it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/http.h"

namespace backup_exporter {

// In UTF-8, whatever the texts in it hold.
[[nodiscard]] std::string Dump(const nlohmann::ordered_json& json);

// "HTTP 400: …" with the texts of the list `errors` in the answer, else as InWords.
[[nodiscard]] std::string ErrorsInWords(const HttpAnswer& answer);

}  // namespace backup_exporter

#include "model/standing.h"

namespace backup_exporter {

std::string_view Name(Origin origin) {
  return origin == Origin::kConfigured ? "configured" : "learned";
}

std::string_view Name(Quantity quantity) {
  constexpr std::array<std::string_view, kQuantities> kNames{"added_bytes", "processed_bytes",
                                                             "files", "files_changed", "duration"};
  return kNames.at(static_cast<std::size_t>(quantity));
}

}  // namespace backup_exporter

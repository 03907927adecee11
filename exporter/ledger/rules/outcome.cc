#include "ledger/rules/outcome.h"

namespace backup_exporter {

std::vector<std::string_view> ResultsThat(bool (*predicate)(RunResult)) {
  std::vector<std::string_view> names;
  for (int i = 0; i < kRunResults; ++i) {
    const auto result = static_cast<RunResult>(i);
    if (predicate(result)) names.push_back(Name(result));
  }
  return names;
}

}  // namespace backup_exporter

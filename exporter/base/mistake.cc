#include "base/mistake.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace backup_exporter {

std::string Describe(const Mistake& mistake) {
  std::string place = mistake.file;
  if (mistake.line > 0) place += ":" + std::to_string(mistake.line);
  if (mistake.column > 0) place += ":" + std::to_string(mistake.column);
  return place + ": " + mistake.text;
}

void Mistakes::Add(Place place, std::string text) {
  all_.push_back({file_, place.line, place.column, std::move(text)});
}

std::vector<Mistake> Mistakes::Sorted() const {
  std::vector<Mistake> sorted = all_;
  std::ranges::stable_sort(
      sorted, {}, [](const Mistake& mistake) { return std::tie(mistake.line, mistake.column); });
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

}  // namespace backup_exporter

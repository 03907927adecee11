#include "base/pattern.h"

namespace backup_exporter {

bool IsPattern(std::string_view text) { return text.find_first_of("*?") != text.npos; }

bool Fits(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;
  std::size_t in = 0;
  // The last star, and how much of the name it stands for by now.
  std::size_t star = pattern.npos;
  std::size_t taken = 0;
  while (in < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = in;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == name[in])) {
      ++at;
      ++in;
    } else if (star != pattern.npos) {
      at = star + 1;
      in = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == pattern.npos;
}

}  // namespace backup_exporter

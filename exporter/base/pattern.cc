#include "base/pattern.h"

namespace backup_exporter {

bool IsPattern(std::string_view text) { return text.find_first_of("*?") != text.npos; }

bool Fits(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;  // in the pattern
  std::size_t in = 0;  // in the name
  // The last star, and the end of the text that it matches so far.
  std::size_t star = pattern.npos;
  std::size_t star_end = 0;
  while (in < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_end = in;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == name[in])) {
      ++at;
      ++in;
    } else if (star != pattern.npos) {
      at = star + 1;
      in = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == pattern.npos;
}

}  // namespace backup_exporter

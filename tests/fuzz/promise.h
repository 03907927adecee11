// Shared by the fuzz targets. An input is a text and a few choices. A broken promise aborts the
// process, which libFuzzer reports.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace backup_exporter {

inline void Promise(bool kept, std::string_view what) {
  if (kept) return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// Aborts unless both are the same, and prints the difference.
inline void PromiseSame(const std::vector<std::string>& found,
                        const std::vector<std::string>& expected, std::string_view what) {
  if (found == expected) return;
  for (const std::string& line : expected) std::fprintf(stderr, "expected: %s\n", line.c_str());
  for (const std::string& line : found) std::fprintf(stderr, "found:    %s\n", line.c_str());
  Promise(false, what);
}

// The text of an input. FuzzedDataProvider consumes choices from the end, so the input begins with
// the text as a tool writes it. Returns a buffer of exactly its size, so that ASan finds reads
// beyond the end.
inline std::vector<char> TextOf(FuzzedDataProvider& input) {
  return input.ConsumeRemainingBytes<char>();
}

}  // namespace backup_exporter

// What the targets share: an input is bytes and a few choices, and a promise that is broken ends
// the process, which libFuzzer notices.
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

// The same, and tells what there is instead.
inline void PromiseSame(const std::vector<std::string>& found,
                        const std::vector<std::string>& expected, std::string_view what) {
  if (found == expected) return;
  for (const std::string& line : expected) std::fprintf(stderr, "expected: %s\n", line.c_str());
  for (const std::string& line : found) std::fprintf(stderr, "found:    %s\n", line.c_str());
  Promise(false, what);
}

// Choices are taken off the end, so that the beginning of an input is text as a tool writes it. In
// a buffer that ends where the text does.
inline std::vector<char> TextOf(FuzzedDataProvider& input) {
  return input.ConsumeRemainingBytes<char>();
}

}  // namespace backup_exporter

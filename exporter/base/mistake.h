// What is wrong with a file that people write, and where; collected, so that all of it is told at
// once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup_exporter {

// From 1; the column counts bytes. 0 where there is none.
struct Place {
  int line = 0;
  int column = 0;
};

struct Mistake {
  std::string file;
  int line = 0;
  int column = 0;
  std::string text;

  bool operator==(const Mistake&) const = default;
};

// "FILE:LINE:COLUMN: text".
[[nodiscard]] std::string Describe(const Mistake& mistake);

// The mistakes of one file.
class Mistakes {
 public:
  explicit Mistakes(std::string file) : file_(std::move(file)) {}

  void Add(Place place, std::string text);
  [[nodiscard]] bool empty() const { return all_.empty(); }
  // In the order of the file, each once: what stands in the file once may be read twice (aliases).
  [[nodiscard]] std::vector<Mistake> Sorted() const;

 private:
  std::string file_;
  std::vector<Mistake> all_;
};

}  // namespace backup_exporter

// Owns a file descriptor and closes it.
#pragma once

#include <unistd.h>

#include <utility>

namespace backup_exporter {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}  // negative: none
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(other.Release()) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;

  [[nodiscard]] int get() const { return value_; }
  // Gives the descriptor to the caller, who must close it.
  int Release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

}  // namespace backup_exporter

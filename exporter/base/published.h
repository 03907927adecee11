// An immutable value that one thread replaces and any thread reads.
//
// A reader gets a pointer to the current value and keeps it as long as it likes; a later Store does
// not change what the pointer refers to. The mutex is held only while a pointer is copied, so
// readers never wait for the value to be computed.
//
// Used where std::atomic<std::shared_ptr> would do: libstdc++ 12 implements that with a lock bit
// that the thread sanitizer reports as a data race, and the free std::atomic_load is deprecated.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace backup_exporter {

template <typename T>
class Published {
 public:
  // Starts with a default-constructed value.
  Published() : value_(std::make_shared<const T>()) {}

  // Never nullptr. Thread-safe.
  [[nodiscard]] std::shared_ptr<const T> Load() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

  // `value` must not be nullptr. Thread-safe. The old value, if this was its last owner, is
  // destroyed after the mutex is released.
  void Store(std::shared_ptr<const T> value) {
    const std::lock_guard lock(mutex_);
    value_.swap(value);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  // guarded by mutex_
};

}  // namespace backup_exporter

// The result of an operation that can fail: a value or an error.
//
// Callers act on the error's kind and show its message. A message names what failed, where and why,
// and what to do about it where that helps. Callers add context with Within().
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace backup_exporter {

enum class ErrorKind {
  kNotFound,   // does not exist (yet)
  kInvalid,    // exists and is wrong; a retry does not help
  kIo,         // the system failed or refused: device, full disk, permission
  kTemporary,  // a retry may help
  kRefused,    // a limit, a lock or a policy forbids it; for a file also its permissions
};

struct Error {
  ErrorKind kind;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> Fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

// The same error with context in front of its message: "ledger: commit" + ": " + "disk is full".
[[nodiscard]] inline tl::unexpected<Error> Within(std::string_view context, Error error) {
  error.message = std::string(context) + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

// The error for an errno value: its kind, and "WHAT: " with the text of the C library.
[[nodiscard]] tl::unexpected<Error> FailErrno(std::string_view what, int error_number);

}  // namespace backup_exporter

// How everything that can fail says so: a value, or an error made for a person.
//
// The kind decides what the caller does; the message is shown. A message says what, where, why and,
// where it helps, what to do, and gains context on the way up with Within().
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace backup_exporter {

enum class ErrorKind {
  kNotFound,   // it is not there (yet)
  kInvalid,    // it is there and wrong; trying again does not help
  kIo,         // the system refused: permission, device, full disk
  kTemporary,  // trying again may help
  kRefused,    // a limit, a lock or a policy says no
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

// The same error, told from one level up: "ledger: commit" + "disk is full".
[[nodiscard]] inline tl::unexpected<Error> Within(std::string_view context, Error error) {
  error.message = std::string(context) + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

// The text of an errno value, and the kind it belongs to.
[[nodiscard]] tl::unexpected<Error> FailErrno(std::string_view what, int error_number);

}  // namespace backup_exporter

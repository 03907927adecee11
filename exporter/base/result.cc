#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace backup_exporter {
namespace {

ErrorKind KindOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::kNotFound;
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ETIMEDOUT:
      return ErrorKind::kTemporary;
    default:
      return ErrorKind::kIo;
  }
}

}  // namespace

tl::unexpected<Error> FailErrno(std::string_view what, int error_number) {
  // strerror is not thread-safe; this is.
  return Fail(KindOf(error_number),
              std::string(what) + ": " + std::generic_category().message(error_number));
}

}  // namespace backup_exporter

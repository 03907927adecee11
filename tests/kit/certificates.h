// Certificates for tests of TLS, made anew in each process.
#pragma once

#include <string>

#include "kit/temporary_directory.h"

namespace backup_exporter {

struct Certificate {
  std::string certificate;  // PEM, as all here
  std::string key;          // of it, private

  // Writes NAME.pem and NAME.key.
  void Save(const TemporaryDirectory& directory, const std::string& name) const;
};

struct Certificates {
  Certificate authority;    // signed the ones below, and no program trusts it unless told to
  Certificate good;         // for localhost, 127.0.0.1 and ::1
  Certificate expired;      // the same, but no longer valid
  Certificate not_yet;      // the same, but not valid yet
  Certificate other_host;   // for other.example alone
  Certificate self_signed;  // for localhost too, by nobody
  Certificate client;       // by which a client shows who it is
  Certificate stranger;     // the same, but by an authority of the same name that is not ours
};

// Made on the first call.
[[nodiscard]] const Certificates& TestCertificates();

}  // namespace backup_exporter

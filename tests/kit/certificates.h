// Certificates for tests of TLS, generated in each process.
#pragma once

#include <string>

#include "kit/temporary_directory.h"

namespace backup_exporter {

struct Certificate {
  std::string certificate;  // PEM
  std::string key;          // its private key, PEM

  // Writes NAME.pem and NAME.key.
  void Save(const TemporaryDirectory& directory, const std::string& name) const;
};

struct Certificates {
  Certificate authority;    // signs the ones below; not trusted by default
  Certificate good;         // for localhost, 127.0.0.1 and ::1
  Certificate expired;      // the same, but expired
  Certificate not_yet;      // the same, but not valid yet
  Certificate other_host;   // for other.example only
  Certificate self_signed;  // for localhost, not signed by the authority
  Certificate client;       // of a client
  Certificate stranger;     // of a client, signed by another authority with the same name
};

// Generated on the first call.
[[nodiscard]] const Certificates& TestCertificates();

}  // namespace backup_exporter

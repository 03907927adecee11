// Loading secrets, and masking them in texts.
//
// A secret in the configuration is the text itself, or {credential KIND NAME}:
//   systemd NAME     the file NAME in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=); without
//                    that variable, /etc/credstore.encrypted/NAME as decrypted by `systemd-creds`
//   container NAME   /run/secrets/NAME
//   file PATH        a file; a relative path is relative to `directory`
// One line break at the end is removed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backup_exporter {

// The secret that the text refers to: the text itself unless it begins with "{credential ". Errors
// name the place that was read, and never its content.
[[nodiscard]] Result<std::string> LoadSecret(const std::string& text, const std::string& directory);
[[nodiscard]] Result<std::string> LoadSecretFile(const std::string& path,
                                                 const std::string& directory);

// `text` with ${NAME} and ${NAME:-default} replaced from the environment; \${ becomes a literal ${.
// Fails if a variable without a default is not set, or is not valid UTF-8, which JSON requires.
[[nodiscard]] Result<std::string> FromEnvironment(std::string_view text);

// Replaces secrets in texts by ***. Thread-safe once all secrets have been added.
class SecretMask {
 public:
  // Also masks the secret as it is encoded in a URL, a form or JSON. A secret shorter than 4 bytes
  // is ignored, since it would match in many unrelated places.
  void Add(const std::string& secret);
  void Add(const SecretMask& other);
  // Adds the secret parts of a URL: its user information, each path segment of at least 8 bytes,
  // and each value in its query.
  void AddUrl(const std::string& url);
  // Also masks the password of any URL in the text.
  [[nodiscard]] std::string Mask(std::string text) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

}  // namespace backup_exporter

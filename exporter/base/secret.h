// Secrets: where they come from, and that they do not get out.
//
// In a file of the configuration a secret may stand itself, or as {credential KIND NAME}:
//   systemd NAME     the file NAME in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=), else what
//                    `systemd-creds decrypt` makes of /etc/credstore.encrypted/NAME
//   container NAME   /run/secrets/NAME
//   file PATH        a file; a relative path is relative to `directory`
// A final line break is not part of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backup_exporter {

// What the text stands for: itself, unless it is a {credential …}. Errors name the place that was
// looked at, and never what was found there.
[[nodiscard]] Result<std::string> LoadSecret(const std::string& text, const std::string& directory);
[[nodiscard]] Result<std::string> LoadSecretFile(const std::string& path,
                                                 const std::string& directory);

// `text` with ${NAME} and ${NAME:-default} replaced from the environment; \${ stays as ${. Fails
// where a variable without default is not set, or is no UTF-8, which is what goes into JSON.
[[nodiscard]] Result<std::string> FromEnvironment(std::string_view text);

// Takes secrets out of texts. Immutable once it is in use.
class SecretMask {
 public:
  // Also as it stands in a URL or in JSON. Less than 4 bytes are no secret, and would be found
  // everywhere.
  void Add(const std::string& secret);
  void Add(const SecretMask& other);
  // What is secret in a URL: user information, each long part of its path, each value in its query.
  void AddUrl(const std::string& url);
  // `text` with *** for each secret, and for the password of any URL in it.
  [[nodiscard]] std::string Mask(std::string text) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

}  // namespace backup_exporter

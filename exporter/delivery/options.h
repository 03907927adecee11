// Functions that the factories of all services use to read the configuration block of a monitor.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/section.h"

namespace backup_exporter {

// Inputs of a service's factory, and what it reports besides the monitor.
struct MonitorOptions {
  std::string config_path;  // absolute path of the file that contains the block
  std::string hostname;

  // Filled in by factories, partly through the functions below.
  SecretMask mask;
  bool sends_messages = false;  // it also sends the messages of runs
  bool by_backup = false;       // its address contains {backup}: each backup has its own status
  bool by_operation = false;    // the same for {operation}
  std::vector<std::string> warnings;  // settings that are accepted but should be changed

  [[nodiscard]] std::string directory() const;  // of config_path
};

// kLine: a secret that may be sent in a header. It is one line without control characters; line
// breaks at its end are removed.
enum class SecretForm { kLine, kAny };

// Errors are reported to the section; the result is then nullopt, as it is without the key.

// A secret: `key`, which may be a {credential …}, or `key_file`, a path. Added to the mask.
[[nodiscard]] std::optional<std::string> ReadSecret(Section& section, const std::string& key,
                                                    MonitorOptions& options,
                                                    SecretForm form = SecretForm::kLine);
// The Authorization header for `username` and `password`, which must both be given or both be
// missing. Also added to the mask in its encoded form.
[[nodiscard]] std::optional<std::string> ReadBasicAuthorization(Section& section,
                                                                MonitorOptions& options);
// An http or https URL, which is read as a secret. `base` is put in front of a text without a
// scheme, unless it is empty. Notes the URL's placeholders.
[[nodiscard]] std::optional<std::string> ReadUrl(Section& section, const std::string& key,
                                                 MonitorOptions& options,
                                                 std::string_view base = {});
// A path, made absolute.
[[nodiscard]] std::optional<std::string> ReadPath(Section& section, std::string_view key,
                                                  const MonitorOptions& options);
// Reports an error if neither `key` nor `key_file` is given.
void RequireSecret(Section& section, const std::string& key, std::string_view what_it_is);
// Sets by_backup and by_operation from the placeholders in an address, or in a part of one.
void NotePlaceholders(std::string_view address, MonitorOptions& options);

}  // namespace backup_exporter

// Reading a monitor's block: what every service's factory needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/section.h"

namespace backup_exporter {

// What a factory is told, and what it tells.
struct MonitorOptions {
  std::string config_path;  // of the file that the block stands in, absolute
  std::string hostname;

  // Filled in by factories, partly through the functions below.
  SecretMask mask;
  bool sends_messages = false;  // what was said about runs is told too
  bool by_backup = false;       // the address holds {backup}: each has a state of its own
  bool by_operation = false;
  std::vector<std::string> warnings;  // what is accepted and had better be changed

  [[nodiscard]] std::string directory() const;  // of config_path
};

// A secret: `key`, which may be a {credential …}, or `key_file`, a path. Noted by the mask. What
// may go into a header is one line; line breaks at its end are not part of it.
enum class SecretForm { kLine, kAny };
[[nodiscard]] std::optional<std::string> ReadSecret(Section& section, const std::string& key,
                                                    MonitorOptions& options,
                                                    SecretForm form = SecretForm::kLine);
// What the header Authorization is with `username` and `password`, which go together. Noted by the
// mask as it is sent.
[[nodiscard]] std::optional<std::string> ReadBasicAuthorization(Section& section,
                                                                MonitorOptions& options);
// The same for an http or https URL; without either, `base` is put in front if there is one.
// Placeholders in it are noted.
[[nodiscard]] std::optional<std::string> ReadUrl(Section& section, const std::string& key,
                                                 MonitorOptions& options,
                                                 std::string_view base = {});
// A path, made absolute.
[[nodiscard]] std::optional<std::string> ReadPath(Section& section, std::string_view key,
                                                  const MonitorOptions& options);
// Notes that one of `key` and `key_file` is needed.
void RequireSecret(Section& section, const std::string& key, std::string_view what_it_is);
// Notes the placeholders of an address, or part of one.
void NotePlaceholders(std::string_view address, MonitorOptions& options);

}  // namespace backup_exporter

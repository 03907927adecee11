// Texts about notices for people, and placeholders in configured texts.
//
// The texts name the backup, what happened, why, when, the duration and the amount of data. They do
// not mention any tool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/notice.h"

namespace backup_exporter {

// One line: "Backup of home failed".
[[nodiscard]] std::string Title(const Notice& notice);
// The title and all that is known about the notice, with the time of the event: "Backup of home
// failed: the repository is locked. 2026-11-21T01:00:02Z, after 12 s, the 3rd failure in a row."
// The error is cut to `longest_error` characters.
[[nodiscard]] std::string Describe(const Notice& notice, std::size_t longest_error = 500);
// The reason for a failure, in one line: the tool's message, else the text of the reason, else
// "failing backups: nas, home". Empty if nothing is known.
[[nodiscard]] std::string ErrorText(const Notice& notice);
// "success", "failure" …; "started" if there is no result yet, "missed" if the deadline passed.
[[nodiscard]] std::string ResultText(const Notice& notice);

// `text` with {backup}, {operation}, {result}, {error}, {duration} and {added_bytes} replaced by
// their values, which are empty if unknown. Other braces are left as they are.
[[nodiscard]] std::string Expand(std::string_view text, const Notice& notice);
// The same for a JSON text: values are escaped for use inside its strings.
[[nodiscard]] std::string ExpandJson(std::string_view text, const Notice& notice);
// The same for a URL: {backup} and {operation} become slugs, other values are percent-encoded.
[[nodiscard]] std::string ExpandUrl(std::string_view url, const Notice& notice);
// Lower-case letters, digits, "-" and "_"; "x" if nothing else is left. Texts that differ only in
// other letters get different slugs.
[[nodiscard]] std::string Slug(std::string_view text);

[[nodiscard]] bool IsBlank(std::string_view text);

// The messages of the run, one per line, in at most `limit` bytes (0: no limit). If they do not
// fit, the text begins with "...\n"; messages that are not errors are left out first, oldest first.
[[nodiscard]] std::string LogText(const Notice& notice, std::size_t limit);

}  // namespace backup_exporter

// What monitors say to people: the texts of a notice, and cutting texts to what a service takes.
//
// They name the backup, what happened, why, when, how long and how much, and no other tool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/notice.h"

namespace backup_exporter {

// One line: "Backup of home failed".
[[nodiscard]] std::string Title(const Notice& notice);
// The same and what is known about it, with the true time: "Backup of home failed: the repository
// is locked. 2026-11-21T01:00:02Z, after 12 s, the 3rd failure in a row." Of the error, so many
// characters.
[[nodiscard]] std::string Describe(const Notice& notice, std::size_t most_of_error = 500);
// Why it failed, in one line: the tool's words, else the reason's, else "not well: nas, home";
// empty where nothing is known.
[[nodiscard]] std::string ErrorText(const Notice& notice);
// "success", "failure" …; "started" while it has none, "missed" where no success came.
[[nodiscard]] std::string ResultText(const Notice& notice);

// `text` with {backup}, {operation}, {result}, {error}, {duration} and {added_bytes} replaced; what
// is not known is empty. Other braces stay.
[[nodiscard]] std::string Expand(std::string_view text, const Notice& notice);
// The same for a text that is JSON: what is put in is escaped for its strings.
[[nodiscard]] std::string ExpandJson(std::string_view text, const Notice& notice);
// The same for a URL: {backup} and {operation} as a slug (lower-case letters, digits, "-" and "_"),
// the others percent-encoded.
[[nodiscard]] std::string ExpandUrl(std::string_view url, const Notice& notice);
// Lower-case letters, digits, "-" and "_"; "x" where nothing else is left.
[[nodiscard]] std::string Slug(std::string_view text);

[[nodiscard]] bool IsBlank(std::string_view text);

// What was said about the run, a message a line, in at most `limit` bytes (0: all). What is left
// out is shown by "...\n" in front, and goes before the errors; of equals the newest stay.
[[nodiscard]] std::string LogText(const Notice& notice, std::size_t limit);

}  // namespace backup_exporter

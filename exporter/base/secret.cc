#include "base/secret.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/child.h"
#include "base/files.h"
#include "base/http.h"
#include "base/utf8.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kLargestSecret = 64 << 10;
constexpr std::size_t kShortestSecret = 4;
// Shorter path segments of a URL are usually words such as "api" or "push".
constexpr std::size_t kShortestSegment = 8;
constexpr std::string_view kMasked = "***";

std::string WithoutLineEnd(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::string Unquoted(std::string_view text) {
  const bool quoted = text.size() > 1 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

Result<std::string> FromSystemd(const std::string& name) {
  if (name.find('/') != name.npos) {
    return Fail(ErrorKind::kInvalid,
                "the name of a systemd credential must not contain `/`: " + name);
  }
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  const bool passed_on = directory != nullptr && *directory != '\0';
  const std::string path =
      (passed_on ? std::string(directory) + "/" : "/etc/credstore.encrypted/") + name;
  std::error_code unknown;  // then reading the file reports the reason
  if (!std::filesystem::exists(path, unknown) && !unknown) {
    return Fail(ErrorKind::kNotFound,
                fmt::format("no systemd credential {0}: the unit has no LoadCredential={0}:…, and "
                            "there is no {1}",
                            name, path));
  }
  if (passed_on) return LoadSecretFile(path, "/");
  // Its libraries may print warnings to standard error although it succeeds.
  const ChildRequest decrypt{.command = {"systemd-creds", "decrypt", "--name=" + name, path, "-"},
                             .without_errors = true};
  const ChildAnswer answer = RunChild(decrypt, std::atomic<bool>());
  if (answer.exit_code == 0) return WithoutLineEnd(answer.output);
  const std::string reason =
      answer.exit_code ? fmt::format("run `{}` to see why", fmt::join(decrypt.command, " "))
                       : answer.error;
  return Fail(ErrorKind::kIo, fmt::format("systemd-creds cannot decrypt {}: {}", path, reason));
}

Result<std::string> FromContainer(const std::string& name) {
  auto secret = LoadSecretFile(name, "/run/secrets");
  if (secret || secret.error().kind != ErrorKind::kNotFound) return secret;
  return Fail(ErrorKind::kNotFound,
              fmt::format("the container has no secret {0}: there is no /run/secrets/{0}; add a "
                          "secret with this name to the container",
                          name));
}

std::string EscapeJson(const std::string& text) {
  const std::string quoted =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

// Masks the password of each URL: https://user:password@host.
std::string WithoutPasswords(std::string text) {
  for (std::size_t at = 0; (at = text.find("://", at)) != text.npos;) {
    at += 3;
    const std::size_t end = std::min(text.find_first_of(" \t\n\"'<>", at), text.size());
    // A password may contain an unencoded slash, so the last @ of the URL ends it.
    const std::size_t host = text.rfind('@', end == 0 ? 0 : end - 1);
    const std::size_t colon = text.find(':', at);
    if (host == text.npos || host < at || colon >= host) continue;
    text.replace(colon + 1, host - colon - 1, kMasked);
  }
  return text;
}

}  // namespace

Result<std::string> LoadSecretFile(const std::string& path, const std::string& directory) {
  const std::string file = (std::filesystem::path(directory) / path).string();
  auto text = ReadNamed(file, kLargestSecret, "the secret");
  if (!text) return tl::unexpected(text.error());
  std::string secret = WithoutLineEnd(std::move(*text));
  if (secret.empty()) {
    return Fail(ErrorKind::kInvalid, "the secret file " + file + " is empty");
  }
  return secret;
}

Result<std::string> LoadSecret(const std::string& text, const std::string& directory) {
  constexpr std::string_view kBegin = "{credential ";
  if (!text.starts_with(kBegin)) return text;
  if (!text.ends_with('}')) {
    return Fail(ErrorKind::kInvalid, "`{credential` without a closing `}`");
  }
  std::string_view inside = std::string_view(text).substr(kBegin.size());
  inside.remove_suffix(1);
  const std::size_t space = inside.find(' ');
  const std::string_view kind = inside.substr(0, space);
  const std::string name = space == inside.npos ? "" : Unquoted(inside.substr(space + 1));
  if (name.empty()) {
    return Fail(ErrorKind::kInvalid, fmt::format("`{{credential {}` needs a name or a path", kind));
  }
  if (kind == "systemd") return FromSystemd(name);
  if (kind == "container") return FromContainer(name);
  if (kind == "file") return LoadSecretFile(name, directory);
  if (kind == "keepassxc") {
    return Fail(ErrorKind::kInvalid,
                "a password safe cannot be opened without someone typing its password; put the "
                "secret into a file or a systemd credential");
  }
  return Fail(ErrorKind::kInvalid,
              fmt::format("unknown credential {}: it must be systemd, container or file", kind));
}

Result<std::string> FromEnvironment(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (text.starts_with("\\${")) {
      result += "${";
      text.remove_prefix(3);
      continue;
    }
    const std::size_t end = text.find('}');
    if (!text.starts_with("${") || end == text.npos) {
      result += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::string_view inside = text.substr(2, end - 2);
    text.remove_prefix(end + 1);
    const std::size_t dash = inside.find(":-");
    const std::string name(inside.substr(0, dash));
    const char* value = std::getenv(name.c_str());
    if (value != nullptr && ValidUtf8(value) != value) {
      return Fail(ErrorKind::kInvalid,
                  fmt::format("the environment variable {} is not valid UTF-8", name));
    }
    if (value != nullptr && (*value != '\0' || dash == inside.npos)) {
      result += value;
    } else if (dash != inside.npos) {
      result += inside.substr(dash + 2);
    } else {
      return Fail(ErrorKind::kNotFound, "the environment variable " + name + " is not set");
    }
  }
  return result;
}

void SecretMask::Add(const std::string& secret) {
  if (secret.size() < kShortestSecret) return;
  for (const std::string& form :
       {secret, PercentEncode(secret), FormEncode({{"", secret}}).substr(1), EscapeJson(secret)}) {
    if (std::ranges::find(secrets_, form) == secrets_.end()) secrets_.push_back(form);
  }
  std::ranges::sort(secrets_, std::greater(), &std::string::size);
}

void SecretMask::Add(const SecretMask& other) {
  for (const std::string& secret : other.secrets_) Add(secret);
}

void SecretMask::AddUrl(const std::string& url) {
  const UrlParts parts = SplitUrl(url);
  Add(parts.user_info);
  const std::size_t colon = parts.user_info.find(':');
  if (colon != std::string::npos) Add(parts.user_info.substr(colon + 1));
  std::string_view path = parts.path;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.size() >= kShortestSegment && segment.find('{') == segment.npos) {
      Add(std::string(segment));
    }
    path.remove_prefix(segment.size());
  }
  std::string_view query = parts.query;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    const std::size_t equals = pair.find('=');
    if (equals != pair.npos) Add(std::string(pair.substr(equals + 1)));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
}

std::string SecretMask::Mask(std::string text) const {
  for (const std::string& secret : secrets_) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != text.npos; at += kMasked.size()) {
      text.replace(at, secret.size(), kMasked);
    }
  }
  return WithoutPasswords(std::move(text));
}

}  // namespace backup_exporter

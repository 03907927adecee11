#include "delivery/options.h"

#include <algorithm>
#include <filesystem>

#include "base/http.h"

namespace backup_exporter {
namespace {

// Whether the text contains control characters, which could end a header or are refused in one.
bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char byte) { return byte < ' ' || byte == 0x7F; });
}

}  // namespace

std::string MonitorOptions::directory() const {
  return std::filesystem::path(config_path).parent_path().string();
}

std::optional<std::string> ReadSecret(Section& section, const std::string& key,
                                      MonitorOptions& options, SecretForm form) {
  const std::string file_key = key + "_file";
  const auto text = section.Text(key);
  const auto path = section.Text(file_key);
  if (text && path) {
    section.Note(file_key, Quoted(key) + " and " + Quoted(file_key) + " cannot be used together");
  }
  if (!text && !path) return std::nullopt;
  auto secret =
      text ? LoadSecret(*text, options.directory()) : LoadSecretFile(*path, options.directory());
  if (!secret) {
    section.Note(text ? key : file_key, secret.error().message);
    return std::nullopt;
  }
  if (form == SecretForm::kLine) {
    const std::size_t end = secret->find_last_not_of("\r\n");
    secret->resize(end == secret->npos ? 0 : end + 1);
    const bool loaded = path || *secret != *text;
    if (HasControl(*secret) || (loaded && secret->empty())) {
      section.Note(text ? key : file_key,
                   "the secret of " + Quoted(key) + " must be one line without control characters");
      return std::nullopt;
    }
  }
  options.mask.Add(*secret);
  return *secret;
}

std::optional<std::string> ReadBasicAuthorization(Section& section, MonitorOptions& options) {
  const auto username = ReadSecret(section, "username", options);
  const auto password = ReadSecret(section, "password", options);
  if (username.has_value() != password.has_value()) {
    section.Note(username ? "username" : "password",
                 "`username` and `password` must be given together");
  }
  if (!username || !password) return std::nullopt;
  std::string authorization = BasicAuthorization(*username, *password);
  options.mask.Add(authorization.substr(authorization.find(' ') + 1));
  return authorization;
}

std::optional<std::string> ReadUrl(Section& section, const std::string& key,
                                   MonitorOptions& options, std::string_view base) {
  auto url = ReadSecret(section, key, options);
  if (!url) return std::nullopt;
  if (!base.empty() && !url->starts_with("http")) url->insert(0, base);
  const UrlParts parts = SplitUrl(*url);
  if (parts.scheme.empty()) {
    section.Note(section.Has(key) ? key : key + "_file",
                 Quoted(key) + " must be a URL that begins with https:// or http://");
    return std::nullopt;
  }
  options.mask.AddUrl(*url);
  NotePlaceholders(*url, options);
  return url;
}

std::optional<std::string> ReadPath(Section& section, std::string_view key,
                                    const MonitorOptions& options) {
  const auto path = section.Text(key);
  if (!path) return std::nullopt;
  return (std::filesystem::path(options.directory()) / *path).lexically_normal().string();
}

void RequireSecret(Section& section, const std::string& key, std::string_view what_it_is) {
  if (!section.Has(key + "_file")) section.Require(key, what_it_is);
}

void NotePlaceholders(std::string_view address, MonitorOptions& options) {
  options.by_backup = options.by_backup || address.find("{backup}") != address.npos;
  options.by_operation = options.by_operation || address.find("{operation}") != address.npos;
}

}  // namespace backup_exporter

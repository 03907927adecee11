// A map of the configuration, read key by key.
//
// A key is known once it was asked for, so that a new one is a line where it is read. What is wrong
// is noted with its place, and read as if it were missing. Leaves what the keys mean to the loader.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_error.h"
#include "base/utf8.h"
#include "base/yaml.h"

namespace backup_exporter {

class Section {
 public:
  // `name` says what the map is ("a source"). What is no map is noted, and has no keys. Both
  // references must outlive the section.
  Section(const YamlValue& value, std::string_view name, ConfigErrors& errors);

  // The value of a key; nothing where the key is missing, or the value is wrong, which is noted.
  // Text is one line, not empty, without control characters.
  [[nodiscard]] std::optional<std::string> Text(std::string_view key);
  // Text that may have several lines.
  [[nodiscard]] std::optional<std::string> Lines(std::string_view key);
  [[nodiscard]] std::optional<std::int64_t> Number(std::string_view key, std::int64_t least,
                                                   std::int64_t most);
  // "90s", "5m", "24h", "7d": more than 0.
  [[nodiscard]] std::optional<std::chrono::seconds> Span(std::string_view key);
  [[nodiscard]] std::optional<bool> Flag(std::string_view key);
  [[nodiscard]] const YamlValue* List(std::string_view key);
  [[nodiscard]] const YamlValue* Map(std::string_view key);
  // A list of texts, each as Text.
  [[nodiscard]] std::optional<std::vector<std::string>> Texts(std::string_view key);
  // Whatever the key has.
  [[nodiscard]] const YamlValue* Any(std::string_view key);
  [[nodiscard]] bool Has(std::string_view key) const { return Find(key) != nullptr; }
  // Every key that is text, as it stands.
  [[nodiscard]] std::vector<std::string> Keys() const;

  // Notes that the section lacks a key.
  void Require(std::string_view key, std::string_view what_it_is);
  // Notes something about a key's value.
  void Note(std::string_view key, std::string text);
  // Notes keys that nobody asked for, and keys that stand twice. To be called last.
  void RefuseOtherKeys();

  // Of the key's value, or of the section where the key is missing.
  [[nodiscard]] TextPosition PositionOf(std::string_view key) const;
  [[nodiscard]] ConfigErrors& errors() const { return errors_; }

 private:
  [[nodiscard]] bool is_map() const { return value_.kind == YamlValue::Kind::kMap; }
  [[nodiscard]] const YamlValue* Find(std::string_view key) const;
  [[nodiscard]] const YamlValue* Ask(std::string_view key, YamlValue::Kind kind,
                                     std::string_view wanted);
  // `allowed`: control characters that it may hold.
  [[nodiscard]] std::optional<std::string> TextOf(std::string_view key, const YamlValue& value,
                                                  std::string_view allowed);

  const YamlValue& value_;
  std::string_view name_;
  ConfigErrors& errors_;
  std::vector<std::string> known_;
};

}  // namespace backup_exporter

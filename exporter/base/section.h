// Reads a map of the configuration key by key.
//
// Reading a key registers it; RefuseOtherKeys reports every key that was never read. So adding a
// key takes one line, where it is read. A wrong value is added to the errors with its position and
// then treated as missing. The meaning of keys is left to the caller.
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
  // `name` is what the map is called in messages: "a source". A value that is not a map is an error
  // and reads as an empty map. `value`, `name` and `errors` must outlive the section.
  Section(const YamlValue& value, std::string_view name, ConfigErrors& errors);

  // The value of a key. Nothing if the key is missing, or if the value is wrong, which is an error.
  // Text: one line, not empty, without control characters.
  [[nodiscard]] std::optional<std::string> Text(std::string_view key);
  // Text of one or more lines.
  [[nodiscard]] std::optional<std::string> Lines(std::string_view key);
  [[nodiscard]] std::optional<std::int64_t> Number(std::string_view key, std::int64_t least,
                                                   std::int64_t most);
  // "90s", "5m", "24h", "7d": more than 0.
  [[nodiscard]] std::optional<std::chrono::seconds> Span(std::string_view key);
  [[nodiscard]] std::optional<bool> Flag(std::string_view key);
  [[nodiscard]] const YamlValue* List(std::string_view key);
  [[nodiscard]] const YamlValue* Map(std::string_view key);
  // A list of texts, each as for Text.
  [[nodiscard]] std::optional<std::vector<std::string>> Texts(std::string_view key);
  // A value of any kind.
  [[nodiscard]] const YamlValue* Any(std::string_view key);
  // Whether the key is present; does not register it.
  [[nodiscard]] bool Has(std::string_view key) const { return Find(key) != nullptr; }
  // All keys that are text, in the order of the file, duplicates included.
  [[nodiscard]] std::vector<std::string> Keys() const;

  // Adds an error if the key is missing. `what_it_is` explains the key.
  void Require(std::string_view key, std::string_view what_it_is);
  // Adds an error about the key's value, or about the section if the key is missing.
  void Note(std::string_view key, std::string text);
  // Adds an error for each key that was not read, is not text, or is a duplicate. To be called
  // last.
  void RefuseOtherKeys();

  // The position of the key's value, or of the section if the key is missing.
  [[nodiscard]] TextPosition PositionOf(std::string_view key) const;
  [[nodiscard]] ConfigErrors& errors() const { return errors_; }

 private:
  [[nodiscard]] bool is_map() const { return value_.kind == YamlValue::Kind::kMap; }
  [[nodiscard]] const YamlValue* Find(std::string_view key) const;
  // Registers the key. `wanted` describes the kind in a message.
  [[nodiscard]] const YamlValue* Read(std::string_view key, YamlValue::Kind kind,
                                      std::string_view wanted);
  // `allowed`: the control characters that the text may contain.
  [[nodiscard]] std::optional<std::string> TextOf(std::string_view key, const YamlValue& value,
                                                  std::string_view allowed);

  const YamlValue& value_;
  std::string_view name_;
  ConfigErrors& errors_;
  std::vector<std::string> known_;
};

}  // namespace backup_exporter

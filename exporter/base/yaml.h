// YAML as the configuration uses it: text becomes values that know their places.
//
// Strict where YAML or its library is not: UTF-8, one document, no tags, no quote left open, no
// depth that only a machine would write. Leaves keys that stand twice, and what keys mean, to
// Section.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_error.h"

namespace backup_exporter {

struct YamlValue {
  enum class Kind { kNothing, kText, kList, kMap };
  Kind kind = Kind::kNothing;
  TextPosition position;
  bool flow = false;    // a list in [ ], a map in { }
  bool quoted = false;  // text that stood in quotes: never a truth value
  std::string text;
  // The items of a list; key, value, key, value … of a map. Aliases share what they stand for.
  std::vector<std::shared_ptr<const YamlValue>> children;
};

// What a file holds: kNothing, without a place, where it is without content. nullptr after noting
// why it is no YAML.
[[nodiscard]] std::shared_ptr<const YamlValue> ParseYaml(std::string_view file, ConfigErrors& errors);

}  // namespace backup_exporter

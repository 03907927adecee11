// Parses YAML, as configurations use it, into values with their positions in the text.
//
// Stricter than YAML and yaml-cpp: the text must be UTF-8 and one document, without tags and
// without an unclosed quote; nesting and the number of values are limited. Duplicate keys and the
// meaning of keys are left to Section.
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
  bool quoted = false;  // text in quotes; never true or false
  std::string text;
  // The items of a list; the keys and values of a map in turn. An alias shares its anchor's value.
  std::vector<std::shared_ptr<const YamlValue>> children;
};

// The value of a whole file; kNothing without a position for a file without content. nullptr if the
// file is not valid YAML, after adding an error that says why.
[[nodiscard]] std::shared_ptr<const YamlValue> ParseYaml(std::string_view file,
                                                         ConfigErrors& errors);

}  // namespace backup_exporter

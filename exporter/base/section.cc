#include "base/section.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/parse.h"
#include "base/time.h"

namespace backup_exporter {
namespace {

using Kind = YamlValue::Kind;

constexpr std::array kTrue{"true", "True", "TRUE"};
constexpr std::array kFalse{"false", "False", "FALSE"};

std::string_view KindText(Kind kind) {
  switch (kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kText:
      return "text";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

// The number of edits that turn `a` into `b`: bytes inserted, removed, replaced or swapped with the
// next (Damerau-Levenshtein distance with optimal string alignment).
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        steps[i][j] = i + j;
        continue;
      }
      steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1,
                              steps[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
      }
    }
  }
  return steps[a.size()][b.size()];
}

std::string DescribeUnknown(std::string_view key, const std::vector<std::string>& known) {
  const std::string unknown = "unknown key " + Quoted(key);
  const std::string_view begin = key.substr(0, 64);  // longer than any known key
  const auto nearest = std::ranges::min_element(
      known, {}, [&](std::string_view other) { return Distance(begin, other); });
  if (nearest != known.end() &&
      Distance(begin, *nearest) <= std::min<std::size_t>(2, begin.size() / 3)) {
    return unknown + "; did you mean " + Quoted(*nearest) + "?";
  }
  std::string list;
  for (const auto& other : known) list += (list.empty() ? "" : ", ") + Quoted(other);
  return unknown + "; known keys: " + list;
}

}  // namespace

Section::Section(const YamlValue& value, std::string_view name, ConfigErrors& errors)
    : value_(value), name_(name), errors_(errors) {
  if (!is_map()) {
    errors_.Add(value_.position, std::string(name_) + " must be a map (`key: value`), not " +
                                     std::string(KindText(value_.kind)));
  }
}

const YamlValue* Section::Find(std::string_view key) const {
  for (std::size_t i = 0; is_map() && i < value_.children.size(); i += 2) {
    const YamlValue& name = *value_.children[i];
    if (name.kind == Kind::kText && name.text == key) return value_.children[i + 1].get();
  }
  return nullptr;
}

const YamlValue* Section::Read(std::string_view key, Kind kind, std::string_view wanted) {
  known_.emplace_back(key);
  const YamlValue* found = Find(key);
  if (found == nullptr || found->kind == kind) return found;
  std::string text = Quoted(key) + " must be " + std::string(wanted) + ", not " +
                     std::string(KindText(found->kind));
  if (wanted == "text" && found->flow) {
    text += std::string("; text that begins with ") + (found->kind == Kind::kMap ? "`{`" : "`[`") +
            " needs quotes";
  }
  Note(key, std::move(text));
  return nullptr;
}

std::optional<std::string> Section::TextOf(std::string_view key, const YamlValue& value,
                                           std::string_view allowed) {
  const std::string_view text = value.text;
  if (text.empty()) {
    errors_.Add(value.position, Quoted(key) + " must not be empty");
    return std::nullopt;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!IsControl(text, i) || allowed.find(text[i]) != allowed.npos) continue;
    errors_.Add(value.position,
                Quoted(key) + (allowed.empty() ? " must be one line without control characters"
                                               : " must have no control characters"));
    return std::nullopt;
  }
  return value.text;
}

std::optional<std::string> Section::Text(std::string_view key) {
  const YamlValue* found = Read(key, Kind::kText, "text");
  return found == nullptr ? std::nullopt : TextOf(key, *found, "");
}

std::optional<std::string> Section::Lines(std::string_view key) {
  const YamlValue* found = Read(key, Kind::kText, "text");
  return found == nullptr ? std::nullopt : TextOf(key, *found, "\n\t");
}

std::optional<std::int64_t> Section::Number(std::string_view key, std::int64_t least,
                                            std::int64_t most) {
  const YamlValue* found = Read(key, Kind::kText, "a number");
  if (found == nullptr) return std::nullopt;
  std::string_view digits = found->text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto number = ParseInteger(digits);
  if (number && *number >= least && *number <= most) return number;
  Note(key, Quoted(key) + " must be a whole number from " + std::to_string(least) + " to " +
                std::to_string(most) + ", not " + Quoted(found->text));
  return std::nullopt;
}

std::optional<std::chrono::seconds> Section::Span(std::string_view key) {
  const YamlValue* found = Read(key, Kind::kText, "a time span such as 5m or 24h");
  if (found == nullptr) return std::nullopt;
  const auto span = ParseSpan(found->text);
  if (!span) {
    Note(key, Quoted(key) + " must be a number above 0 with s, m, h or d, such as 5m or 24h, not " +
                  Quoted(found->text));
  }
  return span;
}

std::optional<bool> Section::Flag(std::string_view key) {
  const YamlValue* found = Read(key, Kind::kText, "true or false");
  if (found == nullptr) return std::nullopt;
  // The spellings of YAML 1.2's core schema.
  for (const bool truth : {true, false}) {
    for (const auto* word : truth ? kTrue : kFalse) {
      if (!found->quoted && found->text == word) return truth;
    }
  }
  Note(key, Quoted(key) + " must be true or false" +
                (found->quoted ? ", without quotes" : ", not " + Quoted(found->text)));
  return std::nullopt;
}

const YamlValue* Section::List(std::string_view key) { return Read(key, Kind::kList, "a list"); }
const YamlValue* Section::Map(std::string_view key) { return Read(key, Kind::kMap, "a map"); }

std::optional<std::vector<std::string>> Section::Texts(std::string_view key) {
  const YamlValue* list = List(key);
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& item : list->children) {
    if (item->kind != Kind::kText) {
      errors_.Add(item->position, Quoted(key) + " must be a list of texts; an item is " +
                                      std::string(KindText(item->kind)));
    } else if (auto text = TextOf(key, *item, "")) {
      texts.push_back(std::move(*text));
    }
  }
  return texts;
}

const YamlValue* Section::Any(std::string_view key) {
  known_.emplace_back(key);
  return Find(key);
}

std::vector<std::string> Section::Keys() const {
  std::vector<std::string> keys;
  for (std::size_t i = 0; is_map() && i < value_.children.size(); i += 2) {
    if (value_.children[i]->kind == Kind::kText) keys.push_back(value_.children[i]->text);
  }
  return keys;
}

void Section::Require(std::string_view key, std::string_view what_it_is) {
  if (!is_map() || Find(key) != nullptr) return;
  errors_.Add(value_.position,
              std::string(name_) + " needs " + Quoted(key) + ": " + std::string(what_it_is));
}

void Section::Note(std::string_view key, std::string text) {
  errors_.Add(PositionOf(key), std::move(text));
}

TextPosition Section::PositionOf(std::string_view key) const {
  const YamlValue* found = Find(key);
  return found == nullptr ? value_.position : found->position;
}

void Section::RefuseOtherKeys() {
  std::map<std::string_view, TextPosition> seen;
  for (std::size_t i = 0; is_map() && i < value_.children.size(); i += 2) {
    const YamlValue& key = *value_.children[i];
    if (key.kind != Kind::kText) {
      errors_.Add(key.position, "a key must be text, not " + std::string(KindText(key.kind)));
    } else if (std::ranges::find(known_, key.text) == known_.end()) {
      errors_.Add(key.position, DescribeUnknown(key.text, known_));
    } else if (const auto [first, is_new] = seen.emplace(key.text, key.position); !is_new) {
      errors_.Add(key.position, "key " + Quoted(key.text) + " is a duplicate; first in line " +
                                    std::to_string(first->second.line));
    }
  }
}

}  // namespace backup_exporter

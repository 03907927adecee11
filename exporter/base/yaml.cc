#include "base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "base/utf8.h"

namespace backup_exporter {
namespace {

using Kind = YamlValue::Kind;

constexpr std::size_t kDeepest = 64;
// Including the values behind aliases: a few lines of aliases to aliases can mean billions.
constexpr std::size_t kMostValues = 100'000;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kTab = "tab in the indentation: use spaces only";

// yaml-cpp's messages, and what they mean to the author of a file.
const std::pair<std::string_view, std::string_view> kPlainTexts[] = {
    {YAML::ErrorMsg::TAB_IN_INDENTATION, kTab},
    {YAML::ErrorMsg::END_OF_MAP,
     "neither a key of the map above nor a list item: check the indentation, and put quotes "
     "around text that begins with a quote, `{` or `[`"},
    {YAML::ErrorMsg::END_OF_SEQ,
     "neither an item of the list above nor a key next to it: check the indentation"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "this `{` is not closed with `}`"},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "this `[` is not closed with `]`"},
    {YAML::ErrorMsg::FLOW_END, "closing bracket without an opening one"},
    {YAML::ErrorMsg::MAP_VALUE,
     "a key is not allowed here: check the indentation of this line and the line before, put a "
     "space after the `:` of a key, and put quotes around text that contains `: `"},
    {YAML::ErrorMsg::BLOCK_ENTRY, "a list item is not allowed here: start the list on a new line"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "text that begins with this character needs quotes"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, "unknown alias: text that begins with `*` needs quotes"},
    {YAML::ErrorMsg::ALIAS_NOT_FOUND, "text that begins with `*` needs quotes"},
    {YAML::ErrorMsg::ANCHOR_NOT_FOUND, "text that begins with `&` needs quotes"},
    {YAML::ErrorMsg::CHAR_IN_ALIAS, "text that begins with `*` needs quotes"},
    {YAML::ErrorMsg::CHAR_IN_ANCHOR, "text that begins with `&` needs quotes"},
    {YAML::ErrorMsg::CHAR_IN_BLOCK, "text that begins with `|` or `>` needs quotes"},
    {YAML::ErrorMsg::DOC_IN_SCALAR, "a quote above this line is never closed"},
    {YAML::ErrorMsg::INVALID_ESCAPE,
     "invalid escape: in double quotes write `\\\\` for a backslash, or use single quotes"},
};

struct SyntaxError {
  TextPosition position;
  std::string text;
};

TextPosition PositionAt(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// yaml-cpp would guess another encoding or replace such bytes.
std::optional<SyntaxError> FindForeignBytes(std::string_view text) {
  TextPosition position{1, 1};
  for (std::size_t i = 0, size = 0; i < text.size(); i += size) {
    size = CodePointLength(text.substr(i));
    if (size == 0) return SyntaxError{position, "this is not UTF-8 text"};
    if (text[i] == '\n') {
      position = {position.line + 1, 1};
      continue;
    }
    if (text[i] != '\t' && text[i] != '\r' && IsControl(text, i)) {
      return SyntaxError{position, "control character, which YAML does not allow"};
    }
    position.column += static_cast<int>(size);
  }
  return std::nullopt;
}

// Whether the quoted text at the start of `text`, perhaps after an anchor and a tag, is never
// closed. yaml-cpp accepts the end of the file in place of the quote.
bool IsLeftOpen(std::string_view text) {
  while (text.starts_with('&') || text.starts_with('!')) {
    text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) return false;  // a block scalar
  const char quote = text[0];
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || text.substr(i + 1, 1) != "'") return false;
      ++i;  // '' is an escaped quote
    }
  }
  return true;
}

// Builds values from the parser's events.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view text) : text_(text) {}

  std::shared_ptr<const YamlValue> root() const { return root_; }
  // The position of the innermost list or map that has not ended.
  std::optional<TextPosition> open_position() const {
    if (open_.empty()) return std::nullopt;
    return open_.back().value->position;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_ != nullptr) {
      throw SyntaxError{PositionAt(mark),
                        "the file must be one YAML document, which ends before this line"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto value = Make(Kind::kNothing, mark, "");
    if (!open_.empty()) value->position = PositionOfMissing(*open_.back().value, mark);
    Put({std::move(value), anchor}, PositionAt(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    auto value = Make(Kind::kText, mark, tag);
    value->text = text;
    value->quoted = tag == "!";
    const auto at = static_cast<std::size_t>(mark.pos);
    if (value->quoted && at < text_.size() && IsLeftOpen(text_.substr(at))) {
      throw SyntaxError{PositionAt(mark), "this quote is never closed"};
    }
    Put({std::move(value), anchor}, PositionAt(mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw SyntaxError{PositionAt(mark), "alias inside the value that it refers to"};
    }
    Put(found->second, PositionAt(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Begin(Kind::kList, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { End(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Begin(Kind::kMap, mark, tag, anchor, style);
  }
  void OnMapEnd() override { End(); }

 private:
  using Pointer = std::shared_ptr<YamlValue>;
  struct Sized {
    Pointer value;
    YAML::anchor_t anchor = 0;  // 0: none
    std::size_t size = 1;       // the number of values, with aliases expanded
  };

  static Pointer Make(Kind kind, const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {  // "?" is plain, "!" is quoted
      throw SyntaxError{PositionAt(mark),
                        "tags are not supported; text that begins with `!` needs quotes"};
    }
    auto value = std::make_shared<YamlValue>();
    value->kind = kind;
    value->position = PositionAt(mark);
    return value;
  }
  void Begin(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
             YAML::EmitterStyle::value style) {
    if (open_.size() == kDeepest) {
      throw SyntaxError{PositionAt(mark), "lists and maps are nested too deeply"};
    }
    open_.push_back({Make(kind, mark, tag), anchor});
    open_.back().value->flow = style == YAML::EmitterStyle::Flow;
  }
  // yaml-cpp marks a missing value at whatever follows it. This is the position of its key, or of
  // the dash of its list item, instead.
  TextPosition PositionOfMissing(const YamlValue& parent, const YAML::Mark& mark) const {
    const bool has_key = parent.kind == Kind::kMap && parent.children.size() % 2 == 1;
    if (has_key) return parent.children.back()->position;
    if (parent.kind == Kind::kMap || parent.flow) return PositionAt(mark);
    const auto pos = std::min(static_cast<std::size_t>(mark.pos), text_.size());
    const std::size_t dash = text_.substr(0, pos).rfind('-');
    if (dash == text_.npos) return PositionAt(mark);
    const std::size_t line = text_.rfind('\n', dash) + 1;
    const auto lines_after = std::ranges::count(text_.substr(dash, pos - dash), '\n');
    return {mark.line + 1 - static_cast<int>(lines_after), static_cast<int>(dash - line) + 1};
  }
  void End() {
    Sized last = std::move(open_.back());
    open_.pop_back();
    const TextPosition position = last.value->position;
    Put(std::move(last), position);
  }
  void Put(Sized one, TextPosition position) {
    if (one.anchor != 0) anchors_[one.anchor] = one;
    if (open_.empty()) {
      root_ = std::move(one.value);
    } else {
      open_.back().size += one.size;
      if (open_.back().size > kMostValues) {
        throw SyntaxError{position, "more than 100000 values, including those behind aliases"};
      }
      open_.back().value->children.push_back(std::move(one.value));
    }
  }

  std::string_view text_;
  Pointer root_;
  std::vector<Sized> open_;
  std::map<YAML::anchor_t, Sized> anchors_;
};

// The plain text for an error of yaml-cpp, at the position where it is to be corrected.
SyntaxError Explain(const YAML::Exception& exception, std::string_view text,
                    const Builder& builder) {
  const YAML::Mark& mark = exception.mark;
  const auto before = text.substr(0, static_cast<std::size_t>(std::max(mark.pos, 0)));
  const std::size_t line = before.rfind('\n') + 1;
  const std::size_t indented = std::min(text.find_first_not_of(" \t", line), text.size());
  if (const auto tab = text.substr(line, indented - line).find('\t'); tab != text.npos) {
    return {{mark.line + 1, static_cast<int>(tab) + 1}, std::string(kTab)};
  }
  for (const auto& [words, plain] : kPlainTexts) {
    if (!exception.msg.starts_with(words)) continue;
    const bool unclosed =
        words == YAML::ErrorMsg::END_OF_MAP_FLOW || words == YAML::ErrorMsg::END_OF_SEQ_FLOW;
    return {unclosed ? builder.open_position().value_or(PositionAt(mark)) : PositionAt(mark),
            std::string(plain)};
  }
  return {PositionAt(mark), "invalid YAML: " + exception.msg};
}

}  // namespace

std::shared_ptr<const YamlValue> ParseYaml(std::string_view file, ConfigErrors& errors) {
  if (file.starts_with(kByteOrderMark)) file.remove_prefix(kByteOrderMark.size());
  const std::string text = std::string(file) + "\n";  // so that an unclosed quote always ends alike
  Builder builder(text);
  try {
    if (auto foreign = FindForeignBytes(text)) throw *foreign;
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.root() ? builder.root() : std::make_shared<YamlValue>();
  } catch (const SyntaxError& error) {
    errors.Add(error.position, error.text);
  } catch (const YAML::Exception& exception) {
    const SyntaxError error = Explain(exception, text, builder);
    errors.Add(error.position, error.text);
  }
  return nullptr;
}

}  // namespace backup_exporter

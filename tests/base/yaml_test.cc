#include "base/yaml.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

namespace backup_exporter {
namespace {

using ::testing::ElementsAre;
using Kind = YamlValue::Kind;

std::shared_ptr<const YamlValue> Parse(std::string_view text) {
  ConfigErrors errors("a.yaml");
  auto value = ParseYaml(text, errors);
  for (const ConfigError& error : errors.Sorted()) ADD_FAILURE() << Describe(error);
  return value ? value : std::make_shared<YamlValue>();
}

std::vector<std::string> ErrorsOf(std::string_view text) {
  ConfigErrors errors("a.yaml");
  EXPECT_EQ(ParseYaml(text, errors), nullptr);
  std::vector<std::string> described;
  for (const ConfigError& error : errors.Sorted()) described.push_back(Describe(error));
  return described;
}

std::string PositionOf(const YamlValue& value) {
  return std::to_string(value.position.line) + ":" + std::to_string(value.position.column);
}

std::string Repeated(std::string_view text, std::size_t times) {
  std::string repeated;
  for (std::size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(Yaml, AValueHasItsKindAndPosition) {
  const auto root = Parse("a:\n  - text\n  - {b: 'x'}\n  - [y]\nc: ~\n");
  ASSERT_EQ(root->kind, Kind::kMap);
  ASSERT_EQ(root->children.size(), 4u);
  EXPECT_EQ(root->children[0]->text, "a");
  const YamlValue& list = *root->children[1];
  ASSERT_EQ(list.kind, Kind::kList);
  ASSERT_EQ(list.children.size(), 3u);
  EXPECT_EQ(PositionOf(list), "2:3");
  EXPECT_EQ(list.children[0]->kind, Kind::kText);
  EXPECT_EQ(list.children[0]->text, "text");
  EXPECT_EQ(PositionOf(*list.children[0]), "2:5");
  EXPECT_EQ(list.children[1]->kind, Kind::kMap);
  EXPECT_EQ(PositionOf(*list.children[1]), "3:5");
  EXPECT_EQ(PositionOf(*list.children[1]->children[1]), "3:9");
  EXPECT_EQ(list.children[2]->kind, Kind::kList);
  EXPECT_EQ(PositionOf(*list.children[2]), "4:5");
  EXPECT_EQ(root->children[3]->kind, Kind::kNothing);
}

TEST(Yaml, FlowStyleAndQuotesAreRecorded) {
  const auto root = Parse("- true\n- 'true'\n- \"true\"\n- [x]\n- {x: y}\n-\n  - x\n- x: y\n");
  ASSERT_EQ(root->children.size(), 7u);
  EXPECT_FALSE(root->children[0]->quoted);
  EXPECT_TRUE(root->children[1]->quoted);
  EXPECT_TRUE(root->children[2]->quoted);
  EXPECT_TRUE(root->children[3]->flow);
  EXPECT_TRUE(root->children[4]->flow);
  EXPECT_FALSE(root->children[5]->flow);
  EXPECT_FALSE(root->children[6]->flow);
}

TEST(Yaml, AMissingValueIsAtItsKeyOrDash) {
  const auto map = Parse("a:\n\n# - comment\nb: null\n");
  ASSERT_EQ(map->children.size(), 4u);
  EXPECT_EQ(PositionOf(*map->children[1]), "1:1");
  EXPECT_EQ(PositionOf(*map->children[3]), "4:1");
  const auto list = Parse("- x\n-\n\n- y\n-   \n");
  ASSERT_EQ(list->children.size(), 4u);
  EXPECT_EQ(PositionOf(*list->children[1]), "2:1");
  EXPECT_EQ(PositionOf(*list->children[3]), "5:1");
}

TEST(Yaml, PositionsDoNotCountAByteOrderMark) {
  const auto root = Parse("\uFEFFa: x\nb: y\n");
  ASSERT_EQ(root->children.size(), 4u);
  EXPECT_EQ(PositionOf(*root->children[0]), "1:1");
  EXPECT_EQ(PositionOf(*root->children[1]), "1:4");
  EXPECT_EQ(PositionOf(*root->children[3]), "2:4");
}

TEST(Yaml, LinesMayEndWithCrLf) {
  const auto root = Parse("a: x\r\nb: y\r\n");
  ASSERT_EQ(root->children.size(), 4u);
  EXPECT_EQ(root->children[1]->text, "x");
  EXPECT_EQ(PositionOf(*root->children[3]), "2:4");
}

TEST(Yaml, AnAliasSharesTheValueOfItsAnchor) {
  const auto root = Parse("a: &x [1, 2]\nb: *x\n");
  ASSERT_EQ(root->children.size(), 4u);
  EXPECT_EQ(root->children[1], root->children[3]);
}

TEST(Yaml, ATextWithoutContentIsNothing) {
  for (const std::string_view text : {"", "\n\n", "# comment\n", "---\n", "~\n", "\uFEFF"}) {
    EXPECT_EQ(Parse(text)->kind, Kind::kNothing) << text;
  }
}

TEST(Yaml, EveryUnicodeCharacterIsAcceptedAsText) {
  for (const std::string_view text : {"ü", "€", "\uD7FF", "\uE000", "\U00010000", "\U0010FFFF"}) {
    EXPECT_EQ(Parse(text)->text, text);
  }
}

TEST(Yaml, BytesThatAreNotUtf8AreRefused) {
  // Truncated, a lone continuation byte, overlong, a surrogate, above U+10FFFF, an invalid byte.
  for (const std::string_view bytes :
       {"\xC3", "\xE2\x82", "\xF0\x9F\x98", "\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF",
        "\xF0\x80\x80\xAF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "\xFE", "\xE2(\xA1"}) {
    EXPECT_THAT(ErrorsOf("a: ü\nb: x" + std::string(bytes) + "\n"),
                ElementsAre("a.yaml:2:5: this is not UTF-8 text"));
  }
}

TEST(Yaml, ControlCharactersAreRefused) {
  for (const std::string_view bytes : {"\x01", "\x1B", "\x7F", "\u0085", "\u009F"}) {
    EXPECT_THAT(ErrorsOf("a: " + std::string(bytes)),
                ElementsAre("a.yaml:1:4: control character, which YAML does not allow"));
  }
  EXPECT_THAT(ErrorsOf(std::string_view("\0a", 2)),
              ElementsAre("a.yaml:1:1: control character, which YAML does not allow"));
}

TEST(Yaml, ClosedQuotesAreAccepted) {
  for (const std::string_view text :
       {"'a'", "''", "'it''s'", "''''", "\"\"", "\"a\"", R"("\"")", R"("\\")", "\"a\n b\"",
        "&x 'a'", "&x\n\"a\"", "|\n \"a", ">\n 'a", "a\"", "it's"}) {
    EXPECT_EQ(Parse(text)->kind, Kind::kText) << text;
  }
}

TEST(Yaml, UnclosedQuotesAreRefused) {
  for (const std::string_view text : {"'", "'a", "'a\n\n", "'it''", "'''", "\"", "\"a\n", R"("\")",
                                      R"("a\\\")", "&x 'a", "&x\n  \"a", "! 'a"}) {
    const auto errors = ErrorsOf(text);
    ASSERT_EQ(errors.size(), 1u) << text;
    EXPECT_THAT(errors[0], ::testing::EndsWith("this quote is never closed"));
  }
}

TEST(Yaml, NestingIsLimited) {
  const auto nested = [](std::size_t depth) { return Repeated("[", depth) + Repeated("]", depth); };
  EXPECT_EQ(Parse(nested(64))->kind, Kind::kList);
  EXPECT_THAT(ErrorsOf(nested(65)),
              ElementsAre("a.yaml:1:65: lists and maps are nested too deeply"));
}

TEST(Yaml, DeepNestingIsAnOrdinaryError) {
  for (const std::string_view part : {"[", "{", "{a: ", "[[],", "[a, ", "[a: ", "[? ", "- ", "? ",
                                      ": ", "a: [", "- ? ", "&a [", "[&a ", "!a ", "[\"", "*a "}) {
    EXPECT_FALSE(ErrorsOf(Repeated(part, 20000)).empty()) << part;
  }
  std::string stairs;
  for (std::size_t i = 0; i < 300; ++i) stairs += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(ErrorsOf(stairs), ElementsAre("a.yaml:65:65: lists and maps are nested too deeply"));
}

}  // namespace
}  // namespace backup_exporter

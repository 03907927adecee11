#include "base/section.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "base/yaml.h"

namespace backup_exporter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The errors from reading the text as a section.
std::vector<std::string> ErrorsOf(std::string_view text,
                                  const std::function<void(Section&)>& read) {
  ConfigErrors errors("a.yaml");
  const auto value = ParseYaml(text, errors);
  if (value) {
    Section section(*value, "a thing", errors);
    read(section);
  }
  std::vector<std::string> described;
  for (const ConfigError& error : errors.Sorted()) described.push_back(Describe(error));
  return described;
}

TEST(Section, AKeyHasItsValue) {
  const auto errors =
      ErrorsOf("t: x y\nq: 'true'\nf: true\nl: [1, 2]\nm: {a: b}\nn: 0x1F\n", [](Section& section) {
        EXPECT_EQ(section.Text("t"), "x y");
        EXPECT_EQ(section.Text("q"), "true");
        EXPECT_EQ(section.Flag("f"), true);
        ASSERT_NE(section.List("l"), nullptr);
        EXPECT_EQ(section.List("l")->children.size(), 2u);
        ASSERT_NE(section.Map("m"), nullptr);
        EXPECT_EQ(section.Map("m")->children.size(), 2u);
        EXPECT_EQ(section.Text("n"), "0x1F");
        section.RefuseOtherKeys();
      });
  EXPECT_THAT(errors, IsEmpty());
}

TEST(Section, AMissingKeyHasNoValueAndIsNoError) {
  const auto errors = ErrorsOf("{}", [](Section& section) {
    EXPECT_EQ(section.Text("a"), std::nullopt);
    EXPECT_EQ(section.Flag("a"), std::nullopt);
    EXPECT_EQ(section.List("a"), nullptr);
    EXPECT_EQ(section.Map("a"), nullptr);
    section.RefuseOtherKeys();
  });
  EXPECT_THAT(errors, IsEmpty());
}

TEST(Section, OnlyARequiredKeyMustBePresent) {
  const auto read = [](Section& section) { section.Require("a", "its letter"); };
  EXPECT_THAT(ErrorsOf("\n  {b: 1}", read),
              ElementsAre("a.yaml:2:3: a thing needs `a`: its letter"));
  EXPECT_THAT(ErrorsOf("a: []", read), IsEmpty());
}

TEST(Section, AValueThatIsNotAMapIsOneErrorAndHasNoKeys) {
  const auto read = [](Section& section) {
    section.Require("a", "its letter");
    EXPECT_EQ(section.Text("a"), std::nullopt);
    section.RefuseOtherKeys();
  };
  EXPECT_THAT(ErrorsOf("[a, b]", read),
              ElementsAre("a.yaml:1:1: a thing must be a map (`key: value`), not a list"));
  EXPECT_THAT(ErrorsOf("a", read),
              ElementsAre("a.yaml:1:1: a thing must be a map (`key: value`), not text"));
}

TEST(Section, AValueOfTheWrongKindIsAnError) {
  const auto errors =
      ErrorsOf("a: {x}\nb: [x]\nc:\n  - x\nd:\ne: x\nf: x\ng: [x]\n", [](Section& section) {
        EXPECT_EQ(section.Text("a"), std::nullopt);
        EXPECT_EQ(section.Text("b"), std::nullopt);
        EXPECT_EQ(section.Text("c"), std::nullopt);
        EXPECT_EQ(section.Text("d"), std::nullopt);
        EXPECT_EQ(section.List("e"), nullptr);
        EXPECT_EQ(section.Map("f"), nullptr);
        EXPECT_EQ(section.Flag("g"), std::nullopt);
      });
  EXPECT_THAT(
      errors,
      ElementsAre(
          "a.yaml:1:4: `a` must be text, not a map; text that begins with `{` needs quotes",
          "a.yaml:2:4: `b` must be text, not a list; text that begins with `[` needs quotes",
          "a.yaml:4:3: `c` must be text, not a list", "a.yaml:5:1: `d` must be text, not nothing",
          "a.yaml:6:4: `e` must be a list, not text", "a.yaml:7:4: `f` must be a map, not text",
          "a.yaml:8:4: `g` must be true or false, not a list"));
}

TEST(Section, TextIsOneLineAndNotEmpty) {
  const auto errors =
      ErrorsOf("a: ''\nb: \"x\\ny\"\nc: |\n  x\nd: \"\\x9F\"\n", [](Section& section) {
        for (const auto* key : {"a", "b", "c", "d"}) EXPECT_EQ(section.Text(key), std::nullopt);
      });
  EXPECT_THAT(errors, ElementsAre("a.yaml:1:4: `a` must not be empty",
                                  "a.yaml:2:4: `b` must be one line without control characters",
                                  "a.yaml:3:4: `c` must be one line without control characters",
                                  "a.yaml:5:4: `d` must be one line without control characters"));
}

TEST(Section, AFlagIsOnlyTrueOrFalse) {
  for (const std::string value : {"yes", "no", "on", "off", "tRUE", "1", "y"}) {
    EXPECT_THAT(ErrorsOf("a: " + value,
                         [](Section& section) { EXPECT_EQ(section.Flag("a"), std::nullopt); }),
                ElementsAre("a.yaml:1:4: `a` must be true or false, not `" + value + "`"));
  }
  EXPECT_THAT(
      ErrorsOf("a: 'true'", [](Section& section) { EXPECT_EQ(section.Flag("a"), std::nullopt); }),
      ElementsAre("a.yaml:1:4: `a` must be true or false, without quotes"));
  for (const std::string word : {"false", "False", "FALSE"}) {
    EXPECT_THAT(
        ErrorsOf("a: " + word, [](Section& section) { EXPECT_EQ(section.Flag("a"), false); }),
        IsEmpty());
  }
}

TEST(Section, AnUnknownKeyGetsTheNearestKeyAsASuggestion) {
  const auto error = [](const std::string& key) {
    const auto errors = ErrorsOf(key + ": x", [](Section& section) {
      for (const auto* known : {"format", "path", "name", "extended_status"}) {
        EXPECT_EQ(section.Text(known), std::nullopt);
      }
      section.RefuseOtherKeys();
    });
    return errors.size() == 1 ? errors[0] : "";
  };
  EXPECT_EQ(error("fromat"), "a.yaml:1:1: unknown key `fromat`; did you mean `format`?");
  EXPECT_EQ(error("frmats"), "a.yaml:1:1: unknown key `frmats`; did you mean `format`?");
  EXPECT_EQ(error("paths"), "a.yaml:1:1: unknown key `paths`; did you mean `path`?");
  EXPECT_EQ(error("pth"), "a.yaml:1:1: unknown key `pth`; did you mean `path`?");
  EXPECT_EQ(error("Name"), "a.yaml:1:1: unknown key `Name`; did you mean `name`?");
  EXPECT_EQ(error("extended-status"),
            "a.yaml:1:1: unknown key `extended-status`; did you mean `extended_status`?");
  const std::string all = "; known keys: `format`, `path`, `name`, `extended_status`";
  EXPECT_EQ(error("match"), "a.yaml:1:1: unknown key `match`" + all);
  EXPECT_EQ(error("x"), "a.yaml:1:1: unknown key `x`" + all);
  EXPECT_EQ(error(std::string(1000, 'x')),
            "a.yaml:1:1: unknown key `" + std::string(100, 'x') + "…`" + all);
}

TEST(Section, DuplicateKeysAreErrorsHoweverTheyAreWritten) {
  const auto errors = ErrorsOf("a: 1\nb: 2\n'a': 3\n\"\\x61\": 4\n", [](Section& section) {
    EXPECT_EQ(section.Text("a"), "1");
    EXPECT_EQ(section.Text("b"), "2");
    section.RefuseOtherKeys();
  });
  EXPECT_THAT(errors, ElementsAre("a.yaml:3:1: key `a` is a duplicate; first in line 1",
                                  "a.yaml:4:1: key `a` is a duplicate; first in line 1"));
}

TEST(Section, KeysThatAreNotTextAreErrors) {
  const auto errors =
      ErrorsOf("[a]: 1\n{b: c}: 2\n~: 3\n", [](Section& section) { section.RefuseOtherKeys(); });
  EXPECT_THAT(errors, ElementsAre("a.yaml:1:1: a key must be text, not a list",
                                  "a.yaml:2:1: a key must be text, not a map",
                                  "a.yaml:3:1: a key must be text, not nothing"));
}

}  // namespace
}  // namespace backup_exporter

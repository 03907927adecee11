#include "decoders/decoders.h"

#include <gmock/gmock.h>

#include <string>

namespace backup_exporter {
namespace {

TEST(Formats, EveryFormatIsFoundByItsName) {
  EXPECT_FALSE(Formats().empty());
  for (const Format& format : Formats()) {
    const Format* found = FormatNamed(format.name);
    ASSERT_NE(found, nullptr) << format.name;
    EXPECT_EQ(found->name, format.name);
  }
  EXPECT_EQ(FormatNamed("kopia"), nullptr);
  EXPECT_EQ(FormatNamed(""), nullptr);
}

// A default name is the stem of the file, or a placeholder that the records fill.
TEST(Formats, DefaultNamesUsePlaceholdersThatTheRecordsFill) {
  for (const Format& format : Formats()) {
    if (format.backup.empty() || format.backup == "{stem}") continue;
    EXPECT_THAT(format.placeholders, testing::Contains(format.backup)) << format.name;
  }
}

TEST(Formats, EveryRecordIsCountedAndAFreshDecoderHasNoState) {
  for (const Format& format : Formats()) {
    const auto decoder = format.make({});
    EXPECT_EQ(decoder->Save(), "") << format.name;
    Decoded out;
    decoder->Decode({.bytes = "not a record", .offset = 3}, out);
    EXPECT_EQ(out.counts.records, 1U) << format.name;
    EXPECT_EQ(out.counts.parse_errors + out.counts.text, 1U) << format.name;
    EXPECT_THAT(out.events, testing::IsEmpty()) << format.name;
  }
}

}  // namespace
}  // namespace backup_exporter

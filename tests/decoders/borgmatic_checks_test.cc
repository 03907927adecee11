// The markers of borgmatic's checks.
#include <gmock/gmock.h>

#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

TEST(BorgmaticChecks, ACheckSucceededWhenItsMarkerWasModified) {
  const auto decoder = MakeDecoder("borgmatic-checks");
  Decoded out;
  decoder->Decode({.bytes = "2026-11-21T00:23:08.123456Z /state/checks/ab/repository", .offset = 0},
                  out);
  EXPECT_THAT(EventTexts(out.events),
              testing::ElementsAre("finished check success evidence=report final "
                                   "end=2026-11-21T00:23:08.123456Z"));
  decoder->Decode({.bytes = "yesterday /x", .offset = 0}, out);
  EXPECT_EQ(CountsText(out.counts), "records=2 parse_errors=1");
}

}  // namespace
}  // namespace backup_exporter

// Files whose modification time is the record.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "kit/source_rig.h"

namespace backup_exporter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StampsTest : public testing::Test {
 protected:
  // Touches a file so many seconds after 2026-11-21T00:00:00Z.
  void Touch(const std::string& name, int second) {
    const std::string path = rig_.directory / name;
    std::ofstream(path, std::ios::app).close();
    const timespec times[2] = {{.tv_sec = 1'795'219'200 + second, .tv_nsec = 500'000},
                               {.tv_sec = 1'795'219'200 + second, .tv_nsec = 500'000}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  std::string Record(const std::string& name, int second) {
    return "2026-11-21T00:00:0" + std::to_string(second) + ".000500Z " + (rig_.directory / name);
  }

  SourceRig rig_{"*", Framing::kStamps};
};

TEST_F(StampsTest, AStampIsARecordWithItsTimeAndPath) {
  Touch("repository", 1);
  Touch("archives", 2);
  EXPECT_THAT(rig_.Read(), ElementsAre(Record("archives", 2), Record("repository", 1)));
  EXPECT_EQ(rig_.Status().files, 2U);
  EXPECT_TRUE(rig_.Status().up);
}

TEST_F(StampsTest, EachTouchIsOneRecord) {
  Touch("repository", 1);
  EXPECT_THAT(rig_.Read(), ElementsAre(Record("repository", 1)));
  EXPECT_THAT(rig_.ReadAfterSweep(), IsEmpty());
  Touch("repository", 2);
  EXPECT_THAT(rig_.ReadAfterChange("repository"), ElementsAre(Record("repository", 2)));
}

TEST_F(StampsTest, AStampIsNotReadAgainAfterARestart) {
  Touch("repository", 1);
  EXPECT_THAT(rig_.Read(), ElementsAre(Record("repository", 1)));
  rig_.Start();
  EXPECT_THAT(rig_.Read(), IsEmpty());
  Touch("repository", 3);
  rig_.Start();
  EXPECT_THAT(rig_.Read(), ElementsAre(Record("repository", 3)));
}

TEST_F(StampsTest, ADeletedStampIsOver) {
  Touch("repository", 1);
  EXPECT_THAT(rig_.Read(), ElementsAre(Record("repository", 1)));
  std::remove((rig_.directory / "repository").c_str());
  EXPECT_THAT(rig_.ReadAfterSweep(), IsEmpty());
  EXPECT_EQ(rig_.Over(), 1);
  EXPECT_THAT(rig_.ledger, IsEmpty());
  Touch("repository", 2);
  EXPECT_THAT(rig_.ReadAfterSweep(), ElementsAre(Record("repository", 2)));
}

}  // namespace
}  // namespace backup_exporter

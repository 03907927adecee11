#include "metrics/process_usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <string>

#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using std::chrono::seconds;

constexpr Time kBooted{seconds(1'700'000'000)};

// A directory with the files of /proc that the reader needs, as Linux 6.1 writes them.
class ProcessUsageTest : public testing::Test {
 protected:
  ProcessUsageTest() {
    proc_.MakeDirectory("self/fd");
    for (const char* fd : {"0", "1", "2", "17"}) proc_.Write(std::string("self/fd/") + fd, "");
    WriteStat("backup_exporter", "250 150");
    WriteLimits("1024", "unlimited");
  }

  // `times` are the fields utime and stime.
  void WriteStat(const std::string& name, const std::string& times) const {
    proc_.Write("self/stat", "4711 (" + name + ") S 1 4711 4711 0 -1 4194560 2519 0 1 0 " + times +
                                 " 7 8 20 0 211 0 123450 187654144 5678 18446744073709551615 1 1 "
                                 "0 0 0 0 0 4096 1088 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  }
  void WriteLimits(const std::string& files, const std::string& address_space) const {
    proc_.Write("self/limits",
                "Limit                     Soft Limit           Hard Limit           Units     \n"
                "Max cpu time              unlimited            unlimited            seconds   \n"
                "Max open files            " +
                    files +
                    "                 1048576      files     \n"
                    "Max address space         " +
                    address_space + "            unlimited  bytes     \n");
  }
  [[nodiscard]] ProcessUsage Read() const {
    return ProcessUsageReader(proc_.path(), kBooted).Read();
  }

  TemporaryDirectory proc_;
};

Duration Ticks(std::int64_t ticks) { return Duration(ticks * 1'000'000 / sysconf(_SC_CLK_TCK)); }

TEST_F(ProcessUsageTest, EveryValueIsReadFromTheFilesOfProc) {
  const ProcessUsage usage = Read();
  EXPECT_EQ(usage.cpu_time, Ticks(400));
  EXPECT_EQ(usage.open_fds, 4U);
  EXPECT_EQ(usage.max_fds, 1024U);
  EXPECT_EQ(usage.virtual_bytes, 187'654'144U);
  EXPECT_EQ(usage.resident_bytes, 5678U * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(usage.started, kBooted + Ticks(123'450));
}

TEST_F(ProcessUsageTest, NoLimitIsTheLargestNumberAsInClientGolang) {
  WriteLimits("unlimited", "unlimited");
  EXPECT_EQ(Read().max_fds, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(Read().max_virtual_bytes, std::numeric_limits<std::uint64_t>::max());
  WriteLimits("1024", "1073741824");
  EXPECT_EQ(Read().max_virtual_bytes, std::uint64_t{1} << 30);
}

TEST_F(ProcessUsageTest, TheNameOfTheProgramMayContainSpacesAndParentheses) {
  WriteStat("a) b (c) 1 2", "250 150");
  EXPECT_EQ(Read().cpu_time, Ticks(400));
  EXPECT_EQ(Read().virtual_bytes, 187'654'144U);
}

TEST_F(ProcessUsageTest, AValueThatCannotBeReadIsAbsent) {
  proc_.Remove("self/limits");
  ProcessUsage usage = Read();
  EXPECT_FALSE(usage.max_fds || usage.max_virtual_bytes);
  EXPECT_TRUE(usage.open_fds && usage.cpu_time && usage.resident_bytes && usage.started);

  WriteStat("backup_exporter", "250 nonsense");
  usage = Read();
  EXPECT_FALSE(usage.cpu_time);
  EXPECT_TRUE(usage.virtual_bytes);

  for (const char* stat : {"", "4711", "4711 (backup_exporter", "4711 (backup_exporter) S 1\n"}) {
    proc_.Write("self/stat", stat);
    usage = Read();
    EXPECT_FALSE(usage.cpu_time || usage.virtual_bytes || usage.resident_bytes || usage.started)
        << stat;
  }
}

TEST_F(ProcessUsageTest, TheStartTimeIsAbsentWhereTheBootTimeIsUnknown) {
  const ProcessUsage usage = ProcessUsageReader(proc_.path(), std::nullopt).Read();
  EXPECT_FALSE(usage.started);
  EXPECT_TRUE(usage.cpu_time);
}

TEST(ProcessUsage, WithoutProcEveryValueIsAbsent) {
  const TemporaryDirectory empty;
  const ProcessUsage usage = ProcessUsageReader(empty.path(), kBooted).Read();
  EXPECT_FALSE(usage.cpu_time || usage.open_fds || usage.max_fds || usage.virtual_bytes ||
               usage.max_virtual_bytes || usage.resident_bytes || usage.started);
}

TEST(ProcessUsage, TheRealProcHasEveryValueOfThisProcess) {
  const ProcessUsage usage = ProcessUsageReader().Read();
  ASSERT_TRUE(usage.cpu_time && usage.open_fds && usage.max_fds && usage.virtual_bytes &&
              usage.max_virtual_bytes && usage.resident_bytes && usage.started);
  EXPECT_GE(*usage.open_fds, 3U);
  EXPECT_LE(*usage.open_fds, *usage.max_fds);
  EXPECT_GT(*usage.resident_bytes, 100'000U);
  EXPECT_GT(*usage.virtual_bytes, *usage.resident_bytes);
  const Time now = SystemClock().Now();
  EXPECT_GT(*usage.started, now - std::chrono::hours(1));
  EXPECT_LT(*usage.started, now + seconds(2)) << "boot time is in whole seconds";
}

}  // namespace
}  // namespace backup_exporter

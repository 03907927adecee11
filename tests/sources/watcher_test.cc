// The inotify watcher on real directories.
// Labels: threads

#include "sources/watcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "base/files.h"
#include "kit/mounts.h"
#include "kit/need.h"
#include "kit/temporary_directory.h"
#include "sources/source.h"

namespace backup_exporter {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::steady_clock;

class InotifyTest : public testing::Test {
 protected:
  // Waits until `found` is true for all changes since the last call.
  template <typename Predicate>
  bool Await(Predicate found) {
    const SteadyTime deadline = steady_clock::now() + minutes(1);
    Changes all;
    while (steady_clock::now() < deadline) {
      Changes changes = watcher->Drain();
      all.needs_sweep = all.needs_sweep || changes.needs_sweep;
      std::ranges::move(changes.files, std::back_inserter(all.files));
      if (found(all)) return true;
      watcher->Wait(deadline);
    }
    return false;
  }
  bool AwaitChange(const std::string& name, bool closed = false) {
    return Await([&](const Changes& changes) {
      return std::ranges::any_of(changes.files, [&](const Change& change) {
        return change.path == directory / name && (change.closed || !closed);
      });
    });
  }
  bool AwaitSweepRequest() {
    return Await([](const Changes& changes) { return changes.needs_sweep; });
  }
  bool Watch(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(directory / name);
    return watcher->Watch(paths);
  }

  TemporaryDirectory directory;
  std::unique_ptr<Watcher> watcher = MakeInotifyWatcher();
};

TEST_F(InotifyTest, WritingAndClosingAreReported) {
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  std::ofstream file(directory / "a");
  file << "1" << std::flush;
  EXPECT_TRUE(AwaitChange("a"));
  file.close();
  EXPECT_TRUE(AwaitChange("a", /*closed=*/true));
}

TEST_F(InotifyTest, AFileWrittenToAfterItWasClosedIsNotClosed) {
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  directory.Write("a", "1");
  std::ofstream file(directory / "a", std::ios::app);
  file << "2" << std::flush;
  const Changes changes = watcher->Drain();
  ASSERT_EQ(changes.files.size(), 1U) << "every path once";
  EXPECT_FALSE(changes.files[0].closed);
}

TEST_F(InotifyTest, ChangingPermissionsDoesNotUndoClosing) {
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  directory.Write("a", "1");
  ::chmod((directory / "a").c_str(), 0600);
  const Changes changes = watcher->Drain();
  ASSERT_EQ(changes.files.size(), 1U);
  EXPECT_TRUE(changes.files[0].closed);
}

TEST_F(InotifyTest, AMoveReportsBothNames) {
  directory.Write("a", "1");
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  directory.Rename("a", "b");
  const Changes changes = watcher->Drain();
  ASSERT_EQ(changes.files.size(), 2U);
  EXPECT_EQ(changes.files[0].path, directory / "b");
  EXPECT_EQ(changes.files[0].moved_from, directory / "a");
  EXPECT_FALSE(changes.files[0].created) << "it existed before";
  EXPECT_EQ(changes.files[1].path, directory / "a");
  EXPECT_EQ(changes.files[1].moved_from, "");
}

TEST_F(InotifyTest, AFileMovedSeveralTimesIsReportedWithItsFirstName) {
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  for (int i = 1; i <= 3; ++i) {
    directory.Write("a", "1");
    for (int old = i - 1; old >= 1; --old) {
      directory.Rename("a." + std::to_string(old), "a." + std::to_string(old + 1));
    }
    directory.Rename("a", "a.1");
  }
  directory.Write("a", "1");
  const Changes changes = watcher->Drain();
  ASSERT_EQ(changes.files.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(changes.files[i].path, directory / ("a." + std::to_string(3 - i)))
        << "in the order in which they left";
    EXPECT_EQ(changes.files[i].moved_from, directory / "a");
    EXPECT_TRUE(changes.files[i].created && changes.files[i].written && changes.files[i].closed);
  }
  EXPECT_EQ(changes.files[3].path, directory / "a");
  EXPECT_EQ(changes.files[3].moved_from, "") << "that is another file";
}

TEST_F(InotifyTest, NewFilesThatWereWrittenToAreReported) {
  directory.MakeDirectory("elsewhere");
  directory.Write("elsewhere/c", "1");
  directory.Write("d", "1");
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  directory.Write("a", "1");
  directory.Write("b", "");
  directory.Rename("elsewhere/c", "c");
  directory.Append("d", "2");
  directory.Rename("d", "elsewhere/d");
  const Changes changes = watcher->Drain();
  ASSERT_EQ(changes.files.size(), 4U);
  const auto is_new = [](const Change& change) { return change.created && change.written; };
  EXPECT_TRUE(is_new(changes.files[0]));
  EXPECT_FALSE(is_new(changes.files[1])) << "it is empty";
  EXPECT_TRUE(is_new(changes.files[2])) << "it may have had content before";
  EXPECT_FALSE(is_new(changes.files[3]));
}

TEST_F(InotifyTest, DeletionsAndChangesOfPermissionsAreReported) {
  directory.Write("a", "1");
  directory.Write("b", "1");
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  directory.Remove("a");
  EXPECT_TRUE(AwaitChange("a"));
  ::chmod((directory / "b").c_str(), 0600);
  EXPECT_TRUE(AwaitChange("b"));
}

TEST_F(InotifyTest, WithoutChangesNothingIsReported) {
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  const Changes changes = watcher->Drain();
  EXPECT_TRUE(changes.files.empty());
  EXPECT_FALSE(changes.needs_sweep);
}

TEST_F(InotifyTest, ExactlyTheGivenDirectoriesAreWatched) {
  directory.MakeDirectory("one");
  directory.MakeDirectory("two");
  ASSERT_TRUE(Watch({"one"}));
  ASSERT_TRUE(Watch({"two"}));
  directory.Write("one/a", "1");
  directory.Write("two/a", "1");
  EXPECT_TRUE(AwaitChange("two/a"));
  directory.Write("one/a", "2");
  const Changes changes = watcher->Drain();
  EXPECT_TRUE(changes.files.empty());
  EXPECT_FALSE(changes.needs_sweep);
}

TEST_F(InotifyTest, AMissingDirectoryIsNoFailure) {
  EXPECT_TRUE(Watch({"nowhere"}));
  directory.Write("file", "");
  EXPECT_TRUE(Watch({"file"}));
}

TEST_F(InotifyTest, ARecreatedDirectoryIsWatchedAnew) {
  directory.MakeDirectory("one");
  ASSERT_TRUE(Watch({"one"}));
  directory.Remove("one");
  EXPECT_TRUE(AwaitSweepRequest());
  directory.MakeDirectory("one");
  ASSERT_TRUE(Watch({"one"}));
  directory.Write("one/a", "1");
  EXPECT_TRUE(AwaitChange("one/a"));
}

TEST_F(InotifyTest, ADirectoryThatMovedAwayIsNotFollowed) {
  directory.MakeDirectory("one");
  ASSERT_TRUE(Watch({"one"}));
  directory.Rename("one", "elsewhere");
  EXPECT_TRUE(AwaitSweepRequest());
  directory.MakeDirectory("one");
  ASSERT_TRUE(Watch({"one"}));
  directory.Write("elsewhere/a", "1");
  directory.Write("one/b", "1");
  EXPECT_TRUE(Await([&](const Changes& changes) {
    EXPECT_TRUE(std::ranges::none_of(
        changes.files, [&](const Change& change) { return change.path == directory / "one/a"; }));
    return !changes.files.empty();
  }));
}

TEST_F(InotifyTest, ADirectoryThatIsMountedOverIsWatchedAnew) {
  directory.MakeDirectory("one");
  ASSERT_TRUE(Watch({"one"}));
  Mount disk(directory / "one");
  NEED(disk.mounted() ? "" : "only root may mount");
  ASSERT_TRUE(Watch({"one"}));
  directory.Write("one/a", "1");
  EXPECT_TRUE(AwaitChange("one/a"));
  disk.Unmount();
  ASSERT_TRUE(Watch({"one"}));
  directory.Write("one/b", "1");
  EXPECT_TRUE(AwaitChange("one/b"));
}

TEST_F(InotifyTest, ADirectoryWithTwoNamesReportsBoth) {
  directory.MakeDirectory("one");
  std::filesystem::create_directory_symlink("one", directory / "two");
  ASSERT_TRUE(Watch({"one", "two"}));
  directory.Write("one/a", "1");
  const Changes changes = watcher->Drain();
  ASSERT_EQ(changes.files.size(), 2U);
}

std::size_t QueueLimit() {
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  std::size_t limit = 0;
  limit_file >> limit;
  return limit;
}

TEST_F(InotifyTest, AQueueOverflowRequestsASweep) {
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  const std::size_t limit = QueueLimit();
  NEED(0 < limit && limit <= 100'000 ? "" : "the queue is too long to fill");
  std::ofstream one(directory / "a");
  std::ofstream two(directory / "b");
  for (std::size_t i = 0; i <= limit / 2 + 1;
       ++i) {  // alternating, as equal events in a row are merged
    one << "1" << std::flush;
    two << "1" << std::flush;
  }
  EXPECT_TRUE(watcher->Drain().needs_sweep);
  EXPECT_FALSE(watcher->Drain().needs_sweep);
}

TEST_F(InotifyTest, WakeEndsAWaitFromAnotherThread) {
  ASSERT_TRUE(watcher->Watch({directory.path()}));
  std::jthread other([&] { watcher->Wake(); });
  watcher->Wait(SteadyTime::max());  // returns at once, or the test times out
}

TEST_F(InotifyTest, WakeEndsAWaitThatHasNotBegun) {
  watcher->Wake();
  const SteadyTime before = steady_clock::now();
  watcher->Wait(before + minutes(1));
  EXPECT_LT(steady_clock::now(), before + seconds(50));
  watcher->Wait(SteadyTime::min());
}

class InotifySource : public InotifyTest {
 protected:
  std::vector<std::string> Read() {
    std::vector<std::string> records;
    for (const Piece& piece : source.Read({clock.Now(), clock.Steady()}, 1 << 20)) {
      for (const Record& record : piece.records) records.emplace_back(record.bytes);
      EXPECT_EQ(piece.step.read_bytes, piece.step.record_bytes + piece.step.skipped.all());
      source.Accept(piece.step, piece.file);
    }
    return records;
  }

  SystemFiles files;
  SystemClock clock;
  Source source{{.name = "test", .pattern = directory / "*.log"}, files, std::move(watcher), {}};
};

TEST_F(InotifySource, FilesRotatedTenTimesBeforeTheFirstLookAreRead) {
  EXPECT_TRUE(Read().empty());
  std::vector<std::string> expected;
  for (int i = 1; i <= 10; ++i) {
    directory.Append("a.log", std::to_string(i) + "\n");
    for (int old = i - 1; old >= 1; --old) {
      directory.Rename("a.log." + std::to_string(old), "a.log." + std::to_string(old + 1));
    }
    directory.Rename("a.log", "a.log.1");
    expected.push_back(std::to_string(i));
  }
  directory.Append("a.log", "new\n");
  expected.push_back("new");
  std::vector<std::string> records;
  while (source.NextRead() <= clock.Steady() || records.empty()) {
    std::ranges::move(Read(), std::back_inserter(records));
  }
  EXPECT_EQ(records, expected);
}

TEST_F(InotifySource, NothingIsLostWhenTheQueueOverflows) {
  const std::size_t limit = QueueLimit();
  NEED(0 < limit && limit <= 100'000 ? "" : "the queue is too long to fill");
  EXPECT_TRUE(Read().empty());
  std::ofstream one(directory / "a.log");
  std::ofstream two(directory / "b.log");
  const std::size_t lines = limit / 2 + 2;
  for (std::size_t i = 0; i < lines; ++i) {
    one << "1\n" << std::flush;
    two << "1\n" << std::flush;
  }
  directory.Write("c.log", "1\n");
  std::size_t read = 0;
  do {
    read += Read().size();
  } while (source.NextRead() <= clock.Steady());
  EXPECT_EQ(read, 2 * lines + 1);
}

TEST_F(InotifySource, FilesDeletedAtOnceAreReadOrCounted) {
  EXPECT_TRUE(Read().empty());
  constexpr std::size_t kFiles = 200;
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    for (std::size_t i = 0; i < kFiles; ++i) {
      const std::string name = std::to_string(i) + ".log";
      directory.Write(name, "1\n");
      directory.Remove(name);
    }
    done = true;
    source.watcher().Wake();
  });
  std::size_t read = 0;
  bool last = false;
  while (!last) {
    last = done;  // one more read after the writer is done
    if (!last) source.Wait(steady_clock::now() + seconds(25));
    do {
      read += Read().size();
    } while (source.NextRead() <= clock.Steady());
  }
  EXPECT_LE(read, kFiles);
  EXPECT_GE(read + source.status().missing, kFiles);
}

TEST_F(InotifySource, ChangesReportedByTheWatcherAreRead) {
  EXPECT_TRUE(Read().empty());
  EXPECT_FALSE(source.status().polling);
  std::vector<std::string> records;
  std::jthread writer([&] {
    for (int i = 0; i < 100; ++i) directory.Append("a.log", std::to_string(i) + "\n");
    directory.Rename("a.log", "a.log.1");
    for (int i = 100; i < 200; ++i) directory.Append("a.log", std::to_string(i) + "\n");
  });
  const SteadyTime deadline = steady_clock::now() + seconds(25);  // before the next sweep
  while (records.size() < 200 && steady_clock::now() < deadline) {
    source.Wait(deadline);
    std::ranges::move(Read(), std::back_inserter(records));
  }
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(records, expected);
}

}  // namespace
}  // namespace backup_exporter

// Each allocation in turn fails, those of SQLite included: the step that reads, decodes and commits
// either ends the program or fails, and the ledger stays intact.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <new>

#include "ingest/ingest.h"
#include "kit/fake_clock.h"
#include "kit/fake_watcher.h"
#include "kit/long_run.h"
#include "kit/process.h"
#include "kit/restic_log.h"
#include "kit/standings_text.h"
#include "kit/temporary_directory.h"

namespace {

long left = -1;         // allocations before the one that fails; negative: none fails
bool all_fail = false;  // those after it fail, too
bool failed = false;    // one has failed

bool Fails() {
  if (left < 0) return false;
  if (left > 0) {
    --left;
    return false;
  }
  if (!all_fail) left = -1;
  failed = true;
  return true;
}

void* Allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  if (Fails()) return nullptr;
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* AllocateOrThrow(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  void* memory = Allocate(std::max<std::size_t>(size, 1), alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

sqlite3_mem_methods sqlite_methods;

// Initialised before any database is opened.
const bool kSqliteIsHooked = [] {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_methods);
  sqlite3_mem_methods methods = sqlite_methods;
  methods.xMalloc = [](int size) { return Fails() ? nullptr : sqlite_methods.xMalloc(size); };
  methods.xRealloc = [](void* memory, int size) {
    return Fails() ? nullptr : sqlite_methods.xRealloc(memory, size);
  };
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}();

}  // namespace

void* operator new(std::size_t size) { return AllocateOrThrow(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return AllocateOrThrow(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace backup_exporter {
namespace {

namespace fs = std::filesystem;

// A ledger and one log, as the thread of a source has them.
class Life {
 public:
  explicit Life(const std::string& directory, const std::string& log) {
    auto opened = Ledger::Open({.directory = directory});
    if (!opened) return;
    ledger_ = std::move(*opened);
    IngestOptions options{
        .input = {.name = "log", .pattern = log}, .decoder = {}, .format = "restic"};
    ledger_->Configure({{.source = "log", .tool = "restic", .pattern = log, .backup = "{stem}"}});
    ledger_->Subscribe({{.monitor = "m", .states = {NoticeState::kFinish, NoticeState::kFail}}},
                       clock_.Now() - std::chrono::hours(24 * 365 * 10));
    auto made = Ingest::Create(options, files_, std::make_unique<FakeWatcher>(), *ledger_, board_);
    if (made) ingest_ = std::move(*made);
  }

  // One step. Failures are logged and counted, as always.
  void Step() { ingest_->Step(clock_.Both()); }
  // Enough steps to read everything.
  void Finish() {
    for (int turn = 0; turn < 10; ++turn) {
      Step();
      clock_.Advance(std::chrono::seconds(31));
    }
  }
  // The standings, and the pending notices.
  [[nodiscard]] std::string Contents() {
    std::string text = StandingsText(*ledger_->standings());
    for (const Notice& notice : ledger_->Pending("m", 1000)) {
      text += fmt::format("{} {}\n", Name(notice.state), notice.backup);
    }
    return text;
  }
  [[nodiscard]] bool ready() const { return ingest_ != nullptr; }

 private:
  FakeClock clock_{*ParseRfc3339("2026-01-02T00:00:00Z")};
  SystemFiles files_;
  StatusBoard board_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Ingest> ingest_;
};

class AllocationFailureAtLength : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(kSqliteIsHooked);
    WriteResticLog(directory_ / "whole", 8000, 5);
    const std::string whole = ReadText(directory_ / "whole");
    const std::size_t half = whole.find('\n', whole.size() / 2) + 1;
    // Some runs are in the ledger already.
    directory_.Write("home.jsonl", whole.substr(0, half));
    {
      Life life(before_, log_);
      ASSERT_TRUE(life.ready());
      life.Finish();
    }
    directory_.Append("home.jsonl", whole.substr(half));
    directory_.Append("home.jsonl",
                      "{\"message_type\":\"exit_error\",\"code\":1,\"message\":\"Fatal: no\"}\n");
    Restore();
    Life life(state_, log_);
    life.Finish();
    after_ = life.Contents();
  }

  // Restores the ledger of before the step.
  void Restore() const {
    fs::remove_all(state_);
    fs::copy(before_, state_);
  }

  // How a program ends whose n-th allocation in the step fails, or (`all`) the n-th and all later
  // ones.
  enum End { kNothingFailed, kContinued, kAborted };
  End Fail(long n, bool all) const {
    const pid_t child = fork();
    if (child == 0) {
      std::freopen("/dev/null", "w", stderr);
      Life life(state_, log_);
      if (!life.ready()) _exit(9);
      left = n;
      all_fail = all;
      try {
        life.Step();
      } catch (const std::exception&) {
        _exit(kAborted);  // as App does
      }
      left = -1;
      life.Finish();
      if (life.Contents() != after_) _exit(8);
      _exit(failed ? kContinued : kNothingFailed);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      EXPECT_EQ(WTERMSIG(status), SIGABRT) << "allocation " << n;
      return kAborted;
    }
    EXPECT_LE(WEXITSTATUS(status), kAborted) << "allocation " << n << ": its contents differ";
    return static_cast<End>(WEXITSTATUS(status));
  }

  TemporaryDirectory directory_;
  const std::string log_ = directory_ / "home.jsonl";
  const std::string before_ = directory_ / "before";
  const std::string state_ = directory_ / "state";
  std::string after_;
};

TEST_F(AllocationFailureAtLength, AFailedAllocationEndsTheProgramOrChangesNothing) {
  const int stride = HowMany(37, 1);
  int continued = 0;
  int aborted = 0;
  for (const bool all : {false, true}) {
    for (long n = 0;; n += stride) {
      Restore();
      const End end = Fail(n, all);
      if (end == kNothingFailed) {
        EXPECT_GT(n, 500) << "a step with a few runs allocates more often";
        break;
      }
      (end == kContinued ? continued : aborted) += 1;
      Life next(state_, log_);
      ASSERT_TRUE(next.ready()) << "allocation " << n;
      next.Finish();
      ASSERT_EQ(next.Contents(), after_) << "allocation " << n;
    }
  }
  EXPECT_GT(continued, 0);
  EXPECT_GT(aborted, 0);
}

}  // namespace
}  // namespace backup_exporter

// Memory that is not to be had, at each place that asks for some: the step that reads, decodes,
// folds and commits either ends the program or fails, and the ledger is none the worse. Also SQLite
// asks for its memory here.

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

long left = -1;         // allocations before the one that fails; negative: none does
bool for_good = false;  // those after it fail too
bool failed = false;    // one did

bool Fails() {
  if (left < 0) return false;
  if (left > 0) {
    --left;
    return false;
  }
  if (!for_good) left = -1;
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

sqlite3_mem_methods sqlites_own;

// Before anything opens a database.
const bool kSqliteAsksHere = [] {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlites_own);
  sqlite3_mem_methods methods = sqlites_own;
  methods.xMalloc = [](int size) { return Fails() ? nullptr : sqlites_own.xMalloc(size); };
  methods.xRealloc = [](void* memory, int size) {
    return Fails() ? nullptr : sqlites_own.xRealloc(memory, size);
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

// A ledger and one log, as far as a source's thread has to do with them.
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

  // One turn, with what fails logged and counted, as ever.
  void Step() { ingest_->Step(clock_.Both()); }
  // As many turns as it takes.
  void Finish() {
    for (int turn = 0; turn < 10; ++turn) {
      Step();
      clock_.Advance(std::chrono::seconds(31));
    }
  }
  // All that is known, and what waits to be told.
  [[nodiscard]] std::string Known() {
    std::string text = StandingsText(*ledger_->standings());
    for (const Notice& notice : ledger_->Waiting("m", 1000)) {
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
    ASSERT_TRUE(kSqliteAsksHere);
    WriteResticLog(directory_ / "whole", 8000, 5);
    const std::string whole = ReadText(directory_ / "whole");
    const std::size_t half = whole.find('\n', whole.size() / 2) + 1;
    // Some runs are there already.
    directory_.Write("home.jsonl", whole.substr(0, half));
    {
      Life life(before_, log_);
      ASSERT_TRUE(life.ready());
      life.Finish();
    }
    directory_.Append("home.jsonl", whole.substr(half));
    directory_.Append("home.jsonl",
                      "{\"message_type\":\"exit_error\",\"code\":1,\"message\":\"Fatal: no\"}\n");
    Renew();
    Life life(state_, log_);
    life.Finish();
    after_ = life.Known();
  }

  // The ledger is as it was before the step.
  void Renew() const {
    fs::remove_all(state_);
    fs::copy(before_, state_);
  }

  // What becomes of a program whose n-th allocation from the step on fails.
  enum End { kNothingFailed, kWentOn, kAborted };
  End Fail(long n, bool all) const {
    const pid_t child = fork();
    if (child == 0) {
      std::freopen("/dev/null", "w", stderr);
      Life life(state_, log_);
      if (!life.ready()) _exit(9);
      left = n;
      for_good = all;
      try {
        life.Step();
      } catch (const std::exception&) {
        _exit(kAborted);  // as App does
      }
      left = -1;
      life.Finish();
      if (life.Known() != after_) _exit(8);
      _exit(failed ? kWentOn : kNothingFailed);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      EXPECT_EQ(WTERMSIG(status), SIGABRT) << "allocation " << n;
      return kAborted;
    }
    EXPECT_LE(WEXITSTATUS(status), kAborted) << "allocation " << n << ": it knows something else";
    return static_cast<End>(WEXITSTATUS(status));
  }

  TemporaryDirectory directory_;
  const std::string log_ = directory_ / "home.jsonl";
  const std::string before_ = directory_ / "before";
  const std::string state_ = directory_ / "state";
  std::string after_;
};

TEST_F(AllocationFailureAtLength, EndsTheProgramOrNothing) {
  const int stride = HowMany(37, 1);
  int went_on = 0;
  int aborted = 0;
  for (const bool all : {false, true}) {
    for (long n = 0;; n += stride) {
      Renew();
      const End end = Fail(n, all);
      if (end == kNothingFailed) {
        EXPECT_GT(n, 500) << "a step of a few runs asks for more";
        break;
      }
      (end == kWentOn ? went_on : aborted) += 1;
      Life next(state_, log_);
      ASSERT_TRUE(next.ready()) << "allocation " << n;
      next.Finish();
      ASSERT_EQ(next.Known(), after_) << "allocation " << n;
    }
  }
  EXPECT_GT(went_on, 0);
  EXPECT_GT(aborted, 0);
}

}  // namespace
}  // namespace backup_exporter

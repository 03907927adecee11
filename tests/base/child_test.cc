// Labels: threads

#include "base/child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace backup_exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::milliseconds kShortLimit{200};

ChildAnswer Ended(const ChildRequest& request) {
  return RunChild(request, std::atomic<bool>(false));
}
ChildAnswer Sh(const std::string& script) { return Ended({.command = {"/bin/sh", "-c", script}}); }

TEST(RunChild, TheExitCodeAndTheOutputAreReturned) {
  const ChildAnswer answer = Sh("echo out; echo err >&2; exit 3");
  EXPECT_EQ(answer.exit_code, 3);
  EXPECT_EQ(answer.output, "out\nerr\n");
  EXPECT_EQ(answer.error, "");
}

TEST(RunChild, StandardErrorCanBeDiscarded) {
  const ChildAnswer answer =
      Ended({.command = {"/bin/sh", "-c", "echo warning >&2; echo out"}, .without_errors = true});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_EQ(answer.output, "out\n");
}

TEST(RunChild, ASignalThatKilledTheProgramIsReported) {
  const ChildAnswer answer = Sh("kill -TERM $$");
  EXPECT_FALSE(answer.exit_code);
  EXPECT_FALSE(answer.timed_out);
  EXPECT_EQ(answer.error, "/bin/sh was killed by signal 15");
}

TEST(RunChild, TheProgramIsSearchedForInPathAndReportedIfMissing) {
  EXPECT_EQ(Ended({.command = {"sh", "-c", "exit 4"}}).exit_code, 4);
  const ChildAnswer answer = Ended({.command = {"no-such-program"}});
  EXPECT_FALSE(answer.exit_code);
  EXPECT_EQ(answer.error, "no-such-program: No such file or directory");
}

TEST(RunChild, ArgumentsHaveNoMeaningToAShell) {
  EXPECT_EQ(Ended({.command = {"/bin/echo", "$HOME; `id` *"}}).output, "$HOME; `id` *\n");
}

TEST(RunChild, TheProgramReadsItsInput) {
  const std::string input(300'000, 'x');  // more than a pipe holds
  const ChildAnswer answer = Ended({.command = {"wc", "-c"}, .input = input});
  EXPECT_THAT(answer.output, HasSubstr("300000"));
  EXPECT_EQ(Ended({.command = {"cat"}}).output, "");
}

TEST(RunChild, VariablesAreAddedToTheEnvironmentOrReplacedInIt) {
  setenv("CHILD_TEST_A", "old", 1);
  setenv("CHILD_TEST_AB", "kept", 1);
  const ChildAnswer answer =
      Ended({.command = {"/bin/sh", "-c", "echo $CHILD_TEST_A $CHILD_TEST_AB $CHILD_TEST_C"},
             .environment = {"CHILD_TEST_A=new", "CHILD_TEST_C=more"}});
  EXPECT_EQ(answer.output, "new kept more\n");
}

TEST(RunChild, ASecretIsAFileAndNotOnTheCommandLine) {
  const ChildAnswer answer = Ended(
      {.command = {"/bin/sh", "-c", "cat \"$1\"; tr '\\0' ' ' </proc/$$/cmdline", "sh", "{file}"},
       .secret_file = "canary\n"});
  EXPECT_THAT(answer.output, testing::StartsWith("canary\n"));
  EXPECT_THAT(answer.output.substr(7), Not(HasSubstr("canary")));
}

TEST(RunChild, TheSecretFileMayBeReadMoreThanOnce) {
  EXPECT_EQ(
      Ended({.command = {"/bin/sh", "-c", "cat \"$1\" \"$1\"", "sh", "{file}"}, .secret_file = "x"})
          .output,
      "xx");
}

TEST(RunChild, LongOutputIsCutAndItsRestIsStillRead) {
  const ChildAnswer answer = Sh("head -c 1000000 /dev/zero; exit 5");
  EXPECT_EQ(answer.exit_code, 5);
  EXPECT_EQ(answer.output.size(), 64U << 10);
}

// The pipe stays open while the background process lives.
TEST(RunChild, BackgroundProcessesAreNeitherKilledNorWaitedFor) {
  const ChildAnswer answer = Sh("sleep 600 & echo $!; exit 3");
  EXPECT_EQ(answer.exit_code, 3);
  EXPECT_FALSE(answer.timed_out);
  const pid_t left = std::atoi(answer.output.c_str());
  ASSERT_GT(left, 1);
  EXPECT_EQ(kill(left, SIGKILL), 0) << "it is no longer there";
}

TEST(RunChild, OutputOfBackgroundProcessesIsNotReadForever) {
  EXPECT_EQ(Sh("yes & exit 4").exit_code, 4);
}

TEST(RunChild, OutputWrittenJustBeforeTheEndIsRead) {
  EXPECT_EQ(Sh("head -c 60000 /dev/zero").output.size(), 60'000U);
}

// The program's own child process has the pipe open, too: the pipe ends only if both were killed.
TEST(RunChild, TheProgramAndItsProcessGroupAreKilledAtTheTimeLimit) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);  // inherited
  const ChildAnswer answer =
      Ended({.command = {"/bin/sh", "-c", "sleep 600 & sleep 600"}, .limit = kShortLimit});
  close(ends[1]);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);
  close(ends[0]);
  EXPECT_FALSE(answer.exit_code);
  EXPECT_TRUE(answer.timed_out);
  EXPECT_FALSE(answer.stopped);
  EXPECT_EQ(answer.error, "/bin/sh took too long and was killed");
}

TEST(RunChild, AProgramThatClosedItsOutputIsKilledAtTheTimeLimit) {
  EXPECT_TRUE(
      Ended({.command = {"/bin/sh", "-c", "exec >&- 2>&-; exec sleep 600"}, .limit = kShortLimit})
          .timed_out);
}

TEST(RunChild, TheProgramIsKilledWhenStopBecomesTrue) {
  std::atomic<bool> stop = false;
  std::thread stopper([&] { stop = true; });
  const ChildAnswer answer =
      RunChild({.command = {"sleep", "600"}, .limit = std::chrono::minutes(10)}, stop);
  stopper.join();
  EXPECT_TRUE(answer.stopped);
  EXPECT_FALSE(answer.timed_out);
  EXPECT_FALSE(answer.exit_code);
}

}  // namespace
}  // namespace backup_exporter

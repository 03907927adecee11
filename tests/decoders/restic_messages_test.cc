#include "decoders/restic_messages.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

TEST(ResticMessages, MessagesAreClassifiedByTheirBeginnings) {
  EXPECT_EQ(ResticMessageOf("Fatal: wrong password or no key found"), ResticMessage::kFinalError);
  EXPECT_EQ(ResticMessageOf("unable to create lock in backend: repository is already locked"),
            ResticMessage::kFinalError);
  EXPECT_EQ(ResticMessageOf("panic: runtime error"), ResticMessage::kFinalError);
  EXPECT_EQ(ResticMessageOf("unknown flag: --x"), ResticMessage::kFinalError);
  EXPECT_EQ(ResticMessageOf("Warning: at least one source file could not be read"),
            ResticMessage::kPartlyUnreadable);
  EXPECT_EQ(ResticMessageOf("Warning: failed to read all source data during backup"),
            ResticMessage::kPartlyUnreadable);
  EXPECT_EQ(ResticMessageOf("/srv/a does not exist, skipping"), ResticMessage::kSourceMissing);
  EXPECT_EQ(ResticMessageOf("/srv/a cannot be accessed, skipping"), ResticMessage::kSourceMissing);
  EXPECT_EQ(ResticMessageOf("signal terminated received, cleaning up"), ResticMessage::kSignal);
  EXPECT_EQ(ResticMessageOf("no errors were found"), ResticMessage::kCheckClean);
  EXPECT_EQ(ResticMessageOf("load indexes"), ResticMessage::kCheckStage);
}

TEST(ResticMessages, OtherLinesAreNotClassified) {
  for (const char* line :
       {"", "error: Fatal: x", "the errors: no errors were found?", "loading indexes...",
        "using parent snapshot 1",
        "Save(<data/7d3f0c2a11>) returned error, retrying after 1.5s: connection reset by peer",
        "unable to refresh lock: no such file", "unable to open cache: x", "signal lost",
        "done deal"}) {
    EXPECT_EQ(ResticMessageOf(line), ResticMessage::kOther) << line;
  }
}

TEST(ResticMessages, AnErrorTextGivesTheReason) {
  const auto reason = [](const char* error) { return ReasonOf(std::string_view(error)); };
  EXPECT_EQ(reason("Fatal: wrong password or no key found"), Reason::kAuth);
  EXPECT_EQ(reason("unable to create lock in backend: repository is already locked by PID 1"),
            Reason::kLocked);
  EXPECT_EQ(reason("Fatal: unable to save snapshot: context canceled"), Reason::kInterrupted);
  EXPECT_EQ(reason("Fatal: all source directories/files do not exist"), Reason::kSourceMissing);
  EXPECT_EQ(reason("Fatal: nothing to backup, please specify source files/dirs"),
            Reason::kSourceMissing);
  EXPECT_EQ(reason("Fatal: something else"), Reason::kOther);
}

// If the lock file could not be written, the repository was not locked.
TEST(ResticMessages, TheReasonOfAFailedLockIsItsCause) {
  const auto reason = [](const char* error) { return ReasonOf(std::string_view(error)); };
  EXPECT_EQ(reason("unable to create lock in backend: Save(<lock/1>): no space left on device"),
            Reason::kNoSpace);
  EXPECT_EQ(reason("unable to create lock in backend: dial tcp: no such host"), Reason::kNetwork);
  EXPECT_EQ(reason("unable to create lock in backend: x"), Reason::kLocked);
  EXPECT_EQ(reason("Fatal: failed to refresh lock in time"), Reason::kTimeout);
}

// After a network failure it is unknown whether the repository exists.
TEST(ResticMessages, TheReasonOfAFailedOpenIsItsCause) {
  const auto reason = [](const char* error) { return ReasonOf(std::string_view(error)); };
  EXPECT_EQ(
      reason(
          "Fatal: unable to open config file: dial tcp 192.0.2.1:443: connect: connection refused\n"
          "Is there a repository at the following location?"),
      Reason::kNetwork);
  EXPECT_EQ(
      reason("Fatal: repository does not exist: unable to open config file: stat /srv/none/config"),
      Reason::kRepositoryMissing);
}

TEST(ResticExitCode, AnExitCodeGivesTheReasonIfAllCommandsShareIt) {
  EXPECT_EQ(ReasonOf(10), Reason::kRepositoryMissing);
  EXPECT_EQ(ReasonOf(11), Reason::kLocked);
  EXPECT_EQ(ReasonOf(12), Reason::kAuth);
  for (const int code : {129, 130, 137, 143})
    EXPECT_EQ(ReasonOf(code), Reason::kInterrupted) << code;
  for (const int code : {-1, 0, 1, 2, 3, 128, 255}) EXPECT_EQ(ReasonOf(code), std::nullopt) << code;
}

TEST(FinalError, AFinalErrorIsFoundAfterATornRecord) {
  EXPECT_EQ(FindFinalError(R"({"mess)"), std::string_view::npos);
  EXPECT_EQ(FindFinalError(R"({"messFatal: x)"), 6U);
  EXPECT_EQ(FindFinalError(R"({"messunknown flag: x)"), 6U);
  EXPECT_EQ(FindFinalError(R"({"messWarning: at least one source file could not be read)"), 6U);
}

}  // namespace
}  // namespace backup_exporter

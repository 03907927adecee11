#include "base/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kit/environment.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Secret, StandsForItself) { EXPECT_EQ(LoadSecret("s3cret", "/"), "s3cret"); }

TEST(Secret, IsReadFromAFileWithoutItsLineBreak) {
  const TemporaryDirectory directory;
  directory.Write("token", "s3cret\n");
  EXPECT_EQ(LoadSecret("{credential file token}", directory.path()), "s3cret");
  EXPECT_EQ(LoadSecret("{credential file \"" + directory / "token" + "\"}", "/"), "s3cret");
  EXPECT_EQ(LoadSecretFile("token", directory.path()), "s3cret");
}

TEST(Secret, IsReadFromTheUnitsCredentials) {
  const TemporaryDirectory directory;
  directory.Write("token", "s3cret");
  const ScopedEnvironment environment("CREDENTIALS_DIRECTORY", directory.path());
  EXPECT_EQ(LoadSecret("{credential systemd token}", "/"), "s3cret");
  EXPECT_FALSE(LoadSecret("{credential systemd ../token}", "/"));
}

TEST(Secret, ThatIsNotThereSaysWhereItWasSought) {
  const auto missing = LoadSecret("{credential file nothing}", "/none");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/none/nothing"));
  const auto unit = LoadSecret("{credential systemd nothing}", "/");
  ASSERT_FALSE(unit);
  EXPECT_THAT(unit.error().message, HasSubstr("LoadCredential=nothing"));
  EXPECT_FALSE(LoadSecret("{credential container nothing}", "/"));
  EXPECT_FALSE(LoadSecret("{credential file}", "/"));
  EXPECT_FALSE(LoadSecret("{credential file x", "/"));
  EXPECT_THAT(LoadSecret("{credential vault x}", "/").error().message,
              HasSubstr("systemd, container or file"));
}

TEST(Environment, TakesThePlaceOfItsNames) {
  const ScopedEnvironment environment("BE_TEST", "value");
  const ScopedEnvironment empty("BE_EMPTY", "");
  EXPECT_EQ(FromEnvironment("a${BE_TEST}b${BE_NONE:-c}"), "avaluebc");
  EXPECT_EQ(FromEnvironment("${BE_EMPTY}|${BE_EMPTY:-x}"), "|x");
  EXPECT_EQ(FromEnvironment("\\${BE_TEST} $BE_TEST {x}"), "${BE_TEST} $BE_TEST {x}");
  EXPECT_EQ(FromEnvironment("${BE_TEST"), "${BE_TEST");
  const auto missing = FromEnvironment("${BE_NONE}");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("BE_NONE"));
}

TEST(SecretMask, TakesSecretsOutInEveryFormThatTheyMayHave) {
  SecretMask mask;
  mask.Add("a b\"c/d");
  EXPECT_EQ(mask.Mask("x a b\"c/d y"), "x *** y");
  EXPECT_EQ(mask.Mask("?k=a%20b%22c%2Fd&l"), "?k=***&l");
  EXPECT_EQ(mask.Mask("a+b%22c%2Fd"), "***");
  EXPECT_EQ(mask.Mask(R"({"k":"a b\"c/d"})"), R"({"k":"***"})");
}

TEST(SecretMask, TakesOutTheLongerOfTwoThatBeginAlike) {
  SecretMask mask;
  mask.Add("token");
  mask.Add("token-two");
  EXPECT_EQ(mask.Mask("token-two token"), "*** ***");
}

TEST(SecretMask, LeavesWhatIsTooShortToBeOne) {
  SecretMask mask;
  mask.Add("abc");
  mask.Add("");
  EXPECT_EQ(mask.Mask("abc"), "abc");
}

TEST(SecretMask, KnowsWhatIsSecretInAUrl) {
  SecretMask mask;
  mask.AddUrl("https://user:pa55word@host.example/api/push/LongSecretPath?token=QUERY1");
  const std::string masked = mask.Mask("user:pa55word pa55word LongSecretPath QUERY1");
  for (const auto* secret : {"pa55word", "LongSecretPath", "QUERY1"}) {
    EXPECT_THAT(masked, Not(HasSubstr(secret)));
  }
  EXPECT_EQ(mask.Mask("host.example/api/push"), "host.example/api/push");
}

TEST(SecretMask, TakesOutThePasswordsOfAllUrls) {
  const SecretMask mask;
  EXPECT_EQ(mask.Mask("sftp://me:pw@nas/x failed, s3://a:b/c@host too"),
            "sftp://me:***@nas/x failed, s3://a:***@host too");
  EXPECT_EQ(mask.Mask("http://host:80/x and me@example.org"),
            "http://host:80/x and me@example.org");
}

}  // namespace
}  // namespace backup_exporter

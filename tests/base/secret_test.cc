#include "base/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "kit/environment.h"
#include "kit/temporary_directory.h"

namespace backup_exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Secret, APlainTextIsTheSecretItself) { EXPECT_EQ(LoadSecret("s3cret", "/"), "s3cret"); }

TEST(Secret, ASecretInAFileIsReadWithoutItsLineBreak) {
  const TemporaryDirectory directory;
  directory.Write("token", "s3cret\n");
  EXPECT_EQ(LoadSecret("{credential file token}", directory.path()), "s3cret");
  EXPECT_EQ(LoadSecret("{credential file \"" + directory / "token" + "\"}", "/"), "s3cret");
  EXPECT_EQ(LoadSecretFile("token", directory.path()), "s3cret");
}

TEST(Secret, ACredentialOfTheUnitIsRead) {
  const TemporaryDirectory directory;
  directory.Write("token", "s3cret");
  const ScopedEnvironment environment("CREDENTIALS_DIRECTORY", directory.path());
  EXPECT_EQ(LoadSecret("{credential systemd token}", "/"), "s3cret");
  EXPECT_FALSE(LoadSecret("{credential systemd ../token}", "/"));
}

TEST(Secret, AMissingSecretIsReportedWithItsPlace) {
  const auto missing = LoadSecret("{credential file nothing}", "/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "there is no file /none/nothing with the secret: create it, or correct the path");
  EXPECT_EQ(LoadSecretFile("nothing", "/none").error().message, missing.error().message);
  const auto unit = LoadSecret("{credential systemd nothing}", "/");
  ASSERT_FALSE(unit);
  EXPECT_THAT(unit.error().message, HasSubstr("LoadCredential=nothing"));
  const auto container = LoadSecret("{credential container nothing}", "/");
  ASSERT_FALSE(container);
  EXPECT_EQ(
      container.error().message,
      "the container has no secret nothing: there is no /run/secrets/nothing; add a secret with "
      "this name to the container");
  EXPECT_FALSE(LoadSecret("{credential file}", "/"));
  EXPECT_FALSE(LoadSecret("{credential file x", "/"));
  EXPECT_THAT(LoadSecret("{credential vault x}", "/").error().message,
              HasSubstr("systemd, container or file"));
}

TEST(Secret, ACredentialThatTheUnitDoesNotPassOnIsReported) {
  const TemporaryDirectory directory;
  const ScopedEnvironment environment("CREDENTIALS_DIRECTORY", directory.path());
  const auto missing = LoadSecret("{credential systemd nothing}", "/");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "no systemd credential nothing: the unit has no LoadCredential=nothing:…, and there is "
            "no " +
                directory / "nothing");
}

TEST(Secret, ASecretThatCannotBeReadIsReportedWithTheReason) {
  const TemporaryDirectory directory;
  EXPECT_EQ(
      LoadSecretFile(".", directory.path()).error().message,
      "cannot read the secret from " + directory / "." + ": is a directory, not a regular file");
  directory.Write("empty", "\n");
  EXPECT_THAT(LoadSecretFile("empty", directory.path()).error().message, HasSubstr("is empty"));
}

TEST(Secret, ASecretInAForbiddenDirectoryIsReported) {
  const TemporaryDirectory directory;
  const ScopedEnvironment environment("CREDENTIALS_DIRECTORY", directory.path());
  std::filesystem::permissions(directory.path(), std::filesystem::perms::none);
  // Permissions do not restrict root.
  constexpr uid_t kNobody = 65534;
  const uid_t user = ::geteuid();
  if (user == 0) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const auto forbidden = LoadSecret("{credential systemd token}", "/");
  ASSERT_EQ(::seteuid(user), 0);
  std::filesystem::permissions(directory.path(), std::filesystem::perms::owner_all);
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().message,
            "cannot read the secret from " + directory / "token" + ": Permission denied");
}

TEST(Environment, VariablesAreReplacedByTheirValues) {
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

TEST(Environment, AVariableThatIsUsedMustBeValidUtf8) {
  const ScopedEnvironment latin("BE_LATIN", "pa\xDFwort");
  const ScopedEnvironment utf8("BE_UTF8", "paßwort");
  EXPECT_EQ(FromEnvironment("${BE_UTF8}"), "paßwort");
  const auto refused = FromEnvironment("x${BE_LATIN:-y}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(refused.error().message, "the environment variable BE_LATIN is not valid UTF-8");
}

TEST(SecretMask, SecretsAreMaskedInEveryEncoding) {
  SecretMask mask;
  mask.Add("a b\"c/d");
  EXPECT_EQ(mask.Mask("x a b\"c/d y"), "x *** y");
  EXPECT_EQ(mask.Mask("?k=a%20b%22c%2Fd&l"), "?k=***&l");
  EXPECT_EQ(mask.Mask("a+b%22c%2Fd"), "***");
  EXPECT_EQ(mask.Mask(R"({"k":"a b\"c/d"})"), R"({"k":"***"})");
}

TEST(SecretMask, TheLongerOfTwoSecretsWithTheSamePrefixIsMasked) {
  SecretMask mask;
  mask.Add("token");
  mask.Add("token-two");
  EXPECT_EQ(mask.Mask("token-two token"), "*** ***");
}

TEST(SecretMask, AShortSecretIsNotMasked) {
  SecretMask mask;
  mask.Add("abc");
  mask.Add("");
  EXPECT_EQ(mask.Mask("abc"), "abc");
}

TEST(SecretMask, TheSecretPartsOfAUrlAreMasked) {
  SecretMask mask;
  mask.AddUrl("https://user:pa55word@host.example/api/push/LongSecretPath?token=QUERY1");
  const std::string masked = mask.Mask("user:pa55word pa55word LongSecretPath QUERY1");
  for (const auto* secret : {"pa55word", "LongSecretPath", "QUERY1"}) {
    EXPECT_THAT(masked, Not(HasSubstr(secret)));
  }
  EXPECT_EQ(mask.Mask("host.example/api/push"), "host.example/api/push");
}

TEST(SecretMask, ThePasswordsOfAllUrlsAreMasked) {
  const SecretMask mask;
  EXPECT_EQ(mask.Mask("sftp://me:pw@nas/x failed, s3://a:b/c@host too"),
            "sftp://me:***@nas/x failed, s3://a:***@host too");
  EXPECT_EQ(mask.Mask("http://host:80/x and me@example.org"),
            "http://host:80/x and me@example.org");
}

}  // namespace
}  // namespace backup_exporter

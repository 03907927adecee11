#include "web/listen_address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>
#include <string>

namespace backup_exporter {
namespace {

std::string ForCivetweb(const std::string& text, bool ipv6 = true) {
  const auto address = ParseListenAddress(text, ipv6);
  return address ? address->ForCivetweb() : address.error().message;
}

TEST(ListenAddress, NoHostMeansIpv4AndIpv6) {
  EXPECT_EQ(ForCivetweb(":10078"), "+10078");
  EXPECT_EQ(ForCivetweb("[::]:10078"), "+10078");
}

TEST(ListenAddress, NoHostMeansIpv4OnASystemWithoutIpv6) {
  EXPECT_EQ(ForCivetweb(":10078", false), "0.0.0.0:10078");
  EXPECT_EQ(ForCivetweb("[::]:10078", false), "0.0.0.0:10078");
}

TEST(ListenAddress, AnAddressOfEitherFamilyIsAccepted) {
  EXPECT_EQ(ForCivetweb("127.0.0.1:0"), "127.0.0.1:0");
  EXPECT_EQ(ForCivetweb("0.0.0.0:80"), "0.0.0.0:80");
  EXPECT_EQ(ForCivetweb("[::1]:65535"), "[::1]:65535");
}

TEST(ListenAddress, ANameIsLookedUp) { EXPECT_EQ(ForCivetweb("localhost:9100"), "127.0.0.1:9100"); }

TEST(ListenAddress, AnInvalidAddressIsRefusedWithTheReason) {
  EXPECT_EQ(ForCivetweb("10078"),
            "web: listen address \"10078\": the port is missing; write host:port or :port");
  const std::string no_port =
      ": the port is not a number from 0 to 65535; write host:port or :port";
  for (const std::string text :
       {":", ":http", ":65536", ":-1", ":80s", "localhost:", ": 80", "127.0.0.1:80,+90", "[::1]"}) {
    EXPECT_EQ(ForCivetweb(text), "web: listen address \"" + text + "\"" + no_port);
  }
  EXPECT_EQ(ForCivetweb("::1:80"),
            "web: listen address \"::1:80\": an IPv6 address needs brackets; write host:port or "
            ":port");
  EXPECT_EQ(ForCivetweb("[localhost]:80"),
            "web: listen address \"[localhost]:80\": only IPv6 addresses have brackets; write "
            "host:port or :port");
  for (const std::string text : {":", "80", "::1:80", "[::1]"}) {
    EXPECT_EQ(ParseListenAddress(text, true).error().kind, ErrorKind::kInvalid);
  }
}

TEST(ListenAddress, AnUnknownNameIsRefused) {
  for (const std::string text : {"nowhere.invalid:80", "a b:80", "1.2.3.4,5:80", "+:80"}) {
    const auto address = ParseListenAddress(text, true);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().kind, ErrorKind::kRefused);
    EXPECT_TRUE(address.error().message.starts_with("web: cannot listen on " + text + ": "))
        << address.error().message;
  }
  EXPECT_FALSE(ParseListenAddress("[::1]:80", false));
}

TEST(TryToListen, TheErrorNamesTheAddressAndTheReason) {
  EXPECT_TRUE(TryToListen(std::array{*ParseListenAddress("127.0.0.1:0", true)}));
  const auto foreign = TryToListen(std::array{*ParseListenAddress("127.0.0.1:0", true),
                                              *ParseListenAddress("192.0.2.1:10078", true)});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, ErrorKind::kRefused);
  EXPECT_EQ(foreign.error().message,
            "web: cannot listen on 192.0.2.1:10078: cannot assign requested address");
}

}  // namespace
}  // namespace backup_exporter

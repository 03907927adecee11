#include "delivery/ping_url.h"

#include <gtest/gtest.h>

namespace backup_exporter {
namespace {

TEST(PingUrl, TheSuffixIsAppendedToThePathAndTheFieldsToTheQuery) {
  EXPECT_EQ(PingUrl("https://a.example/x", "/start", {}), "https://a.example/x/start");
  EXPECT_EQ(PingUrl("https://a.example/x//?k=1", "/start", {{"rid", "7"}}),
            "https://a.example/x/start?k=1&rid=7");
  EXPECT_EQ(PingUrl("http://u:p@a.example:8080", "", {{"m", "ä &"}}),
            "http://u:p@a.example:8080?m=%C3%A4%20%26");
}

TEST(PingUrl, FieldsOfTheSameNameAreReplaced) {
  EXPECT_EQ(PingUrl("https://a.example/x?status=up&k=1&ping=&status", "",
                    {{"status", "down"}, {"ping", ""}}),
            "https://a.example/x?k=1&status=down");
}

}  // namespace
}  // namespace backup_exporter

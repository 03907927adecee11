#include "base/gzip.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "kit/gunzip.h"

namespace backup_exporter {
namespace {

// Incompressible bytes, the same ones on every call.
std::string Noise(std::size_t size) {
  std::mt19937 random(1);
  std::string noise(size, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  return noise;
}

TEST(Gzip, BothPartsAreOneMember) {
  for (const std::string& first :
       {std::string(), std::string("a 1\n"), std::string(1'000'000, 'x'), Noise(100'000)}) {
    const GzipStart start = StartGzip(first);
    for (const std::string& second :
         {std::string(), std::string("b 2\n"), std::string(70'000, 'y'), Noise(70'000)}) {
      EXPECT_EQ(Gunzip(start.bytes + EndGzip(start, second)), first + second)
          << first.size() << " " << second.size();
    }
  }
}

// Sizes around those where zlib's output exactly fills a piece of the buffer.
TEST(Gzip, TextsOfAnySizeAreRestored) {
  const std::string noise = Noise(16'500);
  for (std::size_t size = 16'300; size < noise.size(); ++size) {
    const GzipStart start = StartGzip(noise.substr(0, size));
    ASSERT_EQ(Gunzip(start.bytes + EndGzip(start, noise.substr(0, size))),
              noise.substr(0, size) + noise.substr(0, size))
        << size;
  }
}

TEST(Gzip, RepetitiveTextBecomesSmaller) {
  const GzipStart start = StartGzip(std::string(100'000, 'x'));
  EXPECT_LT(start.bytes.size(), 1'000U);
  EXPECT_LT(EndGzip(start, std::string(100'000, 'y')).size(), 1'000U);
}

TEST(Gzip, TheFirstPartAloneIsNotACompleteFile) {
  const GzipStart start = StartGzip("a 1\n");
  EXPECT_EQ(Gunzip(start.bytes), std::nullopt);
  EXPECT_EQ(Gunzip(start.bytes + EndGzip(StartGzip("b 2\n"), "c 3\n")), std::nullopt);
}

}  // namespace
}  // namespace backup_exporter

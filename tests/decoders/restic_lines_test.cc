#include "decoders/restic_lines.h"

#include <gmock/gmock.h>

#include <limits>
#include <random>
#include <string>

#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

TEST(StatusLine, TheFiguresAreParsed) {
  const auto progress = ScanStatusLine(
      R"({"message_type":"status","seconds_elapsed":12,"seconds_remaining":9223372036854775808,)"
      R"("percent_done":1.1947460208779623,"total_files":4,"files_done":3,"total_bytes":30500007,)"
      R"("bytes_done":36439762,"error_count":2,"current_files":["/a","/b c"]})");
  EXPECT_EQ(progress, (ResticProgress{.seconds_elapsed = 12,
                                      .files_done = 3,
                                      .bytes_done = 36439762,
                                      .error_count = 2,
                                      .total_bytes = 30500007}));
  EXPECT_EQ(ScanStatusLine(R"({"message_type":"status","percent_done":0,"files_done":1})"),
            (ResticProgress{.files_done = 1}));
}

TEST(StatusLine, ALineThatMayBeOfRestoreIsNotAccepted) {
  EXPECT_EQ(ScanStatusLine(R"({"message_type":"status","percent_done":0})"), std::nullopt);
  EXPECT_EQ(ScanStatusLine(R"({"message_type":"status","seconds_elapsed":1,"percent_done":0.5,)"
                           R"("total_files":4,"files_restored":1})"),
            std::nullopt);
}

TEST(StatusLine, ALineThatResticDoesNotPrintExactlySoIsLeftToTheParser) {
  for (const char* line :
       {"", "{", R"({"message_type":"status")",
        R"({"message_type":"status","percent_done":0,"files_done":1)",
        R"({"message_type":"status","percent_done":0,"files_done":1}x)",
        R"({ "message_type":"status","percent_done":0,"files_done":1})",
        R"({"message_type":"status","percent_done":0,"files_done":01})",
        R"({"message_type":"status","percent_done":0.,"files_done":1})",
        R"({"message_type":"status","percent_done":1e-7,"files_done":1})",
        R"({"message_type":"status","percent_done":0,"files_done":-1})",
        R"({"message_type":"status","percent_done":0,"files_done":18446744073709551616})",
        R"({"message_type":"status","percent_done":0,"files_done":1,"files_done":2})",
        R"({"message_type":"status","percent_done":0,"bytes_done":1,"files_done":1})",
        R"({"message_type":"status","percent_done":0,"files_done":1,"new":2})",
        R"({"message_type":"status","percent_done":0,"current_files":[]})",
        R"({"message_type":"status","percent_done":0,"current_files":["/a\n"]})",
        "{\"message_type\":\"status\",\"percent_done\":0,\"current_files\":[\"/\xff\"]}",
        "{\"message_type\":\"status\",\"percent_done\":0,\"current_files\":[\"/\t\"]}",
        R"({"message_type":"summary","percent_done":0,"files_done":1})"}) {
    EXPECT_EQ(ScanStatusLine(line), std::nullopt) << line;
  }
}

TEST(VerboseLine, OnlyLinesAboutFilesAndDirectoriesOfABackupAreAccepted) {
  EXPECT_TRUE(IsVerboseLine(
      R"({"message_type":"verbose_status","action":"new","item":"/srv/a","duration":0.001,"data_size":1,)"
      R"("data_size_in_repo":83,"metadata_size":0,"metadata_size_in_repo":0,"total_files":0})"));
  EXPECT_FALSE(IsVerboseLine(
      R"({"message_type":"verbose_status","action":"scan_finished","item":"","duration":0.2,)"
      R"("data_size":1,"data_size_in_repo":0,"metadata_size":0,"metadata_size_in_repo":0,"total_files":2})"));
  EXPECT_FALSE(
      IsVerboseLine(R"({"message_type":"verbose_status","action":"new","item":"/a","size":3})"));
}

// Generates lines as restic prints them, and damaged ones.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string Line() { return Chance(4) ? Verbose() : Status(); }

  std::string Mutated() {
    std::string line = Line();
    const auto times = 1 + Below(3);
    for (std::uint64_t i = 0; i < times && !line.empty(); ++i) Mutate(line);
    return line;
  }

 private:
  std::uint64_t Below(std::uint64_t limit) {
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
  }
  bool Chance(std::uint64_t one_in) { return Below(one_in) == 0; }

  std::string Number() {
    switch (Below(10)) {
      case 0:
        return "0";
      case 1:
        return std::to_string(std::numeric_limits<std::uint64_t>::max());
      case 2:
        return std::to_string(std::uint64_t{1} << Below(64));
      default:
        return std::to_string(1 + Below(1000));
    }
  }

  // A number that restic never prints.
  std::string OddNumber() {
    static constexpr const char* kOdd[] = {
        "-1",   "-0",  "1e3",  "1E999", "007", "1.5",  "18446744073709551616",
        "1e-9", "0.0", "null", "\"1\"", "[]",  "true", "9999999999999999999"};
    return kOdd[Below(std::size(kOdd))];
  }

  std::string Fraction() {
    std::string text = Chance(3) ? "0" : "0." + std::to_string(1 + Below(1000000));
    if (Chance(20)) text = "1" + text.substr(1);
    if (Chance(50)) text = std::to_string(1 + Below(9)) + "e-07";
    return text;
  }

  std::string Path() {
    std::string path = "/srv";
    const auto length = 1 + Below(12);
    for (std::uint64_t i = 0; i < length; ++i) {
      static constexpr const char* kParts[] = {"a", "b", "/", " ", ".", ",",
                                               "]", "}", "{", ":", "-"};
      path += kParts[Below(std::size(kParts))];
    }
    static constexpr const char* kOdd[] = {"\\n", "\\\"", "\\\\", "\\u003c", "\\ufffd", "größe"};
    if (Chance(20)) path += kOdd[Below(std::size(kOdd))];
    return '"' + path + '"';
  }

  std::string Member(std::string_view key) { return ",\"" + std::string(key) + "\":" + Number(); }

  std::string Status() {
    std::string line = R"({"message_type":"status")";
    if (!Chance(3)) line += Member("seconds_elapsed");
    if (!Chance(3)) line += Member("seconds_remaining");
    line += ",\"percent_done\":" + Fraction();
    for (const char* key :
         {"total_files", "files_done", "total_bytes", "bytes_done", "error_count"}) {
      if (!Chance(3)) line += Member(key);
    }
    if (!Chance(3)) {
      line += ",\"current_files\":[" + Path();
      while (Chance(2)) line += "," + Path();
      line += "]";
    }
    return line + "}";
  }

  std::string Verbose() {
    static constexpr const char* kActions[] = {"new", "unchanged", "modified"};
    std::string line = R"({"message_type":"verbose_status","action":")" +
                       std::string(kActions[Below(3)]) + "\",\"item\":" + Path() +
                       ",\"duration\":" + Fraction() + Member("data_size");
    if (!Chance(3)) line += Member("data_size_in_repo");
    line += Member("metadata_size");
    if (!Chance(3)) line += Member("metadata_size_in_repo");
    return line + Member("total_files") + "}";
  }

  // Position and length of a random member with its comma.
  std::pair<std::size_t, std::size_t> AMember(const std::string& line) {
    const std::size_t begin = line.find(",\"", Below(line.size()));
    if (begin == std::string::npos) return {line.size(), 0};
    const std::size_t end = std::min(line.find(",\"", begin + 1), line.rfind('}'));
    return end == std::string::npos || end < begin ? std::pair(line.size(), std::size_t{0})
                                                   : std::pair(begin, end - begin);
  }

  void Mutate(std::string& line) {
    const auto [begin, length] = AMember(line);
    const std::string member = line.substr(begin, length);
    switch (Below(9)) {
      case 0:
        line[Below(line.size())] ^= static_cast<char>(1 << Below(8));
        break;
      case 1:
        line.erase(Below(line.size()), 1);
        break;
      case 2:
        line.insert(Below(line.size() + 1), 1, static_cast<char>(Below(256)));
        break;
      case 3:
        line.erase(begin, length);
        break;  // missing
      case 4:
        line.insert(begin, member);
        break;   // doubled
      case 5: {  // in another place
        line.erase(begin, length);
        line.insert(AMember(line).first, member);
        break;
      }
      case 6: {  // another value
        const std::size_t colon = member.find(':');
        if (colon != std::string::npos)
          line.replace(begin, length, member.substr(0, colon + 1) + OddNumber());
        break;
      }
      case 7:
        line.insert(begin, ",\"new\":" + Number());
        break;
      default: {  // an escaped letter in a key
        if (length > 2)
          line.replace(begin + 2, 1, Escaped(static_cast<unsigned char>(line[begin + 2])));
        break;
      }
    }
  }

  static std::string Escaped(unsigned char c) {
    constexpr char kHex[] = "0123456789abcdef";
    return std::string("\\u00") + kHex[c >> 4] + kHex[c & 15];
  }

  std::mt19937 random_;
};

// JSON allows white space; the fast path does not.
std::string WithSpace(std::string line) { return line.insert(1, " "); }

TEST(FastPath, FastPathAndParserGiveTheSameResult) {
  Generator generator(20261121);
  const auto fast = MakeDecoder("restic");
  const auto slow = MakeDecoder("restic");
  int accepted = 0;
  int mutants_accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    const bool mutant = i % 2 == 1;
    const std::string line = mutant ? generator.Mutated() : generator.Line();
    const bool exact = ScanStatusLine(line).has_value() || IsVerboseLine(line);
    Decoded by_fast;
    Decoded by_slow;
    const std::string spaced = exact ? WithSpace(line) : line;
    EXPECT_FALSE(exact && (ScanStatusLine(spaced) || IsVerboseLine(spaced))) << spaced;
    fast->Decode({.bytes = line, .offset = 7}, by_fast);
    slow->Decode({.bytes = spaced, .offset = 7}, by_slow);
    ASSERT_EQ(EventTexts(by_fast.events), EventTexts(by_slow.events)) << line;
    ASSERT_EQ(CountsText(by_fast.counts), CountsText(by_slow.counts)) << line;
    ASSERT_EQ(fast->Save(), slow->Save()) << line;
    accepted += exact && !mutant;
    mutants_accepted += exact && mutant;
  }
  EXPECT_GT(accepted, 5000);
  EXPECT_GT(mutants_accepted, 400);
}

TEST(FastPath, AllUsualLinesOfTheCapturesUseTheFastPath) {
  std::size_t lines = 0;
  std::size_t accepted = 0;
  for (const Capture& capture : CapturesOf("restic")) {
    for (const Record& record : LinesOf(capture.text)) {
      const bool known =
          record.bytes.starts_with(R"({"message_type":"status","seconds_elapsed")") ||
          record.bytes.starts_with(R"({"message_type":"verbose_status","action":"un)");
      if (!known || record.bytes.find("restored") != std::string_view::npos) continue;
      ++lines;
      accepted += ScanStatusLine(record.bytes) || IsVerboseLine(record.bytes);
    }
  }
  EXPECT_GT(lines, 20U);
  EXPECT_EQ(accepted, lines);
}

}  // namespace
}  // namespace backup_exporter

// Decoding a damaged file neither crashes nor shows more success than the whole file does, and the
// result does not depend on where reading was interrupted.
// Labels: heavy

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <random>
#include <regex>
#include <set>
#include <string>

#include "kit/decoding.h"
#include "kit/event_text.h"
#include "kit/restic_log.h"

namespace backup_exporter {
namespace {

constexpr std::size_t kSmall = 3000;

std::vector<Capture> SmallCaptures() {
  std::vector<Capture> captures;
  for (const Format& format : Formats()) {
    for (Capture& capture : CapturesOf(format.name)) {
      captures.push_back(std::move(capture));
    }
  }
  for (Capture& run : RecordedRuns()) captures.push_back(std::move(run));
  std::erase_if(captures, [](const Capture& capture) { return capture.text.size() >= kSmall; });
  return captures;
}

Decoded DecodeText(const Capture& capture, std::string text) {
  return Decode({.format = capture.format, .path = capture.path, .text = std::move(text)});
}

// The events that show a success, as text.
std::set<std::string> Successes(const std::vector<Event>& events) {
  std::set<std::string> texts;
  for (const Event& event : events) {
    const auto* end = std::get_if<RunFinished>(&event.what);
    const bool good = end != nullptr && end->result == RunResult::kSuccess;
    if (good || std::holds_alternative<ArchiveListed>(event.what)) texts.insert(EventText(event));
  }
  return texts;
}

// The same without figures and times.
std::set<std::string> PlainSuccesses(const std::vector<Event>& events) {
  static const std::regex kMembers(" [a-z_]+=\\S+");
  std::set<std::string> plain;
  for (const std::string& text : Successes(events)) {
    plain.insert(std::regex_replace(text, kMembers, ""));
  }
  return plain;
}

TEST(Damage, AFileCutAtAnyByteShowsNoSuccessThatTheWholeFileLacks) {
  for (const Capture& capture : SmallCaptures()) {
    SCOPED_TRACE(capture.path);
    // In a line of text it cannot be seen that the last figure was cut.
    const auto claims = capture.path.extension() == ".log" ? PlainSuccesses : Successes;
    const std::set<std::string> whole = claims(Decode(capture).events);
    for (std::size_t size = 0; size < capture.text.size(); ++size) {
      const Decoded cut = DecodeText(capture, capture.text.substr(0, size));
      EXPECT_TRUE(std::ranges::includes(whole, claims(cut.events))) << "cut at " << size;
    }
  }
}

// A run that was killed leaves an incomplete line, and the next run continues in that line.
TEST(Damage, ARunThatContinuesATornLineHasTheResultThatItHasAlone) {
  for (const Capture& capture : CapturesOf("restic")) {
    if (capture.text.size() >= kSmall) continue;
    SCOPED_TRACE(capture.path);
    const std::vector<DecodedRun> alone = RunsIn(Decode(capture).events);
    if (alone.empty() || !alone.back().result) continue;
    const std::set<std::string> whole = Successes(Decode(capture).events);
    for (const char* torn :
         {R"({"message_type":"status","seconds_elapsed":7,"perc)", R"([{"tags":nu)", R"({"mess)"}) {
      const Decoded decoded = DecodeText(capture, torn + capture.text);
      EXPECT_EQ(decoded.counts.parse_errors, 1U);
      EXPECT_TRUE(std::ranges::includes(whole, Successes(decoded.events))) << torn;
      const bool a_document =
          capture.text.starts_with('[') || capture.text.starts_with(R"({"time")");
      const std::vector<DecodedRun> runs = RunsIn(decoded.events);
      if (a_document) continue;  // lost with the torn line, and shows no result
      ASSERT_FALSE(runs.empty()) << torn;
      EXPECT_EQ(runs.back().result, alone.back().result) << torn;
      EXPECT_EQ(runs.back().reason, alone.back().reason) << torn;
    }
  }
}

TEST(Damage, ACaptureAfterATornOneShowsNoSuccessThatNeitherHas) {
  std::vector<Capture> captures = SmallCaptures();
  std::erase_if(captures, [](const Capture& capture) { return capture.format != "restic"; });
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    const Capture& first = captures[random() % captures.size()];
    const Capture& second = captures[random() % captures.size()];
    if (first.text.empty()) continue;
    const std::string torn = first.text.substr(0, random() % first.text.size());
    const std::string half = torn.substr(torn.rfind('\n') + 1);
    const auto is_text = [](std::string_view line) { return line[0] != '{' && line[0] != '['; };
    // Text that continues an incomplete line is counted and lost, warnings included.
    if (!half.empty() && (is_text(half) || second.text.empty() || is_text(second.text))) continue;
    std::set<std::string> known = Successes(Decode(first).events);
    known.merge(Successes(Decode(second).events));
    const Decoded decoded = DecodeText(first, torn + second.text);
    // The end of a prune may confirm the forget before it.
    std::set<std::string> found = Successes(decoded.events);
    std::erase_if(found, [](const std::string& text) {
      return text == "finished forget success evidence=report of_last_run";
    });
    EXPECT_TRUE(std::ranges::includes(known, found))
        << torn << "|" << second.text << testing::PrintToString(found);
  }
}

// Neither writer appends; each writes where it believes the end to be.
TEST(Damage, WithTwoWritersWholeLinesAreDecodedAndTornLinesAreCounted) {
  std::mt19937 random(46);
  std::vector<std::string> written;
  std::string writers[2];
  for (int i = 0; i < 400; ++i) {
    written.push_back(ResticSummary(std::chrono::minutes(i)));
    writers[i % 2] += written.back();
  }
  const auto ids = [](const Decoded& decoded) {
    std::set<std::string> all;
    for (const DecodedRun& run : RunsIn(decoded.events)) all.insert(run.snapshot_id);
    all.erase("");
    return all;
  };
  std::string mixed;
  while (!writers[0].empty() || !writers[1].empty()) {
    std::string& next = writers[random() % 2];
    const std::string part = next.substr(0, random() % 4000);
    mixed += part;
    next.erase(0, part.size());
  }
  std::string whole;
  std::uint64_t torn = 0;
  for (const Record& record : LinesOf(mixed)) {
    const std::string line = std::string(record.bytes) + "\n";
    const bool is_whole = std::ranges::find(written, line) != written.end();
    if (is_whole) {
      whole += line;
    } else {
      ++torn;
    }
  }
  ASSERT_GT(torn, 20U);
  std::string all;
  for (const std::string& line : written) all += line;
  const auto decoder = MakeDecoder("restic");
  const Decoded decoded = DecodeLines(*decoder, mixed);
  const std::set<std::string> found = ids(decoded);
  EXPECT_TRUE(std::ranges::includes(found, ids(DecodeLines(*MakeDecoder("restic"), whole))));
  EXPECT_TRUE(std::ranges::includes(ids(DecodeLines(*MakeDecoder("restic"), all)), found));
  EXPECT_GE(decoded.counts.parse_errors + decoded.counts.text, torn / 2);
}

TEST(Damage, NoiseIsCountedAndHarmless) {
  std::mt19937 random(42);
  const auto noise = [&random] {
    std::string text(random() % 300 + 1, '\0');
    for (char& c : text) c = static_cast<char>(random() % 256);
    if (random() % 2 == 0) text.insert(0, random() % 2 == 0 ? "{\"" : "[{");
    return text;
  };
  for (const Format& format : Formats()) {
    const auto decoder = format.make({});
    Decoded out;
    for (int i = 0; i < 5000; ++i) decoder->Decode({.bytes = noise(), .offset = 0}, out);
    EXPECT_EQ(out.counts.records, 5000U);
    EXPECT_GE(out.counts.parse_errors + out.counts.text, 4900U);
    EXPECT_THAT(EventTexts(out.events), testing::IsEmpty());
  }
}

TEST(Damage, FlippedBytesAreHarmless) {
  std::mt19937 random(43);
  for (const Capture& capture : SmallCaptures()) {
    if (capture.text.empty()) continue;
    for (int i = 0; i < 50; ++i) {
      std::string text = capture.text;
      for (int flips = 0; flips < 3; ++flips)
        text[random() % text.size()] ^= static_cast<char>(1U << (random() % 8));
      const Decoded decoded = DecodeText(capture, text);
      EXPECT_LE(decoded.counts.parse_errors, decoded.counts.records + 3);
    }
  }
}

// Replaces each value that matches, in every small capture, by each of `others`.
void ForEachReplaced(const std::regex& value, const std::vector<std::string>& others,
                     const std::function<void(const Decoded& whole, const Decoded& replaced,
                                              const std::string& other)>& check) {
  for (const Capture& capture : SmallCaptures()) {
    const Decoded whole = Decode(capture);
    const std::string& text = capture.text;
    for (std::sregex_iterator match(text.begin(), text.end(), value), end; match != end; ++match) {
      for (const std::string& other : others) {
        std::string replaced = text;
        replaced.replace(static_cast<std::size_t>(match->position(1)),
                         static_cast<std::size_t>(match->length(1)), other);
        SCOPED_TRACE(capture.path.string() + ": " + other + " for" + match->str());
        check(whole, DecodeText(capture, std::move(replaced)), other);
      }
    }
  }
}

// True if `replaced` shows no success that `whole` does not, or if a record that may have shown a
// failure is counted as not understood.
bool ClaimsNoMore(const Decoded& whole, const Decoded& replaced) {
  return replaced.counts.parse_errors > whole.counts.parse_errors ||
         std::ranges::includes(PlainSuccesses(whole.events), PlainSuccesses(replaced.events));
}

// Neither in a string that contains JSON, nor an exit code, since -0 is 0.
const std::regex kNumber(
    R"re((?:[^\\e]|[^d]e)":\s*(-?[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?)(?=\s*[,}\]]))re");

TEST(Damage, ImpossibleNumbersNeverReachAnEventInAnyFormat) {
  // A figure below 0, or a time beyond the year 9999.
  const std::regex impossible(" [a-z_]+=(-|inf|nan|[0-9]{5,}-)");
  int replaced = 0;
  ForEachReplaced(kNumber,
                  {"-1", "-0", "0.5", "1e300", "-1e300", "9223372036854", "9223372036854775807",
                   "18446744073709551616", "9007199254740993", "\"1\"", "true", "[]", "{}"},
                  [&](const Decoded& whole, const Decoded& odd, const std::string&) {
                    ++replaced;
                    EXPECT_TRUE(ClaimsNoMore(whole, odd));
                    for (const std::string& text : EventTexts(odd.events)) {
                      EXPECT_FALSE(std::regex_search(text, impossible)) << text;
                    }
                  });
  EXPECT_GT(replaced, 1000);
}

TEST(Damage, ARecordWithANumberThatIsNotJsonGivesNoEventInAnyFormat) {
  int replaced = 0;
  ForEachReplaced(kNumber, {"1e999", "-1e999", "NaN", "Infinity", "-Infinity", "0x10", "007"},
                  [&](const Decoded& whole, const Decoded& odd, const std::string&) {
                    ++replaced;
                    // In a format of documents, the text is not a record then.
                    EXPECT_TRUE(odd.counts.parse_errors > whole.counts.parse_errors ||
                                odd.counts.text > whole.counts.text ||
                                odd.counts.records < whole.counts.records ||
                                EventTexts(odd.events) == EventTexts(whole.events));
                  });
  EXPECT_GT(replaced, 500);
}

TEST(Damage, ImpossibleTimesNeverReachAnEventInAnyFormat) {
  const std::regex stamp(R"re("([0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*)")re");
  int replaced = 0;
  ForEachReplaced(stamp,
                  {"", "now", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T02:00:02+25:00",
                   "0001-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
                   "2026-11-21T02:00:02.", "2026-02-30T00:00:00.000000"},
                  [&](const Decoded& whole, const Decoded& odd, const std::string& other) {
                    ++replaced;
                    EXPECT_TRUE(ClaimsNoMore(whole, odd));
                    for (const std::string& text : EventTexts(odd.events)) {
                      EXPECT_EQ(text.find("=0001-"), text.npos) << other;
                      EXPECT_EQ(text.find("=-"), text.npos) << other;
                    }
                  });
  EXPECT_GT(replaced, 300);
}

TEST(Damage, DeepNestingIsHarmlessInEveryFormat) {
  constexpr std::size_t kLevels = 100'000;
  std::string objects;
  for (std::size_t i = 0; i < kLevels; ++i) objects += "{\"a\":";
  const std::string open = std::string(kLevels, '[');
  for (const Format& format : Formats()) {
    for (const std::string& deep : {open, open + std::string(kLevels, ']'), objects,
                                    objects + "1" + std::string(kLevels, '}')}) {
      const auto decoder = format.make({});
      Decoded out;
      const std::string text = deep + "\n";
      for (const Record& record : RecordsOf(text, format.framing)) {
        decoder->Decode(record, out);
      }
      decoder->Decode({.bytes = deep, .offset = 0}, out);
      EXPECT_THAT(EventTexts(out.events), testing::IsEmpty()) << format.name;
      EXPECT_GE(out.counts.parse_errors + out.counts.text, 1U) << format.name;
      decoder->Restore(deep);
      EXPECT_EQ(decoder->Save(), format.make({})->Save()) << format.name;
    }
  }
}

TEST(SavedDecoder, ARestoredDecoderContinuesAtAnyRecord) {
  for (const Capture& capture : CapturesOf("restic")) {
    SCOPED_TRACE(capture.path);
    const std::vector<std::string> whole = EventTexts(WithoutProgress(Decode(capture).events));
    const std::vector<Record> records = LinesOf(capture.text);
    for (std::size_t stop = 0; stop <= records.size(); ++stop) {
      Decoded out;
      auto decoder = MakeDecoder(capture.format);
      for (std::size_t i = 0; i < records.size(); ++i) {
        if (i == stop) {
          const std::string saved = decoder->Save();
          decoder = MakeDecoder(capture.format);
          decoder->Restore(saved);
          EXPECT_EQ(decoder->Save(), saved);
        }
        decoder->Decode(records[i], out);
      }
      ASSERT_EQ(EventTexts(WithoutProgress(out.events)), whole) << "stopped before record " << stop;
    }
  }
}

TEST(Damage, RecordedRunsCutAnywhereAreHarmless) {
  std::mt19937 random(45);
  for (const Capture& run : RecordedRuns()) {
    const Framing framing = FormatNamed(run.format)->framing;
    for (int i = 0; i < 20 && !run.text.empty(); ++i) {
      std::string damaged = run.text.substr(0, random() % run.text.size() + 1);
      if (i % 2 == 0) damaged[random() % damaged.size()] ^= static_cast<char>(1U << (random() % 8));
      const auto decoder = MakeDecoder(run.format);
      Decoded out;
      for (const Record& record : RecordsOf(damaged, framing)) decoder->Decode(record, out);
      EXPECT_LE(out.counts.parse_errors, out.counts.records + 3) << run.path;
      decoder->Restore(damaged);
    }
  }
}

TEST(SavedDecoder, SavingAfterEachRecordChangesNothingInFilesOfManyRuns) {
  const std::vector<Capture> captures = CapturesOf("restic");
  std::mt19937 random(44);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (int runs = 0; runs < 5; ++runs) text += captures[random() % captures.size()].text;
    const auto one = MakeDecoder("restic");
    Decoded whole = DecodeLines(*one, text);
    Decoded pieces;
    std::string saved;
    for (const Record& record : LinesOf(text)) {
      const auto decoder = MakeDecoder("restic");
      decoder->Restore(saved);
      decoder->Decode(record, pieces);
      saved = decoder->Save();
      ASSERT_LT(saved.size(), 1000U);
    }
    ASSERT_EQ(EventTexts(WithoutProgress(pieces.events)), EventTexts(WithoutProgress(whole.events)))
        << text;
    ASSERT_EQ(CountsText(pieces.counts), CountsText(whole.counts)) << text;
    // RunsIn expects that no event belongs to a run that does not exist.
    EXPECT_LE(RunsIn(whole.events).size(), whole.events.size());
  }
}

TEST(SavedDecoder, SavingAfterEachRecordChangesNothingInAnyRecordedRun) {
  for (const Capture& run : RecordedRuns()) {
    const Framing framing = FormatNamed(run.format)->framing;
    const auto one = MakeDecoder(run.format);
    Decoded whole;
    Decoded pieces;
    std::string saved;
    for (const Record& record : RecordsOf(run.text, framing)) {
      one->Decode(record, whole);
      const auto decoder = MakeDecoder(run.format);
      decoder->Restore(saved);
      decoder->Decode(record, pieces);
      saved = decoder->Save();
    }
    ASSERT_EQ(EventTexts(WithoutProgress(pieces.events)), EventTexts(WithoutProgress(whole.events)))
        << run.path;
    ASSERT_EQ(CountsText(pieces.counts), CountsText(whole.counts)) << run.path;
  }
}

TEST(SavedDecoder, AStateThatWasNeverSavedIsIgnored) {
  const std::string line = R"({"message_type":"status","percent_done":0,"files_done":1})";
  for (const char* saved : {"", "x", "{}", "[]", "null", "[1]", "[9,0,0,0,0,0,0,0,0,false,false]",
                            "[-1,0,0,0,0,0,0,0,0,false,false]", "[1,99,0,0,0,0,0,0,0,false,false]",
                            "[1,0,0,0,0,0,0,0,9,false,false]", "[1,0,0,0,0,0,0,0,-1,false,false]",
                            "[1,0,0,0,0,0,0,0,0,0,false]", "[1,0,0.5,0,0,0,0,0,0,false,false]",
                            "[18446744073709551615,0,0,0,0,0,0,0,0,false,false]",
                            "[1,0,0,0,0,0,0,0,0,false,false,false]"}) {
    const auto decoder = MakeDecoder("restic");
    decoder->Restore(saved);
    Decoded out;
    decoder->Decode({.bytes = line, .offset = 0}, out);
    EXPECT_THAT(EventTexts(out.events),
                testing::ElementsAre("started backup", "progress 0s processed=0"))
        << saved;
  }
}

}  // namespace
}  // namespace backup_exporter

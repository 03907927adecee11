// The fast path for the usual lines of restic gives the same events as the JSON parser.
#include "decoders/restic_lines.h"
#include "fuzz/promise.h"
#include "kit/decoding.h"
#include "kit/event_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backup_exporter;
  FuzzedDataProvider input(data, size);
  const std::vector<char> bytes = TextOf(input);
  const auto fast = MakeDecoder("restic");
  const auto slow = MakeDecoder("restic");
  for (const auto& [line, offset] : LinesOf({bytes.data(), bytes.size()})) {
    const bool exact = ScanStatusLine(line) || IsVerboseLine(line);
    // JSON allows white space, but restic prints none.
    const std::string spaced = exact ? std::string(line).insert(1, " ") : std::string(line);
    Promise(!exact || (!ScanStatusLine(spaced) && !IsVerboseLine(spaced)),
            "a line with a space in it is left to the parser");
    Decoded by_fast;
    Decoded by_slow;
    fast->Decode({.bytes = line, .offset = offset}, by_fast);
    slow->Decode({.bytes = spaced, .offset = offset}, by_slow);
    PromiseSame(EventTexts(by_fast.events), EventTexts(by_slow.events),
                "both give the same events");
    PromiseSame({CountsText(by_fast.counts)}, {CountsText(by_slow.counts)}, "both count the same");
    PromiseSame({fast->Save()}, {slow->Save()}, "both have the same state");
  }
  return 0;
}

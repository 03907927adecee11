// A file of one format with any content: all its records are counted, and an interruption at any
// record changes no event.
#include <span>
#include <utility>

#include "base/utf8.h"
#include "decoders/decoders.h"
#include "fuzz/promise.h"
#include "kit/decoding.h"
#include "kit/event_text.h"

namespace backup_exporter {
namespace {

std::vector<std::string> Texts(const Decoded& decoded) {
  std::vector<std::string> texts = EventTexts(WithoutProgress(decoded.events));
  texts.push_back(CountsText(decoded.counts));
  return texts;
}

void DecodeAll(Decoder& decoder, std::span<const Record> records, Decoded& out) {
  for (const Record& record : records) decoder.Decode(record, out);
}

}  // namespace
}  // namespace backup_exporter

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backup_exporter;
  FuzzedDataProvider input(data, size);
  const auto at = input.ConsumeIntegral<std::uint8_t>();
  const DecoderOptions options{.extended_status = input.ConsumeBool()};
  const bool valid = input.ConsumeBool();
  const std::vector<char> bytes = TextOf(input);
  const std::string repaired = valid ? ValidUtf8({bytes.data(), bytes.size()}) : "";
  const std::string_view text = valid ? repaired : std::string_view(bytes.data(), bytes.size());
  static const Format& format = *FormatNamed(FORMAT);
  const std::vector<Record> all = RecordsOf(text, format.framing);
  const std::span<const Record> records(all);

  const auto one = format.make(options);
  Decoded whole;
  DecodeAll(*one, records, whole);
  Promise(whole.counts.records == records.size(), "every record is counted");

  const auto before = format.make(options);
  const auto after = format.make(options);
  const std::size_t split = at % (records.size() + 1);
  Decoded parts;
  DecodeAll(*before, records.first(split), parts);
  std::vector<Event> events = std::exchange(parts.events, {});
  after->Restore(before->Save());
  DecodeAll(*after, records.subspan(split), parts);
  parts.events.insert(parts.events.begin(), events.begin(), events.end());
  const std::string last = after->Save();
  // Text that is not UTF-8 is saved as U+FFFD, so that the state may differ.
  if (valid) {
    PromiseSame(Texts(parts), Texts(whole), "an interruption changes no event");
    PromiseSame({last}, {one->Save()}, "an interruption changes no state");
  }

  // A state that no decoder saved.
  after->Restore(text);
  DecodeAll(*after, records, parts);
  return 0;
}

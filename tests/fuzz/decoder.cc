// A file of one format: whatever it holds and wherever reading it was interrupted, all its records
// are counted and tell the same.
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
  const std::string mended = valid ? ValidUtf8({bytes.data(), bytes.size()}) : "";
  const std::string_view text = valid ? mended : std::string_view(bytes.data(), bytes.size());
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
  // What is no UTF-8 is saved as U+FFFD.
  if (valid) {
    PromiseSame(Texts(parts), Texts(whole), "an interruption changes nothing that is told");
    PromiseSame({last}, {one->Save()}, "an interruption changes nothing that is remembered");
  }

  // Nothing that anybody saved.
  after->Restore(text);
  DecodeAll(*after, records, parts);
  return 0;
}

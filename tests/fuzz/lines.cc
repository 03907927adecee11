// The lines of a file are the same wherever it ended when it was first read.
#include "fuzz/cutting.h"
#include "sources/framing.h"

namespace backup_exporter {
namespace {

// Reads the file when it has `size` bytes, and again when it is complete.
Cut CutAt(std::string_view text, std::uint64_t offset, std::size_t limit, std::size_t size) {
  Cut cut;
  std::size_t consumed = CutLines(text.substr(0, size), offset, limit, &cut.records, &cut.skipped);
  Promise(consumed <= size, "no more bytes are consumed than there were");
  consumed += CutLines(text.substr(consumed), offset + consumed, limit, &cut.records, &cut.skipped);
  CutUnfinishedLine(text.substr(consumed), offset + consumed, limit, &cut.records, &cut.skipped);
  cut.consumed = text.size();
  return cut;
}

}  // namespace
}  // namespace backup_exporter

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backup_exporter;
  FuzzedDataProvider input(data, size);
  const auto limit = input.ConsumeIntegralInRange<std::size_t>(0, 100);
  const auto offset = input.ConsumeBool() ? input.ConsumeIntegral<std::uint32_t>() : 0U;
  const std::vector<char> bytes = TextOf(input);
  const std::string_view text(bytes.data(), bytes.size());

  const Cut whole = CutAt(text, offset, limit, text.size());
  PromiseRecordsOf(whole, text, offset, limit);
  const std::vector<std::string> expected = TextsOf(whole);
  for (std::size_t at = 0; at < text.size(); at += 1 + text.size() / 64) {
    PromiseSame(TextsOf(CutAt(text, offset, limit, at)), expected,
                fmt::format("lines are the same when cut at {}", at));
  }
  static_cast<void>(IsWholeJsonLine(text, offset));
  return 0;
}

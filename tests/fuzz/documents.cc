// The documents of a file are the same wherever it ended when it was first read, and JSON is
// recognised.
#include <algorithm>

#include "fuzz/cutting.h"
#include "sources/document_stream.h"
#include "sources/framing.h"

namespace backup_exporter {
namespace {

// Reads the file when it has `size` bytes and more will follow, and again when it is complete.
Cut CutAt(std::string_view text, std::uint64_t offset, std::size_t limit, Tail tail,
          std::size_t size) {
  Cut cut;
  cut.consumed =
      CutDocuments(text.substr(0, size), offset, limit, Tail::kOpen, &cut.records, &cut.skipped);
  Promise(cut.consumed <= size, "no more bytes are consumed than there were");
  cut.consumed += CutDocuments(text.substr(cut.consumed), offset + cut.consumed, limit, tail,
                               &cut.records, &cut.skipped);
  return cut;
}

void PromiseEnds(std::string_view text) {
  const ValueEnd whole = FindValueEnd(text);
  const bool complete = whole.kind == ValueEnd::Kind::kComplete;
  Promise(!complete || (whole.size >= 2 && whole.size <= text.size()), "a value has an end");
  // With so few brackets the depth is never refused. The parser stops at a NUL.
  const auto brackets = std::ranges::count_if(text, [](char c) { return c == '{' || c == '['; });
  if ((text.starts_with('{') || text.starts_with('[')) && brackets <= 100 &&
      text.find('\0') == text.npos && IsJson(text)) {
    Promise(complete && text.find_first_not_of(" \t\r\n", whole.size) == text.npos,
            "a JSON value is complete at its end");
  }
  for (std::size_t size = 0; size < text.size(); size += 1 + text.size() / 64) {
    const ValueEnd part = FindValueEnd(text.substr(0, size));
    const bool open = part.kind == ValueEnd::Kind::kUnfinished;
    Promise(open || (part.kind == whole.kind && part.size == whole.size),
            fmt::format("the result for the first {} bytes remains", size));
  }
}

}  // namespace
}  // namespace backup_exporter

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backup_exporter;
  FuzzedDataProvider input(data, size);
  const auto limit = input.ConsumeIntegralInRange<std::size_t>(0, 1000);
  const auto offset = input.ConsumeBool() ? input.ConsumeIntegral<std::uint32_t>() : 0U;
  const Tail tail = input.PickValueInArray({Tail::kOpen, Tail::kQuiet, Tail::kCut});
  const std::vector<char> bytes = TextOf(input);
  const std::string_view text(bytes.data(), bytes.size());

  const Cut whole = CutAt(text, offset, limit, tail, 0);
  PromiseRecordsOf(whole, text, offset, limit);
  const std::vector<std::string> expected = TextsOf(whole);
  for (std::size_t at = 1; at <= text.size(); at += 1 + text.size() / 64) {
    PromiseSame(TextsOf(CutAt(text, offset, limit, tail, at)), expected,
                fmt::format("documents are the same when cut at {}", at));
  }
  PromiseEnds(text);
  return 0;
}

// Decodes borgmatic's check-time markers: empty files below STATE/borgmatic/checks/REPOSITORY_ID,
// whose modification time is the time of the last successful check. A record is that time and the
// path.
//
// Source: borgmatic 1.9 to 2.1, borgmatic/actions/check.py (write_check_time), as run.

#include "decoders/decoders.h"

namespace backup_exporter {
namespace {

class BorgmaticChecksDecoder final : public Decoder {
 public:
  void Decode(const Record& record, Decoded& out) override {
    ++out.counts.records;
    const auto time = ParseRfc3339(record.bytes.substr(0, record.bytes.find(' ')));
    if (!time) {
      ++out.counts.parse_errors;
      return;
    }
    out.events.push_back({.of = {},
                          .offset = record.offset,
                          .what = RunFinished{.operation = Operation::kCheck,
                                              .result = RunResult::kSuccess,
                                              .end = time,
                                              .final = true}});
  }
  [[nodiscard]] std::string Save() const override { return {}; }
  void Restore(std::string_view) override {}
};

}  // namespace

std::unique_ptr<Decoder> MakeBorgmaticChecksDecoder(const DecoderOptions&) {
  return std::make_unique<BorgmaticChecksDecoder>();
}

}  // namespace backup_exporter

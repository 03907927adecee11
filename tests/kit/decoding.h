// Decoders as tests turn them: over text, and over the captures in testdata.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decoders/decoders.h"
#include "model/event.h"
#include "model/record.h"
#include "model/run.h"

namespace backup_exporter {

[[nodiscard]] std::unique_ptr<Decoder> MakeDecoder(std::string_view format,
                                                   const DecoderOptions& options = {});

// The lines of a text, into which they point, without those that are empty. What comes after the
// last "\n" is one too.
[[nodiscard]] std::vector<Record> LinesOf(std::string_view text);
// The records of a whole file of this framing.
[[nodiscard]] std::vector<Record> RecordsOf(std::string_view text, Framing framing);
[[nodiscard]] Decoded DecodeLines(Decoder& decoder, std::string_view text);

// A file that was recorded from a tool, or written as its documentation says.
struct Capture {
  std::string format;
  std::filesystem::path path;
  std::string text;
};
void PrintTo(const Capture& capture, std::ostream* out);

// Those of one format with golden files beside them, ordered by path.
[[nodiscard]] std::vector<Capture> CapturesOf(std::string_view format);
// Every recorded run in testdata/corpus, ordered by path.
[[nodiscard]] std::vector<Capture> RecordedRuns();
// By its framing: line by line, or whole.
[[nodiscard]] Decoded Decode(const Capture& capture);

// A run as the events tell of it, by the plainest reading.
struct ToldRun {
  std::optional<Operation> operation;
  std::optional<RunResult> result;  // the worst that was said; nullopt: its end was not told
  std::optional<Reason> reason;
  Figures figures;
  std::string snapshot_id;
};
[[nodiscard]] std::vector<ToldRun> RunsTold(const std::vector<Event>& events);
// "backup warning", "? failure auth", "check open".
[[nodiscard]] std::string RunText(const ToldRun& run);
[[nodiscard]] std::vector<std::string> RunTexts(const std::vector<ToldRun>& runs);

// "restic_0_14_0_backup_killed_both_jsonl": what a test may be called.
[[nodiscard]] std::string TestName(const Capture& capture);

[[nodiscard]] std::string ReadText(const std::filesystem::path& path);

}  // namespace backup_exporter

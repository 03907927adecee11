// Runs decoders over text, and over the captures in testdata.
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

// The lines of a text without the empty ones. The text after the last "\n" is a line too. The
// records point into `text`.
[[nodiscard]] std::vector<Record> LinesOf(std::string_view text);
// The records of a whole file of this framing.
[[nodiscard]] std::vector<Record> RecordsOf(std::string_view text, Framing framing);
[[nodiscard]] Decoded DecodeLines(Decoder& decoder, std::string_view text);

// A file that was recorded from a tool, or written after its documentation.
struct Capture {
  std::string format;
  std::filesystem::path path;
  std::string text;
};
void PrintTo(const Capture& capture, std::ostream* out);

// The captures of one format that have golden files beside them, ordered by path.
[[nodiscard]] std::vector<Capture> CapturesOf(std::string_view format);
// All recorded runs in testdata/corpus, ordered by path.
[[nodiscard]] std::vector<Capture> RecordedRuns();
// Decodes a capture record by record, by the framing of its format.
[[nodiscard]] Decoded Decode(const Capture& capture);

// A run in a list of events, by the simplest rules.
struct DecodedRun {
  std::optional<Operation> operation;
  std::optional<RunResult> result;  // the worst of its results; nullopt: no end
  std::optional<Reason> reason;
  Figures figures;
  std::string snapshot_id;
};
[[nodiscard]] std::vector<DecodedRun> RunsIn(const std::vector<Event>& events);
// "backup warning", "? failure auth", "check open".
[[nodiscard]] std::string RunText(const DecodedRun& run);
[[nodiscard]] std::vector<std::string> RunTexts(const std::vector<DecodedRun>& runs);

// "restic_0_14_0_backup_killed_both_jsonl": the capture as part of a test name.
[[nodiscard]] std::string TestName(const Capture& capture);

[[nodiscard]] std::string ReadText(const std::filesystem::path& path);

}  // namespace backup_exporter

#include "ingest/ingest.h"

#include <fmt/format.h>

#include "base/log.h"

namespace backup_exporter {
namespace {

// Bytes per transaction, about: enough to make the cost of a commit small, and little enough to
// bound memory.
constexpr std::size_t kBytesPerStep = std::size_t{2} << 20;
// A file in another format would otherwise cause a log line for each of its records. Metrics count
// all of them.
constexpr auto kBetweenProblems = std::chrono::minutes(1);
// The delay before a failed commit is retried.
constexpr auto kRetry = std::chrono::seconds(5);

// Counts a record with several ignored parts once, for the worst reason.
void CountOnce(const RecordCounts& before, RecordCounts& now) {
  if (now.ignored() - before.ignored() <= 1) return;
  const bool bad = now.parse_errors > before.parse_errors;
  const bool unknown = !bad && now.unknown_messages > before.unknown_messages;
  now.parse_errors = before.parse_errors + (bad ? 1 : 0);
  now.unknown_messages = before.unknown_messages + (unknown ? 1 : 0);
  now.text = before.text + (bad || unknown ? 0 : 1);
}

}  // namespace

Result<std::unique_ptr<Ingest>> Ingest::Create(const IngestOptions& options, Files& files,
                                               std::unique_ptr<Watcher> watcher, Ledger& ledger,
                                               StatusBoard& board) {
  const Format* format = FormatNamed(options.format);
  if (format == nullptr) return Fail(ErrorKind::kInvalid, "no format " + options.format);
  auto known = ledger.Checkpoints(options.input.name);
  if (!known) return tl::unexpected(known.error());
  return std::unique_ptr<Ingest>(
      new Ingest(options, *format, files, std::move(watcher), std::move(*known), ledger, board));
}

Ingest::Ingest(const IngestOptions& options, const Format& format, Files& files,
               std::unique_ptr<Watcher> watcher, std::vector<Checkpoint> known, Ledger& ledger,
               StatusBoard& board)
    : options_(options),
      format_(format),
      ledger_(ledger),
      board_(board),
      source_(options.input, files, std::move(watcher), std::move(known)) {}

SteadyTime Ingest::Step(const Moment& now, bool last_look) {
  std::vector<Piece> pieces = source_.Read(now, kBytesPerStep, last_look);
  for (Piece& piece : pieces) {
    const auto first_bad = Decode(piece);
    LogProblems(piece.step, first_bad, now);
  }
  if (stopped_) return now.steady;
  const bool committed = pieces.empty() || Commit(pieces, now.wall);
  for (const std::string& message : source_.DrainMessages()) {
    Log().warn("source {}: {}", options_.input.name, message);
  }
  board_.Post(options_.input.name, source_.status());
  if (!committed) return now.steady + kRetry;
  caught_up_ = caught_up_ || source_.NextRead() > now.steady;
  return source_.NextRead();
}

void Ingest::LogProblems(const FileStep& step, std::optional<std::uint64_t> first_bad,
                         const Moment& now) {
  std::string problems;
  const auto add = [&](const std::string& text) {
    problems += (problems.empty() ? "" : "; ") + text;
  };
  if (first_bad) {
    add(fmt::format("{} of its records could not be understood, the first at byte {}",
                    step.counts.parse_errors, *first_bad));
  }
  if (step.skipped.too_long > 0) {
    add(
        fmt::format("{} bytes before byte {} were skipped: no record may be longer than {} bytes "
                    "(record_limit)",
                    step.skipped.too_long, step.position.offset, options_.input.record_limit));
  }
  if (step.skipped.cut_off > 0) {
    add(fmt::format("{} bytes before byte {} were skipped: an unfinished document",
                    step.skipped.cut_off, step.position.offset));
  }
  if (problems.empty() || (problems_logged_ && now.steady - *problems_logged_ < kBetweenProblems))
    return;
  problems_logged_ = now.steady;
  Log().warn("source {}: {}: {}", options_.input.name, step.position.path, problems);
}

std::optional<std::uint64_t> Ingest::Decode(Piece& piece) const {
  const auto decoder = format_.make(options_.decoder);
  decoder->Restore(piece.step.decoder_state);
  Decoded decoded{.events = {}, .counts = piece.step.counts};
  std::optional<std::uint64_t> first_bad;
  for (const Record& record : piece.records) {
    const RecordCounts before = decoded.counts;
    decoder->Decode(record, decoded);
    CountOnce(before, decoded.counts);
    if (decoded.counts.ignored() == before.ignored()) ++decoded.counts.decoded;
    if (!first_bad && decoded.counts.parse_errors > before.parse_errors) first_bad = record.offset;
  }
  // With format `auto` the recognised format provides the tool and the name template.
  const Format* recognised = decoder->recognised();
  const Format& format = recognised != nullptr ? *recognised : format_;
  piece.step.tool = format.tool;
  piece.step.naming = format.backup;
  // If the file's writer is not the run itself, only a reboot proves that open runs have ended.
  piece.step.runs_ended = piece.step.writer_gone;
  if (piece.step.writer_gone && !format.written_by_run) {
    const auto boot = BootTime();
    piece.step.runs_ended = boot && piece.step.position.modified < *boot;
  }
  piece.step.events = std::move(decoded.events);
  piece.step.counts = decoded.counts;
  piece.step.decoder_state = decoder->Save();
  if (!piece.records.empty()) piece.step.last_record = piece.records.back().offset;
  return first_bad;
}

bool Ingest::Commit(std::vector<Piece>& pieces, Time now) {
  std::vector<FileStep> steps;
  steps.reserve(pieces.size());
  for (Piece& piece : pieces) steps.push_back(std::move(piece.step));
  const auto done = ledger_.Commit(options_.input.name, steps, now);
  if (!done) {
    if (!ledger_failed_) {
      Log().error("{}; nothing is lost, retrying every {} s", done.error().message, kRetry.count());
    }
    ledger_failed_ = true;
    return false;
  }
  if (ledger_failed_) Log().info("ledger: can be written again");
  ledger_failed_ = false;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].refused.empty()) {
      source_.Accept(steps[i], pieces[i].file);
    } else {
      source_.Refuse(pieces[i].file, steps[i].refused);
    }
  }
  return true;
}

}  // namespace backup_exporter

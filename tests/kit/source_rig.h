// A source on a temporary directory. Tests call its turns, and it has as much of a ledger as it
// needs: checkpoints.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kit/failing_files.h"
#include "kit/fake_clock.h"
#include "kit/fake_watcher.h"
#include "kit/temporary_directory.h"
#include "sources/source.h"

namespace backup_exporter {

class SourceRig {
 public:
  explicit SourceRig(const std::string& pattern = "*.log", Framing framing = Framing::kLines) {
    options.name = "test";
    options.pattern = directory / pattern;
    options.framing = framing;
  }

  // Starts the source, or restarts it, with the accepted checkpoints.
  void Start() {
    std::vector<Checkpoint> known;
    for (const auto& [id, file] : ledger) known.push_back(file);
    auto fake = std::make_unique<FakeWatcher>();
    watcher = fake.get();
    source = std::make_unique<Source>(options, files, std::move(fake), std::move(known));
  }

  // Reads and accepts until nothing is left to read, and returns the records.
  std::vector<std::string> Read(bool last_look = false) {
    std::vector<std::string> records;
    steps.clear();
    const int most_turns = 10'000;
    for (int turn = 0; turn < most_turns; ++turn) {
      auto pieces = Turn(last_look);
      if (pieces.empty() && source->NextRead() > clock.Steady()) return records;
      for (Piece& piece : pieces) {
        for (const Record& record : piece.records) records.emplace_back(record.bytes);
        Accept(piece);
      }
    }
    ADD_FAILURE() << "reading does not end";
    return records;
  }
  // One turn, without accepting its pieces.
  std::vector<Piece> Turn(bool last_look = false) {
    if (!source) Start();
    auto pieces = source->Read(clock.Both(), budget, last_look);
    for (std::string& message : source->DrainMessages()) messages.push_back(std::move(message));
    return pieces;
  }
  void Accept(Piece& piece) {
    FilePosition& position = piece.step.position;
    EXPECT_EQ(piece.step.read_bytes, piece.step.record_bytes + piece.step.skipped.all());
    if (position.id == 0) position.id = next_id++;
    if (piece.step.over) {
      ledger.erase(position.id);
    } else {
      ledger[position.id] = {position, piece.step.decoder_state};
    }
    source->Accept(piece.step, piece.file);
    steps.push_back(piece.step);
  }

  // Reads after inotify reported a change.
  std::vector<std::string> ReadAfterChange(const std::string& name, bool closed = false) {
    watcher->ReportChange(directory / name, closed);
    return Read();
  }
  // Reads without a report: the next sweep finds the changes.
  std::vector<std::string> ReadAfterSweep() {
    clock.Advance(std::chrono::seconds(30));
    return Read();
  }

  [[nodiscard]] SourceStatus Status() const { return source->status(); }
  // How many of the steps that the last Read accepted have the flag.
  [[nodiscard]] int Quiet() const { return Count(&FileStep::quiet); }
  [[nodiscard]] int Gone() const { return Count(&FileStep::writer_gone); }
  [[nodiscard]] int Over() const { return Count(&FileStep::over); }

  TemporaryDirectory directory;
  FailingFiles files;
  FakeClock clock{SystemClock().Now()};  // files that tests write later are new
  SourceOptions options;
  std::size_t budget = 16 << 20;
  FakeWatcher* watcher = nullptr;
  std::unique_ptr<Source> source;
  std::map<std::int64_t, Checkpoint> ledger;
  std::int64_t next_id = 1;
  std::vector<FileStep> steps;
  std::vector<std::string> messages;

 private:
  int Count(bool FileStep::*flag) const {
    int count = 0;
    for (const FileStep& step : steps) count += step.*flag ? 1 : 0;
    return count;
  }
};

using Texts = std::vector<std::string>;

}  // namespace backup_exporter

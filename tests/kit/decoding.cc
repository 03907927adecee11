#include "kit/decoding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#include "kit/paths.h"
#include "sources/document_stream.h"

namespace backup_exporter {

namespace fs = std::filesystem;

std::unique_ptr<Decoder> MakeDecoder(std::string_view format, const DecoderOptions& options) {
  const Format* found = FormatNamed(format);
  EXPECT_NE(found, nullptr) << format;
  return found->make(options);
}

std::vector<Record> LinesOf(std::string_view text) {
  std::vector<Record> records;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) records.push_back({.bytes = text.substr(begin, end - begin), .offset = begin});
    begin = end + 1;
  }
  return records;
}

std::vector<Record> RecordsOf(std::string_view text, Framing framing) {
  if (framing == Framing::kLines) return LinesOf(text);
  if (framing != Framing::kDocuments) return {{.bytes = text, .offset = 0}};
  std::vector<Record> records;
  SkippedBytes skipped;
  CutDocuments(text, 0, text.size(), Tail::kCut, &records, &skipped);
  return records;
}

Decoded DecodeLines(Decoder& decoder, std::string_view text) {
  Decoded out;
  for (const Record& record : LinesOf(text)) decoder.Decode(record, out);
  return out;
}

void PrintTo(const Capture& capture, std::ostream* out) { *out << capture.path.string(); }

std::vector<Capture> CapturesOf(std::string_view format) {
  std::vector<Capture> captures;
  const fs::path folder = fs::path(kTestdataDir) / format;
  if (!fs::exists(folder)) return captures;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (!entry.is_regular_file() || path.extension() == ".events" || path.extension() == ".md" ||
        path.filename() == "cases.json") {
      continue;
    }
    captures.push_back({.format = std::string(format), .path = path, .text = ReadText(path)});
  }
  std::ranges::sort(captures, {}, &Capture::path);
  return captures;
}

std::vector<Capture> RecordedRuns() {
  std::vector<Capture> runs;
  const fs::path corpus = fs::path(kTestdataDir) / "corpus";
  for (const auto& entry : fs::recursive_directory_iterator(corpus)) {
    const fs::path& path = entry.path();
    // borg-1.4.5/create/text.log
    const std::string tool = path.lexically_relative(corpus).begin()->string();
    const std::string format = tool.substr(0, tool.find('-'));
    if (!entry.is_regular_file() || path.filename() == "truth.json" || !FormatNamed(format)) {
      continue;
    }
    runs.push_back({.format = format, .path = path, .text = ReadText(path)});
  }
  std::ranges::sort(runs, {}, &Capture::path);
  return runs;
}

Decoded Decode(const Capture& capture) {
  const auto decoder = MakeDecoder(capture.format);
  Decoded out;
  for (const Record& record : RecordsOf(capture.text, FormatNamed(capture.format)->framing)) {
    decoder->Decode(record, out);
  }
  return out;
}

std::vector<DecodedRun> RunsIn(const std::vector<Event>& events) {
  std::vector<DecodedRun> runs;
  bool open = false;
  for (const Event& event : events) {
    if (const auto* started = std::get_if<RunStarted>(&event.what)) {
      runs.push_back({.operation = started->operation});
      open = true;
    } else if (std::holds_alternative<RunWithdrawn>(event.what)) {
      EXPECT_TRUE(open) << "nothing to withdraw";
      if (open) runs.pop_back();
      open = false;
    } else if (const auto* end = std::get_if<RunFinished>(&event.what)) {
      EXPECT_TRUE(!end->of_last_run || (!open && !runs.empty())) << "no last run";
      if (!end->of_last_run && !open) runs.emplace_back();
      open = false;
      DecodedRun& run = runs.back();
      if (!end->of_last_run && end->operation) run.operation = end->operation;
      if (!run.result || end->result > *run.result) run.reason = end->reason;
      if (!run.reason && end->result == run.result) run.reason = end->reason;
      run.result = std::max(run.result.value_or(end->result), end->result);
      if (!end->of_last_run) run.figures = end->figures;
      if (!end->snapshot_id.empty()) run.snapshot_id = end->snapshot_id;
    }
  }
  return runs;
}

std::string RunText(const DecodedRun& run) {
  std::string text = run.operation ? std::string(Name(*run.operation)) : "?";
  text += ' ';
  text += run.result ? Name(*run.result) : "open";
  if (run.reason) text += " " + std::string(Name(*run.reason));
  return text;
}

std::vector<std::string> RunTexts(const std::vector<DecodedRun>& runs) {
  std::vector<std::string> texts;
  for (const DecodedRun& run : runs) texts.push_back(RunText(run));
  return texts;
}

std::string TestName(const Capture& capture) {
  std::string name = capture.path.lexically_relative(kTestdataDir).string();
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

std::string ReadText(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace backup_exporter

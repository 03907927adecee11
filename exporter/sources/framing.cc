#include "sources/framing.h"

#include <cstring>
#include <nlohmann/json.hpp>

namespace backup_exporter {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Runs of NULs shorter than a gap divide the text between two gaps into at most this many records;
// the last record has the rest. In text with two bytes a character every second byte is a NUL, and
// no decoder understands such text however it is cut.
constexpr int kMostParts = 16;

// Cuts a line, given without its "\n", at NULs, too: a crash leaves them between the rest of one
// line and the beginning of another.
void CutLine(std::string_view line, std::uint64_t offset, std::size_t limit,
             std::vector<Record>* records, SkippedBytes* skipped) {
  std::string_view rest = offset == 0 ? WithoutByteOrderMark(line) : line;
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  skipped->blank += line.size() - rest.size();
  int parts = 0;
  while (!rest.empty()) {
    const std::size_t nuls = LeadingNuls(rest);
    skipped->nul += nuls;
    rest.remove_prefix(nuls);
    parts = nuls < kNulGap.size() ? parts + 1 : 1;
    const std::size_t end = parts < kMostParts ? rest.find('\0') : rest.find(kNulGap);
    const std::string_view record = rest.substr(0, end);
    rest.remove_prefix(record.size());
    if (record.size() > limit) {
      skipped->too_long += record.size();
    } else if (!record.empty()) {
      records->push_back(
          {record, offset + static_cast<std::uint64_t>(record.data() - line.data())});
    }
  }
}

}  // namespace

std::size_t CutLines(std::string_view bytes, std::uint64_t offset, std::size_t limit,
                     std::vector<Record>* records, SkippedBytes* skipped) {
  const char* line = bytes.data();
  const char* const end = line + bytes.size();
  while (line < end) {
    const auto* newline =
        static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line)));
    if (newline == nullptr) break;
    CutLine({line, static_cast<std::size_t>(newline - line)},
            offset + static_cast<std::uint64_t>(line - bytes.data()), limit, records, skipped);
    ++skipped->blank;
    line = newline + 1;
  }
  return static_cast<std::size_t>(line - bytes.data());
}

void CutUnfinishedLine(std::string_view line, std::uint64_t offset, std::size_t limit,
                       std::vector<Record>* records, SkippedBytes* skipped) {
  CutLine(line, offset, limit, records, skipped);
}

bool IsWholeJsonLine(std::string_view line, std::uint64_t offset) {
  std::vector<Record> records;
  SkippedBytes skipped;
  CutLine(line, offset, line.size(), &records, &skipped);
  if (records.empty()) return false;
  const std::string_view last = records.back().bytes;
  return (last.front() == '{' || last.front() == '[') && IsJson(last);
}

bool IsJson(std::string_view text) { return nlohmann::json::accept(text.begin(), text.end()); }

std::string_view WithoutByteOrderMark(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

bool BeginsAsUtf16(std::string_view start) {
  return start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF");
}

std::size_t LeadingNuls(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != '\0') return 0;
  // All bytes equal the first one if each equals the one before: one fast comparison.
  if (std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0) return bytes.size();
  const std::size_t first = bytes.find_first_not_of('\0');
  return first == std::string_view::npos ? bytes.size() : first;
}

}  // namespace backup_exporter

#include "sources/document_stream.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>

#include "sources/framing.h"

namespace backup_exporter {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::size_t kDeepest = 100;

// Bytes that a string holds as they are.
constexpr std::array<bool, 256> kInString = [] {
  std::array<bool, 256> in_string{};
  for (std::size_t c = 0x20; c < 256; ++c) in_string[c] = c != '"' && c != '\\';
  return in_string;
}();

constexpr std::array<std::string_view, 3> kWords{"true", "false", "null"};

// Of what numbers, true, false and null are made.
bool InWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
         c == 'E';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  ValueEnd Run() {
    using enum ValueEnd::Kind;
    for (;;) {
      while (at_ < text_.size() && kBlank.find(text_[at_]) != std::string_view::npos) ++at_;
      if (at_ == text_.size()) return {kUnfinished};
      const char c = text_[at_];
      if (c == ',' || c == ':' || c == '}' || c == ']') {
        if (!Close(c)) return {kInvalid};
        ++at_;
        if (depth_ == 0) return {kComplete, at_};
        continue;
      }
      if (want_ == Want::kComma || want_ == Want::kColon) return {kInvalid};
      if (c == '"') {
        const auto string = String();
        if (string != kComplete) return {string};
      } else if (want_ == Want::kKey || want_ == Want::kKeyOrEnd) {
        return {kInvalid};
      } else if (c == '{' || c == '[') {
        if (depth_ == kDeepest) return {kInvalid};
        is_object_[depth_++] = c == '{';
        want_ = c == '{' ? Want::kKeyOrEnd : Want::kValueOrEnd;
        ++at_;
        continue;
      } else {
        const std::size_t begin = at_;
        while (at_ < text_.size() && InWord(text_[at_])) ++at_;
        const std::string_view word = text_.substr(begin, at_ - begin);
        const bool number = !word.empty() && (word[0] == '-' || (word[0] >= '0' && word[0] <= '9'));
        const bool open = at_ == text_.size() && !word.empty();
        const bool known = std::ranges::any_of(kWords, [&](std::string_view whole) {
          return open ? whole.starts_with(word) : whole == word;
        });
        if (!number && !known) return {kInvalid};
        if (open) return {kUnfinished};
      }
      const bool key = want_ == Want::kKey || want_ == Want::kKeyOrEnd;
      want_ = key ? Want::kColon : Want::kComma;
      if (depth_ == 0) return {kInvalid};  // a bare word is no document
    }
  }

 private:
  enum class Want { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kComma };

  // Takes what separates or closes; false where it does not belong.
  bool Close(char c) {
    const bool object = depth_ > 0 && is_object_[depth_ - 1];
    if (c == ':') {
      if (want_ != Want::kColon) return false;
      want_ = Want::kValue;
      return true;
    }
    if (depth_ == 0) return false;
    if (c == ',') {
      if (want_ != Want::kComma) return false;
      want_ = object ? Want::kKey : Want::kValue;
      return true;
    }
    const Want empty = object ? Want::kKeyOrEnd : Want::kValueOrEnd;
    if (object != (c == '}') || (want_ != Want::kComma && want_ != empty)) return false;
    --depth_;
    want_ = Want::kComma;
    return true;
  }

  ValueEnd::Kind String() {
    using enum ValueEnd::Kind;
    for (++at_; at_ < text_.size();) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (kInString[c]) {
        ++at_;
      } else if (c == '"') {
        ++at_;
        return kComplete;
      } else if (c == '\\') {
        if (at_ + 1 < text_.size() && static_cast<unsigned char>(text_[at_ + 1]) < 0x20) {
          return kInvalid;
        }
        at_ += 2;
      } else {
        return kInvalid;
      }
    }
    return kUnfinished;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Want want_ = Want::kValue;
  std::size_t depth_ = 0;
  std::bitset<kDeepest> is_object_;
};

// Whether a document may begin with this bracket. One of log text ("[2026-11-21 …]", "{now:%Y}")
// goes on otherwise.
bool MayBegin(std::string_view text, Tail tail) {
  const std::size_t next = text.find_first_not_of(kBlank, 1);
  if (next == std::string_view::npos) return tail == Tail::kOpen;
  return text[0] == '{' ? text[next] == '"' || text[next] == '}'
                        : text[next] == '{' || text[next] == ']';
}

class Cutter {
 public:
  Cutter(std::string_view bytes, std::uint64_t offset, std::size_t limit, Tail tail,
         std::vector<Record>* records, SkippedBytes* skipped)
      : bytes_(bytes),
        offset_(offset),
        limit_(limit),
        tail_(tail),
        records_(records),
        skipped_(skipped) {}

  std::size_t Run() {
    if (offset_ == 0) at_ = bytes_.size() - WithoutMark(bytes_).size();
    skipped_->blank += at_;
    while (at_ < bytes_.size()) {
      if (bytes_[at_] == '\0') {
        const std::size_t nuls = LeadingNuls(bytes_.substr(at_));
        skipped_->nul += nuls;
        at_ += nuls;
      } else if (kBlank.find(bytes_[at_]) != std::string_view::npos) {
        ++at_;
        ++skipped_->blank;
      } else if (!Line()) {
        break;
      }
    }
    return at_;
  }

 private:
  // Takes what begins here, up to the end of the line or of a document in it. False where more must
  // come first.
  bool Line() {
    const auto* newline =
        static_cast<const char*>(std::memchr(bytes_.data() + at_, '\n', bytes_.size() - at_));
    const bool whole = newline != nullptr || tail_ == Tail::kCut;
    const std::size_t end =
        newline != nullptr ? static_cast<std::size_t>(newline - bytes_.data()) : bytes_.size();
    bool broken_off = false;
    const std::string_view line = bytes_.substr(0, end);
    for (std::size_t i = at_; (i = line.find_first_of("{[", i)) < end; ++i) {
      const std::string_view rest = bytes_.substr(i);
      if (!MayBegin(rest, tail_)) continue;
      const ValueEnd value = FindValueEnd(rest);
      const bool unfinished = value.kind == ValueEnd::Kind::kUnfinished;
      // Brackets in a message are text.
      if (value.kind == ValueEnd::Kind::kInvalid && (i > at_ || broken_off)) continue;
      // Until more has come it may turn out to be part of the text before it.
      if (unfinished && tail_ == Tail::kOpen) return false;
      if (broken_off) {
        skipped_->cut_off += i - at_;
      } else {
        Text(at_, i);
      }
      at_ = i;
      if (value.kind == ValueEnd::Kind::kComplete) {
        Add(i, i + value.size);
        at_ += value.size;
        return true;
      }
      broken_off = true;
    }
    if (!broken_off) {
      if (!whole) return false;
      Text(at_, end);
      at_ = end;
      return true;
    }
    const std::size_t rest = EndOfRest(end);
    if (rest + 1 >= bytes_.size() && tail_ == Tail::kOpen) return false;  // more of it may come
    skipped_->cut_off += rest - at_;
    at_ = rest;
    return true;
  }

  // Where the lines end that follow on one in which a document broke off and that are still of it:
  // no line of its own begins like them.
  [[nodiscard]] std::size_t EndOfRest(std::size_t end) const {
    while (end + 1 < bytes_.size() &&
           std::string_view(" \t}]").find(bytes_[end + 1]) != std::string_view::npos) {
      end = std::min(bytes_.find('\n', end + 1), bytes_.size());
    }
    return end;
  }

  void Text(std::size_t begin, std::size_t end) {
    while (end > begin &&
           (kBlank.find(bytes_[end - 1]) != std::string_view::npos || bytes_[end - 1] == '\0')) {
      ++(bytes_[--end] == '\0' ? skipped_->nul : skipped_->blank);
    }
    if (end > begin) Add(begin, end);
  }

  void Add(std::size_t begin, std::size_t end) {
    if (end - begin > limit_) {
      skipped_->too_long += end - begin;
    } else {
      records_->push_back({bytes_.substr(begin, end - begin), offset_ + begin});
    }
  }

  const std::string_view bytes_;
  const std::uint64_t offset_;
  const std::size_t limit_;
  const Tail tail_;
  std::vector<Record>* records_;
  SkippedBytes* skipped_;
  std::size_t at_ = 0;
};

}  // namespace

ValueEnd FindValueEnd(std::string_view text) { return Scanner(text).Run(); }

std::size_t CutDocuments(std::string_view bytes, std::uint64_t offset, std::size_t limit, Tail tail,
                         std::vector<Record>* records, SkippedBytes* skipped) {
  return Cutter(bytes, offset, limit, tail, records, skipped).Run();
}

}  // namespace backup_exporter

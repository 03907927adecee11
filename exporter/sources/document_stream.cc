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

// Bytes that stand for themselves in a JSON string.
constexpr std::array<bool, 256> kInString = [] {
  std::array<bool, 256> in_string{};
  for (std::size_t c = 0x20; c < 256; ++c) in_string[c] = c != '"' && c != '\\';
  return in_string;
}();

constexpr std::array<std::string_view, 3> kLiterals{"true", "false", "null"};

// The characters of numbers and literals.
bool InLiteral(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
         c == 'E';
}

// Scans one JSON value, a token at a time.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  ValueEnd Run() {
    using enum ValueEnd::Kind;
    for (;;) {
      while (at_ < text_.size() && kBlank.find(text_[at_]) != std::string_view::npos) ++at_;
      if (at_ == text_.size()) return {kUnfinished};
      const ValueEnd::Kind token = Token(text_[at_]);
      if (token != kComplete) return {token};
      if (depth_ == 0) return closed_ ? ValueEnd{kComplete, at_} : ValueEnd{kInvalid};
    }
  }

 private:
  enum class Want { kValue, kValueOrEnd, kKey, kKeyOrEnd, kColon, kComma };

  [[nodiscard]] bool WantsKey() const { return want_ == Want::kKey || want_ == Want::kKeyOrEnd; }

  // Scans the token that begins with `c`. kComplete: it is valid here.
  ValueEnd::Kind Token(char c) {
    using enum ValueEnd::Kind;
    if (c == ',' || c == ':' || c == '}' || c == ']') return Punctuation(c) ? kComplete : kInvalid;
    if (want_ == Want::kComma || want_ == Want::kColon) return kInvalid;
    if (c != '"' && WantsKey()) return kInvalid;
    if (c == '{' || c == '[') return Open(c == '{') ? kComplete : kInvalid;
    const ValueEnd::Kind scalar = c == '"' ? String() : Literal();
    want_ = WantsKey() ? Want::kColon : Want::kComma;
    return scalar;
  }

  bool Open(bool object) {
    if (depth_ == kDeepest) return false;
    is_object_[depth_++] = object;
    want_ = object ? Want::kKeyOrEnd : Want::kValueOrEnd;
    ++at_;
    return true;
  }

  // A number, true, false or null.
  ValueEnd::Kind Literal() {
    using enum ValueEnd::Kind;
    const std::size_t begin = at_;
    while (at_ < text_.size() && InLiteral(text_[at_])) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word.empty()) return kInvalid;
    const bool number = word[0] == '-' || (word[0] >= '0' && word[0] <= '9');
    const bool open = at_ == text_.size();
    const bool known = std::ranges::any_of(kLiterals, [&](std::string_view literal) {
      return open ? literal.starts_with(word) : literal == word;
    });
    if (!number && !known) return kInvalid;
    return open ? kUnfinished : kComplete;
  }

  // Consumes a character that separates or closes; false if it is not valid here.
  bool Punctuation(char c) {
    if (!IsValid(c)) return false;
    ++at_;
    return true;
  }
  bool IsValid(char c) {
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
    closed_ = --depth_ == 0;
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
  bool closed_ = false;  // the outermost value
};

// Whether a document may begin with this bracket. Brackets of log text ("[2026-11-21 …]",
// "{now:%Y}") are followed by something else.
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
    if (offset_ == 0) at_ = bytes_.size() - WithoutByteOrderMark(bytes_).size();
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
  // Consumes text and a document, or the rest of the line. False if more bytes are needed first.
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
      // Brackets within a message are text.
      if (value.kind == ValueEnd::Kind::kInvalid && (i > at_ || broken_off)) continue;
      // More bytes may show that it is part of the text before it.
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
    if (rest + 1 >= bytes_.size() && tail_ == Tail::kOpen)
      return false;  // more of the document may follow
    skipped_->cut_off += rest - at_;
    at_ = rest;
    return true;
  }

  // The end of the lines after `end` that still belong to a document that broke off before them.
  // Such lines begin with a blank, a tab or a closing bracket, as no other line does.
  [[nodiscard]] std::size_t EndOfRest(std::size_t end) const {
    while (end + 1 < bytes_.size() &&
           std::string_view(" \t}]").find(bytes_[end + 1]) != std::string_view::npos) {
      end = std::min(bytes_.find('\n', end + 1), bytes_.size());
    }
    return end;
  }

  // Adds a record of text, without blanks and NULs at its end.
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

// Recognises the tool of a file by the first record that proves it, and leaves the rest to that
// format's decoder. What was said before may be of the same run (a source that is missing), so
// lines that mean something to one of the tools are kept, and told to that decoder first.

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/json.h"
#include "decoders/borg_words.h"
#include "decoders/decoders.h"
#include "decoders/restic_words.h"

namespace backup_exporter {
namespace {

// Of the records that prove nothing yet.
constexpr std::ptrdiff_t kMostAlike = 4;
constexpr std::size_t kLongest = 1000;  // bytes of one

class AutoDecoder final : public Decoder {
 public:
  explicit AutoDecoder(const DecoderOptions& options) : options_(options) {}

  void Decode(const Record& record, Decoded& out) override {
    if (!decoder_ && Recognise(record.bytes)) {
      Decoded before;  // counted when it came
      for (const auto& [text, offset] : std::exchange(kept_, {})) {
        decoder_->Decode({.bytes = text, .offset = offset}, before);
      }
      std::ranges::move(before.events, std::back_inserter(out.events));
    }
    if (decoder_) return decoder_->Decode(record, out);
    Keep(record);
    ++out.counts.records;
    const bool json_like = record.bytes.starts_with("{\"") || record.bytes.starts_with("[{");
    if (!json_like) {
      ++out.counts.text;
    } else {
      ++(ParseJson(record.bytes) ? out.counts.unknown_messages : out.counts.parse_errors);
    }
  }

  [[nodiscard]] std::string Save() const override {
    if (!decoder_ && kept_.empty()) return {};
    if (!decoder_) return Json(kept_).dump(-1, ' ', false, Json::error_handler_t::replace);
    return std::string(format_->name).append(" ").append(decoder_->Save());
  }
  void Restore(std::string_view saved) override {
    kept_.clear();
    if (saved.starts_with('[')) return RestoreKept(saved);
    const std::size_t end = std::min(saved.find(' '), saved.size());
    Use(FormatNamed(saved.substr(0, end)));
    if (decoder_) decoder_->Restore(saved.substr(std::min(end + 1, saved.size())));
  }
  [[nodiscard]] const Format* recognised() const override { return format_; }

 private:
  void Keep(const Record& record) {
    const auto kind = [](std::string_view text) {
      return std::tuple(BorgWordsOf(text), BorgReasonOf("", text), BorgOperationInProgress(text),
                        WordsOf(text));
    };
    const auto here = kind(record.bytes);
    if (here ==
        std::tuple(BorgWords::kNothing, Reason::kOther, std::nullopt, ResticWords::kNothing)) {
      return;
    }
    // Of its own kind a few are enough.
    const auto alike =
        std::ranges::count_if(kept_, [&](const auto& kept) { return kind(kept.first) == here; });
    if (alike < kMostAlike) kept_.emplace_back(record.bytes.substr(0, kLongest), record.offset);
  }

  void RestoreKept(std::string_view saved) {
    const auto json = ParseJson(saved);
    if (!json || !json->is_array()) return;
    for (const Json& item : *json) {
      const bool pair = item.is_array() && item.size() == 2 && item[0].is_string() &&
                        item[1].is_number_unsigned();
      if (!pair || item[0].get_ref<const std::string&>().empty()) continue;
      Keep(
          {.bytes = item[0].get_ref<const std::string&>(), .offset = item[1].get<std::uint64_t>()});
    }
  }

  bool Recognise(std::string_view record) {
    const auto formats = Formats();
    const auto found = std::ranges::find_if(formats, [record](const Format& format) {
      return format.recognises != nullptr && format.recognises(record);
    });
    if (found != formats.end()) Use(&*found);
    return decoder_ != nullptr;
  }
  void Use(const Format* format) {
    if (format == nullptr || format->recognises == nullptr) return;
    format_ = format;
    decoder_ = format->make(options_);
  }

  DecoderOptions options_;
  const Format* format_ = nullptr;
  std::unique_ptr<Decoder> decoder_;
  std::vector<std::pair<std::string, std::uint64_t>> kept_;  // with their offsets
};

}  // namespace

std::unique_ptr<Decoder> MakeAutoDecoder(const DecoderOptions& options) {
  return std::make_unique<AutoDecoder>(options);
}

}  // namespace backup_exporter

// Recognises the tool of a file by the first record that proves it, and leaves the rest to that
// format's decoder. Records before that say nothing to anybody.

#include <algorithm>

#include "decoders/formats.h"
#include "decoders/json.h"

namespace backup_exporter {
namespace {

class AutoDecoder final : public Decoder {
 public:
  explicit AutoDecoder(const DecoderOptions& options) : options_(options) {}

  void Decode(const Record& record, Decoded& out) override {
    if (!decoder_) Recognise(record.bytes);
    if (decoder_) return decoder_->Decode(record, out);
    ++out.counts.records;
    const bool json_like = record.bytes.starts_with("{\"") || record.bytes.starts_with("[{");
    if (!json_like) {
      ++out.counts.text;
    } else {
      ++(ParseJson(record.bytes) ? out.counts.unknown_messages : out.counts.parse_errors);
    }
  }

  [[nodiscard]] std::string Save() const override {
    if (!decoder_) return {};
    return std::string(format_->name).append(" ").append(decoder_->Save());
  }
  void Restore(std::string_view saved) override {
    const std::size_t end = std::min(saved.find(' '), saved.size());
    Use(FormatNamed(saved.substr(0, end)));
    if (decoder_) decoder_->Restore(saved.substr(std::min(end + 1, saved.size())));
  }
  [[nodiscard]] const Format* recognised() const override { return format_; }

 private:
  void Recognise(std::string_view record) {
    const auto formats = Formats();
    const auto found = std::ranges::find_if(formats, [record](const Format& format) {
      return format.recognises != nullptr && format.recognises(record);
    });
    if (found != formats.end()) Use(&*found);
  }
  void Use(const Format* format) {
    if (format == nullptr || format->recognises == nullptr) return;
    format_ = format;
    decoder_ = format->make(options_);
  }

  DecoderOptions options_;
  const Format* format_ = nullptr;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace

std::unique_ptr<Decoder> MakeAutoDecoder(const DecoderOptions& options) {
  return std::make_unique<AutoDecoder>(options);
}

}  // namespace backup_exporter

// Recognises the tool of a file by the first record that proves it, and passes the records on to
// the decoder of that format. Earlier records may belong to the same run (a missing source), so
// those that mean something to one of the tools are kept and decoded first.

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/json.h"
#include "decoders/borg_messages.h"
#include "decoders/decoders.h"
#include "decoders/old_state.h"
#include "decoders/restic_messages.h"
#include "decoders/saved_state.h"

namespace backup_exporter {
namespace {

constexpr std::ptrdiff_t kMaxAlike = 4;      // records of one kind that are kept
constexpr std::size_t kMaxKeptBytes = 1000;  // of one record

class AutoDecoder final : public Decoder {
 public:
  explicit AutoDecoder(const DecoderOptions& options) : options_(options) {}

  void Decode(const Record& record, Decoded& out) override {
    if (!decoder_ && Recognise(record.bytes)) {
      Decoded earlier;  // these records were counted already
      for (const auto& [text, offset] : std::exchange(kept_, {})) {
        decoder_->Decode({.bytes = text, .offset = offset}, earlier);
      }
      std::ranges::move(earlier.events, std::back_inserter(out.events));
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

  // Either the format and the state of its decoder, or the records that were kept.
  [[nodiscard]] std::string Save() const override {
    StateWriter saved;
    if (decoder_) {
      saved.Add("format", format_->name);
      saved.Add("state", decoder_->Save());
    }
    Json records = Json::array();
    for (const auto& [text, offset] : kept_) {
      records.push_back({{"text", text}, {"offset", offset}});
    }
    saved.AddJson("records", std::move(records));
    return saved.empty() ? std::string() : saved.Text();
  }

  void Restore(std::string_view saved) override {
    format_ = nullptr;
    decoder_.reset();
    kept_.clear();
    const auto json = saved.starts_with('{')
                          ? ReadState(saved, [](const Json&) { return std::optional<Json>(); })
                          : ConvertAutoState(saved);
    if (!json) return;
    StateReader state(*json);
    Use(FormatNamed(state.Text("format")));
    if (decoder_) return decoder_->Restore(state.Text("state"));
    if (const Json* records = state.Array("records"); records != nullptr) RestoreKept(*records);
  }

  [[nodiscard]] const Format* recognised() const override { return format_; }

 private:
  void Keep(const Record& record) {
    const auto kind_of = [](std::string_view text) {
      return std::tuple(BorgMessageOf(text), BorgReasonOf("", text), BorgOperationInProgress(text),
                        ResticMessageOf(text));
    };
    const auto kind = kind_of(record.bytes);
    if (kind ==
        std::tuple(BorgMessage::kOther, Reason::kOther, std::nullopt, ResticMessage::kOther)) {
      return;
    }
    const auto alike =
        std::ranges::count_if(kept_, [&](const auto& kept) { return kind_of(kept.first) == kind; });
    if (alike >= kMaxAlike) return;
    kept_.emplace_back(record.bytes.substr(0, kMaxKeptBytes), record.offset);
  }

  void RestoreKept(const Json& records) {
    for (const Json& item : records) {
      if (!item.is_object()) continue;
      StateReader record(item);
      const std::string text = record.Text("text");
      const auto offset = record.Count("offset");
      if (!text.empty() && offset) Keep({.bytes = text, .offset = *offset});
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

  // Ignores nullptr and formats that cannot be recognised.
  void Use(const Format* format) {
    if (format == nullptr || format->recognises == nullptr) return;
    format_ = format;
    decoder_ = format->make(options_);
  }

  DecoderOptions options_;
  const Format* format_ = nullptr;
  std::unique_ptr<Decoder> decoder_;
  std::vector<std::pair<std::string, std::uint64_t>> kept_;  // records with their offsets
};

}  // namespace

std::unique_ptr<Decoder> MakeAutoDecoder(const DecoderOptions& options) {
  return std::make_unique<AutoDecoder>(options);
}

}  // namespace backup_exporter

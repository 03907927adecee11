#include "decoders/decoders.h"

#include <algorithm>
#include <array>

namespace backup_exporter {

// The decoders of the table below, each in the file of its name, and the functions that recognise
// their records.

// restic --json, 0.14 to 0.19, standard output with or without standard error.
[[nodiscard]] std::unique_ptr<Decoder> MakeResticDecoder(const DecoderOptions& options);
[[nodiscard]] bool IsRestic(std::string_view record);
// resticprofile's status file, 0.12 to 0.33.
[[nodiscard]] std::unique_ptr<Decoder> MakeResticprofileDecoder(const DecoderOptions& options);
[[nodiscard]] bool IsResticprofile(std::string_view record);
// borg, 1.1 to 1.4 and 2.0 as documented: --json, --log-json, plain text.
[[nodiscard]] std::unique_ptr<Decoder> MakeBorgDecoder(const DecoderOptions& options);
[[nodiscard]] bool IsBorg(std::string_view record);
// borgmatic, 1.7 to 2.1: --json, and its log.
[[nodiscard]] std::unique_ptr<Decoder> MakeBorgmaticDecoder(const DecoderOptions& options);
[[nodiscard]] bool IsBorgmatic(std::string_view record);
// borgmatic's check-time markers, 1.9 to 2.1.
[[nodiscard]] std::unique_ptr<Decoder> MakeBorgmaticChecksDecoder(const DecoderOptions& options);
// The records of `backup_exporter event`.
[[nodiscard]] std::unique_ptr<Decoder> MakeEventDecoder(const DecoderOptions& options);
// Recognises one of the formats above by the records.
[[nodiscard]] std::unique_ptr<Decoder> MakeAutoDecoder(const DecoderOptions& options);

std::span<const Format> Formats() {
  static const std::array kFormats{
      Format{.name = "restic",
             .tool = "restic",
             .framing = Framing::kLines,
             .backup = "{stem}",
             .recognises = &IsRestic,
             .make = &MakeResticDecoder},
      Format{.name = "resticprofile",
             .tool = "resticprofile",
             .framing = Framing::kWhole,
             .backup = "{profile}",
             .placeholders = {"{profile}"},
             .recognises = &IsResticprofile,
             .make = &MakeResticprofileDecoder,
             .names_operations = true},
      Format{.name = "borg",
             .tool = "borg",
             .framing = Framing::kDocuments,
             .backup = "{stem}",
             .placeholders = {"{repository}"},
             .recognises = &IsBorg,
             .make = &MakeBorgDecoder,
             .local_times = true},
      Format{.name = "borgmatic",
             .tool = "borgmatic",
             .framing = Framing::kDocuments,
             .backup = "{label}",
             .placeholders = {"{label}"},
             .recognises = &IsBorgmatic,
             .make = &MakeBorgmaticDecoder,
             .local_times = true},
      Format{.name = "borgmatic-checks",
             .tool = "borgmatic",
             .framing = Framing::kStamps,
             .backup = "",
             .make = &MakeBorgmaticChecksDecoder,
             .names_operations = true},
      Format{.name = "auto",
             .tool = "other",
             .framing = Framing::kDocuments,
             .backup = "{stem}",
             .placeholders = {"{profile}", "{label}", "{repository}"},
             .make = &MakeAutoDecoder,
             .local_times = true},
      Format{.name = "event",
             .tool = "other",
             .framing = Framing::kLines,
             .backup = "{label}",
             .placeholders = {"{label}"},
             .make = &MakeEventDecoder,
             .names_operations = true,
             .written_by_run = false},
  };
  return kFormats;
}

const Format* FormatNamed(std::string_view name) {
  const auto formats = Formats();
  const auto found = std::ranges::find(formats, name, &Format::name);
  return found == formats.end() ? nullptr : &*found;
}

}  // namespace backup_exporter

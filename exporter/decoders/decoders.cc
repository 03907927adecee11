#include "decoders/decoders.h"

#include <algorithm>
#include <array>

#include "decoders/formats.h"

namespace backup_exporter {

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

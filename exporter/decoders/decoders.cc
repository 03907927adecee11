#include "decoders/decoders.h"

#include <algorithm>
#include <array>

#include "decoders/formats.h"

namespace backup_exporter {

std::span<const Format> Formats() {
  static constexpr std::array kFormats{
      Format{"restic", Framing::kLines, "{stem}", false, &MakeResticDecoder},
      Format{"resticprofile", Framing::kWhole, "{profile}", true, &MakeResticprofileDecoder},
  };
  return kFormats;
}

const Format* FormatNamed(std::string_view name) {
  const auto formats = Formats();
  const auto found = std::ranges::find(formats, name, &Format::name);
  return found == formats.end() ? nullptr : &*found;
}

}  // namespace backup_exporter

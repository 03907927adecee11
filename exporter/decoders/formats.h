// The decoders behind the rows of the table in decoders.cc, which alone includes this.
#pragma once

#include <memory>

#include "decoders/decoders.h"

namespace backup_exporter {

// restic --json, 0.14 to 0.19, standard output with or without standard error.
[[nodiscard]] std::unique_ptr<Decoder> MakeResticDecoder(const DecoderOptions& options);
// resticprofile's status file, 0.12 to 0.33.
[[nodiscard]] std::unique_ptr<Decoder> MakeResticprofileDecoder(const DecoderOptions& options);

}  // namespace backup_exporter

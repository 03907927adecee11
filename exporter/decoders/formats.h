// The decoders behind the rows of the table in decoders.cc, which alone includes this, and what
// proves a record to be of theirs.
#pragma once

#include <memory>
#include <string_view>

#include "decoders/decoders.h"

namespace backup_exporter {

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
// What `backup_exporter event` leaves.
[[nodiscard]] std::unique_ptr<Decoder> MakeEventDecoder(const DecoderOptions& options);
// Whichever of these a file turns out to hold.
[[nodiscard]] std::unique_ptr<Decoder> MakeAutoDecoder(const DecoderOptions& options);

}  // namespace backup_exporter

// The formats: what a record of each tool's output says about runs.
//
// A decoder is pure: what it makes of a record depends on the record and on what it remembers from
// earlier records of the same file, never on a clock, a file or another source. What it remembers
// is small, and saved with the position. Adding a format is one source file, one row in decoders.cc
// and one test file.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

struct DecoderOptions {
  // resticprofile: its sizes were collected with extended-status, so that zeros are zeros.
  bool extended_status = false;
};

// What a decoder makes of the records it was given.
struct Decoded {
  std::vector<Event> events;
  RecordCounts counts;
};

// One file's decoder. Not thread-safe.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Any bytes are allowed in; what cannot be understood is counted.
  virtual void Decode(const Record& record, Decoded& out) = 0;
  // What is remembered, as text. Restore takes what Save gave; anything else is "nothing
  // remembered".
  [[nodiscard]] virtual std::string Save() const = 0;
  virtual void Restore(std::string_view saved) = 0;
};

// A row of the table of formats.
struct Format {
  std::string_view name;  // as in the configuration, and the `tool` of backup_info
  Framing framing;
  std::string_view backup;  // how backups are named where the configuration does not say
  // Placeholders of `backup` that its records can fill, besides those of the path.
  bool labels = false;  // {profile}
  std::unique_ptr<Decoder> (*make)(const DecoderOptions& options);
};

[[nodiscard]] std::span<const Format> Formats();
// nullptr where no such format is known.
[[nodiscard]] const Format* FormatNamed(std::string_view name);

}  // namespace backup_exporter

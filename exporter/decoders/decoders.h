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

#include "base/zone.h"
#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

struct DecoderOptions {
  // resticprofile: its sizes were collected with extended-status, so that zeros are zeros.
  bool extended_status = false;
  TimeZone zone;  // of the times that borg and borgmatic print without saying of which
};

// What a decoder makes of the records it was given.
struct Decoded {
  std::vector<Event> events;
  RecordCounts counts;
};

struct Format;

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
  // The format that the file was found to have, where that was not given; nullptr: none yet.
  [[nodiscard]] virtual const Format* recognised() const { return nullptr; }
};

// A row of the table of formats.
struct Format {
  std::string_view name;  // as in the configuration
  std::string_view tool;  // as in backup_info
  Framing framing;
  // How backups are named where the configuration does not say; empty: it must say.
  std::string_view backup;
  // Placeholders of a backup's name that its records can fill, besides those of the path.
  std::vector<std::string_view> placeholders;
  // A record of this file is proof of this format, and of no other; nullptr: nothing is.
  bool (*recognises)(std::string_view record);
  std::unique_ptr<Decoder> (*make)(const DecoderOptions& options);
  // It may print times without a zone.
  bool local_times = false;
  // Each record says which operation it is of.
  bool names_operations = false;
  // The process that writes the file is the run that it tells of: when it is gone, so is the run.
  bool written_by_run = true;
};

[[nodiscard]] std::span<const Format> Formats();
// nullptr where no such format is known.
[[nodiscard]] const Format* FormatNamed(std::string_view name);

}  // namespace backup_exporter

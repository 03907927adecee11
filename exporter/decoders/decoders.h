// The table of formats, and the decoders that turn the records of a file into events.
//
// A decoder is pure: its events depend on the record and on its state from earlier records of the
// same file, never on a clock, a file or another source. The state is small and is stored with the
// checkpoint. Adding a format takes one source file, one row in decoders.cc and one test file. A
// tool whose output needs state has TOOL.cc (what a record is) and TOOL_runs.{h,cc} (what it means
// for the run in progress, and the state).
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
  // resticprofile ran with extended-status, so that a size of zero means zero and not unknown.
  bool extended_status = false;
  TimeZone zone;  // of times that borg and borgmatic print without a zone
};

// The output of a decoder. Decode appends to it.
struct Decoded {
  std::vector<Event> events;
  RecordCounts counts;
};

struct Format;

// The decoder of one file. Not thread-safe.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Appends the events of a record and counts it, under the reason if it is not understood. The
  // record may contain any bytes but must not be empty. Records come in the order of the file.
  virtual void Decode(const Record& record, Decoded& out) = 0;
  // The state as text, with names and a version (see saved_state.h); empty if there is none.
  // Restore also reads states that earlier releases saved. After any other text the decoder starts
  // without state.
  [[nodiscard]] virtual std::string Save() const = 0;
  virtual void Restore(std::string_view saved) = 0;
  // The format that an `auto` decoder recognised; nullptr as long as it recognised none, and for
  // other decoders.
  [[nodiscard]] virtual const Format* recognised() const { return nullptr; }
};

// A row of the table of formats.
struct Format {
  std::string_view name;  // as in the configuration
  std::string_view tool;  // as in backup_info
  Framing framing;
  // The default name template of backups; empty: the configuration must have one.
  std::string_view backup;
  // Placeholders of the template that the records can fill, besides those of the path.
  std::vector<std::string_view> placeholders;
  // True if the record proves this format and no other. nullptr: no record does.
  bool (*recognises)(std::string_view record);
  std::unique_ptr<Decoder> (*make)(const DecoderOptions& options);
  // Its records may have times without a zone.
  bool local_times = false;
  // Every record names its operation.
  bool names_operations = false;
  // The process that writes the file is the run: when no process has it open, the run is over.
  bool written_by_run = true;
};

// All formats. Thread-safe, as is FormatNamed.
[[nodiscard]] std::span<const Format> Formats();
// nullptr if there is no such format.
[[nodiscard]] const Format* FormatNamed(std::string_view name);

}  // namespace backup_exporter

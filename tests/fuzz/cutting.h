// Promises about records that hold however the bytes were cut into pieces.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/promise.h"
#include "model/event.h"
#include "model/record.h"

namespace backup_exporter {

struct Cut {
  std::vector<Record> records;
  SkippedBytes skipped;
  std::size_t consumed = 0;  // bytes
};

// The records lie one after the other in `text`, which begins at `offset` of the file.
inline void PromiseRecordsOf(const Cut& cut, std::string_view text, std::uint64_t offset,
                             std::size_t limit) {
  std::size_t end = 0;
  std::size_t in_records = 0;
  for (const Record& record : cut.records) {
    Promise(!record.bytes.empty(), "no record is empty");
    Promise(record.bytes.size() <= limit, "no record is above the limit");
    const std::size_t begin = record.offset - offset;
    Promise(record.offset >= offset + end && begin + record.bytes.size() <= text.size(),
            "records are in the text, in its order");
    Promise(record.bytes.data() == text.data() + begin, "a record is where its offset says");
    end = begin + record.bytes.size();
    in_records += record.bytes.size();
  }
  Promise(in_records + cut.skipped.all() == cut.consumed, "every byte is counted once");
}

inline std::vector<std::string> TextsOf(const Cut& cut) {
  std::vector<std::string> texts;
  for (const Record& record : cut.records) {
    texts.push_back(fmt::format("{}: {}", record.offset, record.bytes));
  }
  texts.push_back(fmt::format("too long {}, NUL {}, cut off {}", cut.skipped.too_long,
                              cut.skipped.nul, cut.skipped.cut_off));
  return texts;
}

}  // namespace backup_exporter

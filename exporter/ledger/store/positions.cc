#include "ledger/store/positions.h"

#include <cstdint>
#include <utility>

namespace backup_exporter {

void PositionStore::Save(const std::string& source, FileStep& step) {
  FilePosition& position = step.position;
  // Device and inode numbers use all 64 bits, which are stored as they are.
  const auto device = static_cast<std::int64_t>(position.device);
  const auto inode = static_cast<std::int64_t>(position.inode);
  if (position.id == 0) {
    database_.Run(
        "INSERT INTO files(source,path,device,inode,offset,prefix_crc,modified,at_end,"
        "decoder_state) VALUES(?,?,?,?,?,?,?,?,?)",
        source, position.path, device, inode, position.offset, position.prefix_crc,
        position.modified, step.at_end, step.decoder_state);
    position.id = database_.LastInserted();
  } else {
    database_.Run(
        "UPDATE files SET source=?,path=?,device=?,inode=?,offset=?,prefix_crc=?,modified=?,"
        "at_end=?,decoder_state=? WHERE id=?",
        source, position.path, device, inode, position.offset, position.prefix_crc,
        position.modified, step.at_end, step.decoder_state, position.id);
  }
}

std::optional<Time> PositionStore::ModifiedAtEnd(RowId file) {
  return database_.Row<Time>("SELECT modified FROM files WHERE id=? AND at_end=1", file);
}

void PositionStore::Remove(RowId file) { database_.Run("DELETE FROM files WHERE id=?", file); }

std::vector<Checkpoint> PositionStore::CheckpointsOf(const std::string& source) {
  std::vector<Checkpoint> checkpoints;
  for (auto&& [id, path, device, inode, offset, prefix_crc, modified, decoder_state] :
       database_.Rows<RowId, std::string, std::uint64_t, std::uint64_t, std::uint64_t,
                      std::uint32_t, Time, std::string>(
           "SELECT id,path,device,inode,offset,prefix_crc,modified,decoder_state FROM files WHERE "
           "source=? ORDER BY id",
           source)) {
    checkpoints.push_back({.position = {.id = id,
                                        .path = std::move(path),
                                        .device = device,
                                        .inode = inode,
                                        .offset = offset,
                                        .prefix_crc = prefix_crc,
                                        .modified = modified},
                           .decoder_state = std::move(decoder_state)});
  }
  return checkpoints;
}

}  // namespace backup_exporter

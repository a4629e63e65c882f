#include "os/perf_record.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "base/check.h"

namespace gp::os {
namespace {

// A NUL-padded text that fills the rest of a record's body.
std::string_view padded_text(ByteReader& reader) {
  const Bytes rest = reader.take(reader.remaining());
  const auto end = std::ranges::find(rest, uint8_t{0});
  return {reinterpret_cast<const char*>(rest.data()), static_cast<size_t>(end - rest.begin())};
}

MmapEvent decode_mmap2(ByteReader& reader, bool has_build_id) {
  MmapEvent event;
  event.pid = reader.read<int32_t>();
  event.tid = reader.read<int32_t>();
  event.address = reader.read<uint64_t>();
  event.length = reader.read<uint64_t>();
  event.offset = reader.read<uint64_t>();
  if (has_build_id) {
    event.build_id_bytes = std::min<uint8_t>(reader.read<uint8_t>(), uint8_t{20});
    reader.skip(3);
    event.build_id = reader.read<std::array<uint8_t, 20>>();
  } else {
    event.dev_major = reader.read<uint32_t>();
    event.dev_minor = reader.read<uint32_t>();
    event.inode = reader.read<uint64_t>();
    event.inode_generation = reader.read<uint64_t>();
  }
  event.protection = reader.read<uint32_t>();
  event.flags = reader.read<uint32_t>();
  event.path = padded_text(reader);
  return event;
}

CommEvent decode_comm(ByteReader& reader, bool exec) {
  CommEvent event;
  event.pid = reader.read<int32_t>();
  event.tid = reader.read<int32_t>();
  event.exec = exec;
  event.name = padded_text(reader);
  return event;
}

// PERF_RECORD_FORK and PERF_RECORD_EXIT look alike; an exit has no use for the parents.
ForkEvent decode_fork(ByteReader& reader) {
  ForkEvent event;
  event.pid = reader.read<int32_t>();
  event.parent_pid = reader.read<int32_t>();
  event.tid = reader.read<int32_t>();
  event.parent_tid = reader.read<int32_t>();
  return event;
}

ExitEvent decode_exit(ByteReader& reader) {
  const ForkEvent event = decode_fork(reader);
  return {event.pid, event.tid};
}

LostEvent decode_lost(ByteReader& reader) {
  reader.skip(8);  // id of the event
  return {reader.read<uint64_t>()};
}

// The bytes [position, position + size) of a ring; joined in `copy` when they wrap.
Bytes ring_slice(Bytes data, uint64_t position, size_t size, std::vector<uint8_t>& copy) {
  const auto at = static_cast<size_t>(position & (data.size() - 1));
  if (size <= data.size() - at) return data.subspan(at, size);
  const size_t first = data.size() - at;
  copy.assign(data.begin() + static_cast<ptrdiff_t>(at), data.end());
  copy.insert(copy.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(size - first));
  return copy;
}

}  // namespace

std::optional<SidebandEvent> decode_sideband(Bytes record) {
  const auto header = read_at<perf_event_header>(record, 0);
  if (!header || header->size > record.size() || header->size < sizeof(*header) + kSampleIdBytes) {
    return std::nullopt;
  }
  const size_t trailer_at = header->size - kSampleIdBytes;
  ByteReader body(record.subspan(sizeof(*header), trailer_at - sizeof(*header)));
  SidebandEvent event;
  switch (header->type) {
    case PERF_RECORD_MMAP2:
      event.body = decode_mmap2(body, (header->misc & PERF_RECORD_MISC_MMAP_BUILD_ID) != 0);
      break;
    case PERF_RECORD_COMM: event.body = decode_comm(body, (header->misc & PERF_RECORD_MISC_COMM_EXEC) != 0); break;
    case PERF_RECORD_FORK: event.body = decode_fork(body); break;
    case PERF_RECORD_EXIT: event.body = decode_exit(body); break;
    case PERF_RECORD_LOST: event.body = decode_lost(body); break;
    default: return std::nullopt;
  }
  if (!body.ok()) return std::nullopt;
  ByteReader trailer(record.subspan(trailer_at, kSampleIdBytes));
  trailer.skip(8);  // pid and tid of whoever caused the record
  event.time_ns = trailer.read<uint64_t>();
  event.cpu = trailer.read<uint32_t>();
  return event;
}

DrainCount drain_records(Bytes data, uint64_t tail, uint64_t head,
                         const std::function<void(const SidebandEvent&)>& callback) {
  GP_CHECK(std::has_single_bit(data.size()));
  DrainCount count;
  std::vector<uint8_t> copy;
  std::vector<uint8_t> header_copy;
  if (head - tail > data.size()) {
    count.corrupt = true;
    return count;
  }
  while (tail != head) {
    const uint64_t pending = head - tail;
    if (pending < sizeof(perf_event_header)) break;
    const auto header = read_at<perf_event_header>(ring_slice(data, tail, sizeof(perf_event_header), header_copy), 0);
    if (!header || header->size < sizeof(perf_event_header) || header->size > pending) break;
    if (const auto event = decode_sideband(ring_slice(data, tail, header->size, copy))) {
      ++count.events;
      callback(*event);
    } else {
      ++count.ignored;
    }
    tail += header->size;
  }
  count.corrupt = tail != head;
  return count;
}

}  // namespace gp::os

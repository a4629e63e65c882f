#include "elf/debug_link.h"

#include <zlib.h>

#include <algorithm>

#include "base/hash.h"
#include "os/rooted_file.h"

namespace gp::elf {
namespace {

constexpr size_t kMaxBuildIdBytes = 64;               // SHA-1 is 20, a UUID 16
constexpr uint64_t kMaxCrcBytes = uint64_t{2} << 30;  // read whole: seconds

std::string build_id_path(Bytes id) {
  std::string path = "/.build-id/";
  for (size_t i = 0; i < id.size(); ++i) path += fmt::format("{}{:02x}", i == 1 ? "/" : "", id[i]);
  return path + ".debug";
}

// Candidates in the order they count, as seen inside a root.
std::vector<std::string> candidates(const Image& image, const DebugFileSearch& search) {
  std::vector<std::string> paths;
  const Bytes id = image.build_id();
  if (id.size() >= 2 && id.size() <= kMaxBuildIdBytes) paths.push_back(search.debug_directory + build_id_path(id));
  const auto link = image.debug_link();
  // A name with a slash would lead anywhere.
  if (!link || link->name.empty() || link->name.find('/') != std::string::npos || search.directory.empty())
    return paths;
  paths.push_back(search.directory + "/" + link->name);
  paths.push_back(search.directory + "/.debug/" + link->name);
  paths.push_back(search.debug_directory + search.directory + "/" + link->name);
  return paths;
}

uint32_t crc_of(Bytes bytes) { return static_cast<uint32_t>(::crc32_z(0, bytes.data(), bytes.size())); }

// Whether `found` was split from `image`: build ids decide where both have one, else the link's CRC.
bool belongs(const Image& image, const Image& found) {
  if (found.machine() != image.machine()) return false;
  const Bytes wanted = image.build_id();
  const Bytes has = found.build_id();
  if (!wanted.empty() && !has.empty()) return std::equal(wanted.begin(), wanted.end(), has.begin(), has.end());
  const auto link = image.debug_link();
  return link && found.bytes().size() <= kMaxCrcBytes && crc_of(found.bytes()) == link->crc;
}

}  // namespace

std::optional<DebugFile> find_debug_file(const Image& image, const DebugFileSearch& search) {
  for (const std::string& root : search.roots) {
    for (const std::string& path : candidates(image, search)) {
      const auto fd = os::open_in_root(root, path);
      if (!fd) continue;
      auto found = Image::from_fd(fd->get());
      if (found && belongs(image, *found)) return DebugFile{std::move(*found), root + path};
    }
  }
  return std::nullopt;
}

uint64_t debug_file_stamp(const Image& image, const DebugFileSearch& search) {
  uint64_t stamp = 0;
  for (const std::string& root : search.roots) {
    for (const std::string& path : candidates(image, search)) {
      const auto status = os::stat_in_root(root, path);
      if (!status) continue;
      stamp = hash_mix(hash_mix(stamp, hash64(std::string_view(path))), static_cast<uint64_t>(status->st_size));
      stamp = hash_mix(hash_mix(stamp, static_cast<uint64_t>(status->st_mtim.tv_sec)),
                       static_cast<uint64_t>(status->st_mtim.tv_nsec));
    }
  }
  return stamp;
}

}  // namespace gp::elf

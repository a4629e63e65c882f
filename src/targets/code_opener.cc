#include "targets/code_opener.h"

#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "os/proc_maps.h"

namespace gp::targets {
namespace {

// The kernel's own shared library is in no file, but in every process, ours too.
Result<elf::Image> vdso_image() {
  const auto base = ::getauxval(AT_SYSINFO_EHDR);
  if (base == 0) return fail(ErrorCode::kNotFound, "no vdso");
  std::vector<uint8_t> bytes;
  GP_ASSIGN(const auto scan, os::for_each_mapping(::getpid(), [&](const os::MapsEntry& entry) {
              if (entry.start != base) return true;
              const auto* data = reinterpret_cast<const uint8_t*>(base);
              bytes.assign(data, data + (entry.end - entry.start));
              return false;
            }));
  static_cast<void>(scan);
  return elf::Image::from_memory(std::move(bytes));
}

FileChange change_of(const struct stat& info) {
  return {.size = info.st_size, .modified_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Whether what was opened by a mapping's place can be that file: another may lie there by now. On overlays inodes differ
// between one way to the file and another, so that a file of that name will do.
bool may_be(const CodeFile& file, int fd) {
  struct stat info{};
  if (::fstat(fd, &info) == 0 && info.st_ino == file.key.inode) return true;
  std::array<char, PATH_MAX> target{};
  const auto length = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
  if (length <= 0) return false;
  return base_name({target.data(), static_cast<size_t>(length)}).starts_with(base_name(file.path));
}

// A regular file's descriptor: the mapping itself where that can be opened, else the path as its process sees it.
Result<os::UniqueFd> open_file_of(const CodeFile& file, const FileHint& hint) {
  auto fd =
      os::open_file(fmt::format("/proc/{}/map_files/{:x}-{:x}", hint.pid, hint.start, hint.end), O_RDONLY | O_NONBLOCK);
  if (fd && may_be(file, fd->get())) return fd;
  for (const auto& path : {fmt::format("/proc/{}/root{}", hint.pid, file.path), file.path}) {
    fd = os::open_file(path, O_RDONLY | O_NONBLOCK);
    struct stat info{};
    if (fd && ::fstat(fd->get(), &info) == 0 && info.st_ino == file.key.inode) return fd;
  }
  return fail(ErrorCode::kNotFound, fmt::format("cannot open {}", file.path));
}

Result<elf::Image> image_of(const CodeFile& file, const FileHint& hint, FileChange& change) {
  if (file.key.inode == 0) return vdso_image();
  GP_ASSIGN(const auto fd, open_file_of(file, hint));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail(ErrorCode::kNotFound, "no fstat");
  change = change_of(info);
  return elf::Image::from_fd(fd.get());
}

// Of those with frames of their own the first that is met, and whatever only generates code.
std::vector<RuntimeFile> runtimes_in(const elf::Image& image, std::string_view path,
                                     std::span<const Runtime* const> runtimes) {
  std::vector<RuntimeFile> found;
  bool has_frames = false;
  for (const Runtime* candidate : runtimes) {
    const bool with_frames = candidate->kind() < GP_RUNTIMES_WITH_FRAMES;
    if (with_frames && has_frames) continue;
    auto runtime = candidate->detect(image, path);
    if (!runtime) continue;
    runtime->kind = candidate->kind();
    runtime->name = candidate->name();
    has_frames |= with_frames;
    found.push_back(std::move(*runtime));
  }
  return found;
}

}  // namespace

OpenedCode open_code(const CodeFile& file, const FileHint& hint, std::span<const Runtime* const> runtimes) {
  OpenedCode opened;
  auto image = image_of(file, hint, opened.change);
  if (!image) {
    const auto code = image.error().code();
    const bool readable = code == ErrorCode::kMalformed || code == ErrorCode::kUnsupported;
    if (readable) opened.state = CodeFile::State::kNotElf;
    if (code == ErrorCode::kNotFound) opened.state = CodeFile::State::kGone;
    return opened;
  }
  opened.image = std::make_shared<const elf::Image>(std::move(*image));
  opened.source = std::make_unique<elf::UnwindSource>(*opened.image);
  opened.runtimes = runtimes_in(*opened.image, file.path, runtimes);
  opened.state = CodeFile::State::kReady;
  return opened;
}

bool has_changed(const CodeFile& file, const FileHint& hint) {
  const auto fd = open_file_of(file, hint);
  struct stat info{};
  return fd && ::fstat(fd->get(), &info) == 0 && change_of(info) != file.change;
}

}  // namespace gp::targets

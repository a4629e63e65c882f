#include "runtimes/python/packages.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "base/line_cutter.h"
#include "os/rooted_file.h"

namespace gp::runtimes::python {
namespace {

constexpr size_t kMaxEntries = 16384;         // of a package directory
constexpr size_t kMaxHeaderBytes = 16384;     // of METADATA: name and version come before the long parts
constexpr size_t kMaxListBytes = 8U << 20U;   // of one package's RECORD; tensorflow's has 1.6 MB
constexpr size_t kMaxReadBytes = 64U << 20U;  // of one directory's lists
constexpr size_t kMaxFiles = 65536;           // known by name in one directory: 1 MiB
constexpr size_t kMaxLine = 4096;
constexpr size_t kChunk = 65536;
constexpr size_t kMaxText = 128;  // of "name==version"
constexpr std::array<std::string_view, 2> kDirectories = {"/site-packages/", "/dist-packages/"};

int64_t ns_of(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

// Hands out a file's lines, at most so many bytes of it; how many were read, nothing when there is no such file.
std::optional<size_t> for_each_line(const std::string& root, const std::string& path, size_t max_bytes,
                                    const LineCutter::Callback& use) {
  const auto fd = os::open_in_root(root, path);
  if (!fd) return std::nullopt;
  LineCutter lines(kMaxLine, [&](std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return use(line);
  });
  std::vector<char> chunk(std::min(kChunk, max_bytes));
  size_t read = 0;
  while (read < max_bytes) {
    const ssize_t got = ::read(fd->get(), chunk.data(), std::min(chunk.size(), max_bytes - read));
    if (got < 0) return std::nullopt;
    if (got == 0) {
      lines.finish();
      break;
    }
    read += static_cast<size_t>(got);
    if (!lines.feed({chunk.data(), static_cast<size_t>(got)})) break;
  }
  return read;
}

struct Metadata {
  std::string name;
  std::string version;

  [[nodiscard]] std::string text() const {
    const bool fits = !name.empty() && !version.empty() && name.size() + version.size() + 2 <= kMaxText;
    return fits ? name + "==" + version : std::string();
  }
};

// Of METADATA or PKG-INFO: headers up to an empty line.
Metadata read_metadata(const std::string& root, const std::string& path) {
  Metadata data;
  for_each_line(root, path, kMaxHeaderBytes, [&](std::string_view line) {
    if (line.starts_with("Name: ") && data.name.empty()) data.name = line.substr(6);
    if (line.starts_with("Version: ") && data.version.empty()) data.version = line.substr(9);
    return !line.empty() && (data.name.empty() || data.version.empty());
  });
  return data;
}

// "name==version" of an egg's own name, "PyYAML-6.0-py3.11.egg": its "-" are written "_" (setuptools' "Filename-Embedded
// Metadata").
std::string text_of_egg(std::string_view name) {
  name.remove_suffix(std::string_view(".egg").size());
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view version = name.substr(dash + 1);
  return Metadata{.name = std::string(name.substr(0, dash)),
                  .version = std::string(version.substr(0, version.find('-')))}
      .text();
}

// What a package without any list of files is taken to install: the module of its own name.
std::string module_of(std::string name) {
  for (char& c : name) {
    if (c == '-' || c == '.') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

// "yaml" of "yaml/loader.py", "six" of "six.py".
std::string_view top_level_of(std::string_view file) {
  file = file.substr(0, file.find('/'));
  if (file.ends_with(".py")) file.remove_suffix(3);
  return file;
}

// The packages of one directory. A file is looked up by the hash of its path, else by its first part.
class Site final : public targets::InstalledPackages {
 public:
  [[nodiscard]] std::string_view package_of(std::string_view file, int64_t started_ns) const override {
    uint32_t found = owner(files_, hash64(file));
    if (found == kNobody) found = owner(modules_, hash64(top_level_of(file)));
    if (found >= packages_.size() || packages_[found].changed_ns > started_ns) return {};
    return packages_[found].text;
  }
  [[nodiscard]] size_t memory_bytes() const override {
    size_t bytes = sizeof(*this) + packages_.capacity() * sizeof(Package) +
                   (files_.capacity() + modules_.capacity()) * sizeof(Claim);
    for (const Package& package : packages_) bytes += package.entry.capacity() + package.text.capacity();
    return bytes;
  }

  void read(const std::string& root, const std::string& directory, const std::vector<std::string>& entries,
            const Site* before) {
    for (const std::string& entry : entries) {
      const bool is_dist = entry.ends_with(".dist-info");
      const bool is_egg_info = entry.ends_with(".egg-info");
      if (!is_dist && !is_egg_info && !entry.ends_with(".egg")) continue;
      const auto status = os::stat_in_root(root, directory + entry);
      if (!status) continue;
      Package package{.entry = entry,
                      .inode = status->st_ino,
                      .changed_ns = std::max(ns_of(status->st_mtim), ns_of(status->st_ctim)),
                      .text = {}};
      if (before != nullptr && take_over(package, *before)) continue;
      const std::string info = directory + entry;
      packages_.push_back(std::move(package));
      if (is_dist) {
        read_dist(root, info);
      } else if (is_egg_info) {
        read_egg_info(root, info, S_ISDIR(status->st_mode));
      } else {
        packages_.back().text = text_of_egg(entry);
        claim(modules_, entry);
      }
    }
    settle(files_);
    settle(modules_);
    packages_.shrink_to_fit();
  }

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr uint32_t kSeveral = UINT32_MAX - 1;
  struct Package {
    std::string entry;  // its own file or directory: "PyYAML-6.0.dist-info"
    uint64_t inode = 0;
    int64_t changed_ns = 0;  // UNIX time; when it was installed, at the earliest
    std::string text;        // "PyYAML==6.0"; empty: it does not say
  };
  struct Claim {
    uint64_t hash = 0;
    uint32_t package = kNobody;
  };
  using Claims = std::vector<Claim>;  // sorted by hash when all are in

  static uint32_t owner(const Claims& claims, uint64_t hash) {
    const auto found = std::ranges::lower_bound(claims, hash, {}, &Claim::hash);
    return found == claims.end() || found->hash != hash ? kNobody : found->package;
  }
  // What two packages claim is neither's; one package may be told of twice.
  void settle(Claims& claims) const {
    std::ranges::sort(claims, {}, [](const Claim& claim) { return std::pair(claim.hash, claim.package); });
    size_t kept = 0;
    for (const Claim& claim : claims) {
      if (kept > 0 && claims[kept - 1].hash == claim.hash) {
        if (claims[kept - 1].package != kSeveral && text(claims[kept - 1]) != text(claim))
          claims[kept - 1].package = kSeveral;
      } else {
        claims[kept++] = claim;
      }
    }
    claims.resize(kept);
    claims.shrink_to_fit();
  }
  [[nodiscard]] std::string_view text(const Claim& claim) const { return packages_[claim.package].text; }
  void claim(Claims& claims, std::string_view name) {
    if (claims.size() >= kMaxFiles || packages_.back().text.empty()) return;
    claims.push_back({.hash = hash64(name), .package = static_cast<uint32_t>(packages_.size() - 1)});
  }
  // The package is as it was: so is what it installed. What another claimed as well has to be read again.
  bool take_over(const Package& package, const Site& before) {
    const auto same = std::ranges::find_if(before.packages_, [&](const Package& other) {
      return other.entry == package.entry && other.inode == package.inode && other.changed_ns == package.changed_ns;
    });
    if (same == before.packages_.end() || before.has_shared()) return false;
    packages_.push_back(*same);
    const auto number = static_cast<uint32_t>(same - before.packages_.begin());
    for (const auto& [from, to] : {std::pair(&before.files_, &files_), std::pair(&before.modules_, &modules_)}) {
      for (const Claim& claim : *from) {
        if (claim.package == number)
          to->push_back({.hash = claim.hash, .package = static_cast<uint32_t>(packages_.size() - 1)});
      }
    }
    return true;
  }
  [[nodiscard]] bool has_shared() const {
    const auto shared = [](const Claim& claim) { return claim.package == kSeveral; };
    return std::ranges::any_of(files_, shared) || std::ranges::any_of(modules_, shared);
  }

  // Lines of a package's list, within what may be read in all. False: there is no such list.
  bool read_list(const std::string& root, const std::string& path, const std::function<void(std::string_view)>& use) {
    const auto read = for_each_line(root, path, std::min(kMaxListBytes, left_bytes_), [&](std::string_view line) {
      use(line);
      return true;
    });
    if (!read) return false;
    left_bytes_ -= *read;
    return *read > 0;
  }
  void claim_file(std::string_view file) {
    if (file.ends_with(".py")) claim(files_, file);
  }
  // RECORD: "path,hash,size", the path quoted where it holds a comma.
  bool by_record(const std::string& root, const std::string& info) {
    return read_list(root, info + "/RECORD", [this](std::string_view line) {
      const bool quoted = line.starts_with('"');
      if (quoted) line.remove_prefix(1);
      claim_file(line.substr(0, line.find(quoted ? '"' : ',')));
    });
  }
  bool by_top_level(const std::string& root, const std::string& info) {
    return read_list(root, info + "/top_level.txt", [this](std::string_view line) {
      if (!line.empty()) claim(modules_, line);
    });
  }
  void read_dist(const std::string& root, const std::string& info) {
    const Metadata data = read_metadata(root, info + "/METADATA");
    packages_.back().text = data.text();
    if (!by_record(root, info) && !by_top_level(root, info)) claim(modules_, module_of(data.name));
  }
  void read_egg_info(const std::string& root, const std::string& info, bool is_directory) {
    const Metadata data = read_metadata(root, is_directory ? info + "/PKG-INFO" : info);
    packages_.back().text = data.text();
    const bool listed = is_directory && (read_list(root, info + "/installed-files.txt",
                                                   [this](std::string_view line) {
                                                     if (line.starts_with("../")) claim_file(line.substr(3));
                                                   }) ||
                                         by_top_level(root, info));
    if (!listed) claim(modules_, module_of(data.name));
  }

  std::vector<Package> packages_;
  Claims files_;
  Claims modules_;
  size_t left_bytes_ = kMaxReadBytes;
};

}  // namespace

std::string_view package_directory(std::string_view file) {
  for (const std::string_view name : kDirectories) {
    const size_t at = file.rfind(name);
    if (at != std::string_view::npos) return file.substr(0, at + name.size());
  }
  return {};
}

bool is_standard_library(std::string_view file) {
  if (!package_directory(file).empty()) return false;
  for (const std::string_view lib : {"/lib/python", "/lib64/python"}) {
    const size_t at = file.rfind(lib);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = file.substr(at + lib.size());
    const std::string_view version = rest.substr(0, std::min(rest.find_first_not_of("0123456789."), rest.size()));
    const std::string_view behind = rest.substr(version.size());  // "t": free-threaded
    if (version.find('.') != std::string_view::npos && (behind.starts_with('/') || behind.starts_with("t/")))
      return true;
  }
  return false;
}

std::shared_ptr<const targets::InstalledPackages> read_packages(const std::string& root, const std::string& directory,
                                                                const targets::InstalledPackages* before) {
  const auto entries = os::list_in_root(root, directory, kMaxEntries);
  if (!entries) return nullptr;
  auto site = std::make_shared<Site>();
  site->read(root, directory, *entries, static_cast<const Site*>(before));
  return site;
}

}  // namespace gp::runtimes::python

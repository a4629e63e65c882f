// Which packages interpreted code comes from, and in which versions (targets::Runtime::read_packages). Directories of
// packages are read once, when the first code from there is met, by a thread that comes for that and goes when all is
// read. It may hang in a foreign file system: then it is given up after two seconds, what it reads stays unknown, and
// another one goes on with the rest; with four that hang nothing more is read until one comes back. Code whose package is
// not known, or not yet, just says none.
//
// Owner thread: reader. What names_of() returns is for any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "base/ids.h"
#include "targets/process.h"
#include "targets/runtime.h"

namespace gp::session {

class PackageFinder {
 public:
  // What is known of all directories may take so many bytes; more are not read.
  static constexpr size_t kMaxBytes = 4U << 20U;
  static constexpr uint64_t kStuckNs = 2'000'000'000;
  static constexpr uint32_t kMaxHung = 4;

  PackageFinder();
  ~PackageFinder();
  PackageFinder(const PackageFinder&) = delete;
  PackageFinder& operator=(const PackageFinder&) = delete;

  // For code of that file in a process that runs `program`. Null: the file is of no package.
  std::shared_ptr<const targets::PackageNames> names_of(const targets::Program& program,
                                                        const targets::Runtime& runtime, std::string_view file);
  // Gives up a thread that has been reading for too long.
  void check_stuck(uint64_t now_ns);
  // Forgets places no code refers to any more.
  void forget_unused();

  [[nodiscard]] bool idle() const;  // nothing is being read, or to be
  [[nodiscard]] uint32_t hung() const;

 private:
  class Library;
  class Directory;
  struct Request;
  struct Shared;
  using Key = std::tuple<ProcessKey, uint64_t, uint32_t, std::string>;  // process, its exec, runtime, directory

  static void work(const std::shared_ptr<Shared>& shared, uint64_t turn);
  static void read(Shared& shared, const Request& request);

  std::map<std::pair<uint32_t, std::string>, std::shared_ptr<const Library>, std::less<>>
      libraries_;  // runtime, version
  std::map<Key, std::weak_ptr<const Directory>> directories_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace gp::session

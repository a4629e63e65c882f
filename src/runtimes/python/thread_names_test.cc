// Names of threads in live interpreters: those that `threading` itself tells.
#include "runtimes/python/thread_names.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "runtimes/python/offsets.h"
#include "runtimes/python/testing/installed.h"
#include "runtimes/python/testing/stopped.h"
#include "runtimes/testing/memory_pieces.h"
#include "runtimes/testing/process_reader.h"

namespace gp::runtimes::python {
namespace {

// Enough threads for a dictionary that has grown, a class of its own, a name given later, attributes in a dictionary.
constexpr const char* kScript = R"(# -*- coding: utf-8 -*-
import os, signal, sys, threading, time
class Worker(threading.Thread):
    def __init__(self, **options):
        super(Worker, self).__init__(**options)
        self.extra = 1
wait = threading.Event().wait
def start(kind, name):
    thread = kind(target=wait, name=name)
    thread.daemon = True
    thread.start()
    return thread
threads = [start(Worker, "worker-%d" % i) for i in range(150)]
threads.append(start(threading.Thread, "plain"))
later = start(threading.Thread, "first")
later.name = "later"
later.__dict__["more"] = 2
threads.append(later)
for name in ("W\u00e4rter", "\u5de5\u4eba", "\U0001f41d"):
    if sys.version_info[0] > 2: threads.append(start(threading.Thread, name))
for number, thread in enumerate(threads):
    if number % 7 == 0: thread.__dict__
threading.current_thread().name = "boss"
threads.append(threading.current_thread())
while any(thread.ident not in threading._active for thread in threads): time.sleep(0.01)
out = getattr(sys.stdout, "buffer", sys.stdout)
for thread in threads: out.write(("%d\t%s\n" % (thread.ident, thread.name)).encode("utf-8"))
out.flush()
os.kill(os.getpid(), signal.SIGSTOP)
)";

class Script {
 public:
  Script() : path_(testing::TempDir() + "gp_thread_names_" + std::to_string(getpid()) + ".py") {
    std::ofstream(path_) << kScript;
  }
  ~Script() { unlink(path_.c_str()); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  [[nodiscard]] const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

// Reads the names, with only so many reads that succeed.
struct Limited final : targets::MemoryReader {
  const targets::MemoryReader* memory = nullptr;
  mutable size_t left = SIZE_MAX;
  bool read(Pc address, std::span<uint8_t> to) const override {
    if (left == 0) return false;
    --left;
    return memory->read(address, to);
  }
};

TEST(ThreadNames, AreThoseThatPythonTells) {
  const Script script;
  size_t checked = 0;
  for (const Installed& python : installed_pythons()) {
    pid_t pid = 0;
    std::istringstream told(output_until_stop(python.executable.c_str(), script.path(), "", pid));
    std::map<uint64_t, std::string> expected;
    for (std::string line; std::getline(told, line);) expected[std::stoull(line)] = line.substr(line.find('\t') + 1);
    targets::RuntimeFile file;
    uint64_t bias = 0;
    MemoryPieces kept;
    ProcessReader reader;
    reader.pid = pid;
    reader.into = &kept;
    if (!expected.empty() && find_runtime(pid, file, bias)) {
      const auto entry = PythonRuntime().attach(file, reader, bias);
      EXPECT_TRUE(entry) << python.version;
      std::map<uint64_t, std::string> names;
      for (const auto& name : PythonRuntime().thread_names(*entry, reader)) names[name.thread] = name.name;
      EXPECT_EQ(names, expected) << python.executable;
      Limited limited;
      limited.memory = &reader;
      for (size_t reads = 0; reads < 30; ++reads) {
        limited.left = reads;
        EXPECT_LE(PythonRuntime().thread_names(*entry, limited).size(), expected.size());
      }
      ++checked;
    }
    end_stopped(pid);
  }
  if (checked == 0) GTEST_SKIP() << "no CPython that is walked";
}

// Memory in which whatever is read is a pointer to itself ends all the same.
TEST(ThreadNames, EndInMemoryThatLies) {
  struct Lies final : targets::MemoryReader {
    mutable size_t reads = 0;
    uint64_t word = 0;
    bool read(Pc /*address*/, std::span<uint8_t> to) const override {
      ++reads;
      for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<uint8_t>(word >> (i % 8 * 8));
      return true;
    }
  };
  for (const uint16_t version : {kPython27, kPython36, kPython310, kPython311, kPython312}) {
    for (const uint64_t word :
         {uint64_t{0x1000}, uint64_t{0x0101010101010101}, UINT64_MAX, uint64_t{0x7fff'ffff'ffff'ffff}}) {
      Lies lies;
      lies.word = word;
      EXPECT_LE(read_thread_names(*offsets_of(version), lies).size(), 4096U);
      EXPECT_LT(lies.reads, 16U * 2U * 16384U);
    }
  }
}

}  // namespace
}  // namespace gp::runtimes::python

// Makes the recordings the walker is tested with: runs tests/data/perl/workload.pl in a folder that holds a system
// until it waits, walks it, and writes down every piece of memory the walk read, with the stack the program told.
//
//   gp_record_perl ROOT PROGRAM tests/data/perl/workload.pl OUTPUT
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "runtimes/perl/perl_runtime.h"
#include "runtimes/perl/testing/recording.h"
#include "runtimes/perl/testing/walk.h"
#include "runtimes/testing/process_reader.h"

namespace gp::runtimes::perl {
namespace {

// Where the program lies: its first executable mapping. Lines of /proc/PID/maps are "start-end flags offset device
// inode path" (proc(5)).
uint64_t bias_of(pid_t pid, const elf::Image& image) {
  const auto program = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid)).string();
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    uint64_t start = 0;
    uint64_t offset = 0;
    std::string rest, flags;
    std::istringstream in(line);
    in >> std::hex >> start >> rest >> flags >> offset;
    const auto vaddr = image.to_vaddr(FileOffset{offset});
    if (line.ends_with(program) && flags.size() > 2 && flags[2] == 'x' && vaddr) return start - vaddr->value;
  }
  return 0;
}

uint64_t thread_pointer_of(pid_t pid) {
  user_regs_struct registers{};
  int status = 0;
  if (ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) != 0 || waitpid(pid, &status, 0) != pid) return 0;
  const bool got = ptrace(PTRACE_GETREGS, pid, nullptr, &registers) == 0;
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return got ? registers.fs_base : 0;
}

// Starts Perl, whose input stays open and empty, and returns what it prints up to "end".
std::string told_by(const char* root, const char* program, pid_t& pid) {
  int input[2];
  int output[2];
  if (pipe(input) != 0 || pipe(output) != 0) return {};
  pid = fork();
  if (pid == 0) {
    dup2(input[0], 0);
    dup2(output[1], 1);
    if (chroot(root) != 0 || chdir("/") != 0) _exit(126);
    execl(program, program, "/tmp/workload.pl", static_cast<char*>(nullptr));
    _exit(127);
  }
  close(output[1]);
  std::string text;
  char byte = 0;
  while (!text.ends_with("\nend\n") && read(output[0], &byte, 1) == 1) text.push_back(byte);
  close(output[0]);
  usleep(200000);  // from its last word to waiting
  return text;
}

// Walks once by what the loop's register holds, and once by the thread. True when both saw as much as was told.
bool walk_both_ways(Recording& recording, const ProcessReader& reader, const gp_runtime_entry& entry) {
  std::array<uint8_t, sizeof(uint64_t)> word{};
  if (!reader.read(Pc{recording.first}, word)) return false;
  bool all = true;
  for (const bool drain : {false, true}) {
    auto walk = std::make_unique<PerlWalk>();
    WalkWorld world;
    world.memory = &reader;
    world.entry = entry;
    walk->state.thread_pointer = recording.thread_pointer;
    if (!drain) walk->set_register(Recording::kRegister, read_at<uint64_t>(word, 0).value_or(0));
    // So that all JMPENVs are between two activations.
    walk->stack = {1, UINT64_MAX};
    walk->run(world, drain);
    fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
               world.shipped.size());
    all = all && walk->state.frames == recording.frames.size() + (drain ? 1U : 0U);
  }
  return all;
}

int record(const char* root, const char* program, const char* script, const char* output) {
  std::filesystem::copy_file(script, std::string(root) + "/tmp/workload.pl",
                             std::filesystem::copy_options::overwrite_existing);
  Recording recording;
  pid_t pid = 0;
  std::istringstream told(told_by(root, program, pid));
  for (std::string line; std::getline(told, line);) recording.parse_line(line);

  int result = 1;
  const auto image = elf::Image::open(fmt::format("/proc/{}/exe", pid));
  const PerlRuntime runtime;
  const auto detected = image ? runtime.detect(*image, program) : std::nullopt;
  if (detected && detected->supported && recording.frames.size() > 1) {
    const uint64_t bias = bias_of(pid, *image);
    recording.version = targets::layout_of<gp_perl>(detected->entry).version;
    recording.key = detected->state[kThreadKey].value + bias;
    recording.first = detected->state[kFirst].value + bias;
    recording.loop = detected->state[kLoop].value + bias;
    recording.debug_loop = detected->state[kDebugLoop].value + bias;
    recording.thread_pointer = thread_pointer_of(pid);
    ProcessReader reader;
    reader.pid = pid;
    reader.into = &recording;
    if (auto attached = runtime.attach(recording.file(), reader, 0); attached) {
      if (walk_both_ways(recording, reader, *attached) && recording.save(output)) result = 0;
    } else {
      fmt::print("{}\n", attached.error().message());
    }
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace gp::runtimes::perl

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::perl::record(argv[1], argv[2], argv[3], argv[4]);
}

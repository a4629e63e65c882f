// Makes the recordings the walker is tested with: runs tests/data/ruby/workload.rb in a root folder (see
// tests/support/chroot.py; "/" for the host's own) until it stops itself, walks it, and writes down every piece of memory
// the walk read, with the stack the program told. See recording.h.
//
//   gp_record_ruby ROOT /usr/bin/ruby tests/data/ruby/workload.rb main|thread|fiber OUTPUT
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtimes/ruby/ruby_runtime.h"
#include "runtimes/ruby/testing/recording.h"
#include "runtimes/ruby/testing/walk.h"
#include "runtimes/testing/process_reader.h"

namespace gp::runtimes::ruby {
namespace {

// Finds the interpreter among the process' files and prepares it. Lines of /proc/PID/maps are "start-end flags offset
// device inode path" (proc(5)).
std::optional<gp_ruby> find_runtime(const std::string& root, const ProcessReader& reader, Recording& recording) {
  std::ifstream maps(fmt::format("/proc/{}/maps", reader.pid));
  std::string line;
  while (std::getline(maps, line)) {
    uint64_t start = 0;
    uint64_t offset = 0;
    std::string rest, flags, device, inode, path;
    std::istringstream in(line);
    in >> std::hex >> start >> rest >> flags >> offset >> device >> inode >> path;
    if (flags.size() < 3 || flags[2] != 'x' || !path.starts_with('/')) continue;
    if (!path.starts_with(root)) path.insert(0, root);
    const auto image = elf::Image::open(path);
    if (!image) continue;
    const RubyRuntime runtime;
    const auto file = runtime.detect(*image, path);
    const auto vaddr = image->to_vaddr(FileOffset{offset});
    if (!file || !file->supported || !vaddr) continue;
    recording.version = file->version;
    const auto entry = runtime.attach(*file, reader, start - vaddr->value);
    if (entry) return targets::layout_of<gp_ruby>(*entry);
  }
  return std::nullopt;
}

// The thread that stopped itself is in kill(2) or on its way out of it: the one whose stack has what was told.
std::vector<uint64_t> thread_pointers(pid_t pid) {
  std::vector<uint64_t> found;
  DIR* tasks = opendir(fmt::format("/proc/{}/task", pid).c_str());
  if (tasks == nullptr) return found;
  while (const dirent* entry = readdir(tasks)) {
    const auto thread = static_cast<pid_t>(strtol(entry->d_name, nullptr, 10));
    user_regs_struct registers{};
    if (thread <= 0 || ptrace(PTRACE_ATTACH, thread, nullptr, nullptr) != 0) continue;
    waitpid(thread, nullptr, __WALL);
    if (ptrace(PTRACE_GETREGS, thread, nullptr, &registers) == 0) found.push_back(registers.fs_base);
    ptrace(PTRACE_DETACH, thread, nullptr, SIGSTOP);
  }
  closedir(tasks);
  return found;
}

std::string output_until_stop(const char* root, const char* ruby, const char* script, const char* mode, pid_t& pid) {
  int pipe_ends[2];
  const int in = open(script, O_RDONLY | O_CLOEXEC);
  if (in < 0 || pipe(pipe_ends) != 0) return {};
  pid = fork();
  if (pid == 0) {
    dup2(in, 0);
    dup2(pipe_ends[1], 1);
    if (chroot(root) != 0 || chdir("/") != 0) _exit(126);
    setenv("LC_ALL", "C.UTF-8", 1);
    execl(ruby, ruby, "--disable=gems", "-", mode, static_cast<char*>(nullptr));
    _exit(127);
  }
  close(pipe_ends[1]);
  int status = 0;
  waitpid(pid, &status, WUNTRACED);
  std::string text(1U << 16U, '\0');  // the pipe holds all of it
  const ssize_t got = WIFSTOPPED(status) ? read(pipe_ends[0], text.data(), text.size()) : 0;
  close(pipe_ends[0]);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

int record(const char* root, const char* ruby, const char* script, const char* mode, const char* output) {
  Recording recording;
  ProcessReader reader;
  std::istringstream told(output_until_stop(root, ruby, script, mode, reader.pid));
  std::string line;
  while (std::getline(told, line)) recording.parse_line(line);
  reader.into = &recording;
  const auto found = find_runtime(root == std::string("/") ? "" : root, reader, recording);
  int result = 1;
  for (const uint64_t thread : thread_pointers(reader.pid)) {
    if (!found || recording.frames.empty()) break;
    const gp_thread_variable& context = found->context;
    recording.places = {context.slot, context.offset, found->current, found->vm, found->symbols};
    if (context.is_musl != 0) recording.places.insert(recording.places.end(), {context.model, context.is_musl});
    recording.thread = thread;
    recording.pieces.clear();
    const auto entry = recording.entry();
    if (!entry) break;
    const auto walk = std::make_unique<RubyWalk>();
    WalkWorld world;
    world.memory = &reader;
    world.entry = *entry;
    walk->run(world, thread);
    if (walk->state.frames < recording.frames.size()) continue;
    for (const auto& symbol : world.shipped) static_cast<void>(RubyRuntime().decode(symbol, &reader));
    fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
               world.shipped.size());
    result = recording.save(output) ? 0 : 1;
    break;
  }
  kill(reader.pid, SIGKILL);
  waitpid(reader.pid, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace gp::runtimes::ruby

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  return gp::runtimes::ruby::record(argv[1], argv[2], argv[3], argv[4], argv[5]);
}

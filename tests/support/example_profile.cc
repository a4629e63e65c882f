#include "tests/support/example_profile.h"

#include <fmt/format.h>

#include <vector>

#include "tests/support/profile_builder.h"

namespace gp::test {

namespace {

using profile::FrameKind;
using profile::LossReason;
using profile::WalkEnd;

constexpr const char* kContainer = "4f1c2a9be07d5583a6f0c1d2e3f405162738495a6b7c8d9e0f1a2b3c4d5e6f70";

// Native code, kernel code, source lines and inlined calls, in two threads whose stacks merge.
void add_server(ProfileBuilder& builder) {
  const auto native = [&](std::string name, std::string module) {
    return builder.function({.name = std::move(name), .file = "", .module = std::move(module)});
  };
  const auto kernel = [&](std::string name) {
    return builder.function({.name = std::move(name), .file = "", .module = "", .kind = FrameKind::kKernel});
  };
  const uint32_t start = native("_start", "server");
  const uint32_t main = builder.function({.name = "main", .file = "src/main.cc", .module = "server", .line = 12});
  const uint32_t run = builder.function({.name = "Loop::run()", .file = "src/loop.cc", .module = "server", .line = 40});
  const uint32_t next = builder.function(
      {.name = "Queue<int>::next()", .file = "src/queue.h", .module = "server", .line = 7, .inlined = true});
  const uint32_t pop = builder.function(
      {.name = "std::vector<int>::pop_back()", .file = "vector.h", .module = "server", .line = 3, .inlined = true});
  const uint32_t read = native("__libc_read", "libc.so.6");
  const uint32_t syscall = kernel("do_syscall_64");
  const uint32_t driver =
      builder.function({.name = "nvme_poll", .file = "", .module = "nvme", .kind = FrameKind::kKernel});
  const uint32_t unnamed =
      builder.function({.name = "(libcrypto.so.3+0x271f0)", .file = "", .module = "libcrypto.so.3", .named = false});
  const uint32_t process = builder.process({.key = {4711, 900},
                                            .comm = "server",
                                            .executable = "/usr/local/bin/server",
                                            .container_id = kContainer,
                                            .runtime = ""});
  const uint32_t worker = builder.thread(process, 4711, "server");
  const uint32_t other = builder.thread(process, 4712, "worker;2");
  builder.add(worker, {start, main, run}, 40);
  builder.add(worker, {start, main, run, next}, 11);
  builder.add(worker, {start, main, run, next, pop}, 6);
  builder.add(other, {start, main, run, next, pop}, 4);
  builder.add(other, {start, main, run, read, syscall}, 9);
  builder.add(other, {start, main, run, read, syscall, driver}, 2);
  builder.add(other, {start, main, unnamed}, 5);
  builder.add(other, {start, main, unnamed, unnamed}, 1);
}

// Python over native, with and without lines, unicode names, a recursive function.
void add_python(ProfileBuilder& builder) {
  const auto python = [&](std::string name, uint32_t line) {
    return builder.function(
        {.name = std::move(name), .file = "lister.py", .module = "", .line = line, .kind = FrameKind::kPython});
  };
  const uint32_t eval = builder.function({.name = "Py_RunMain", .file = "", .module = "python3.11"});
  const uint32_t module = python("lister.<module>", 38);
  const uint32_t burn = python("lister.Burner.burn", 16);
  const uint32_t unicode = python("lister.größe_計算", 0);
  const uint32_t process = builder.process({.key = {901, 77},
                                            .comm = "python3",
                                            .executable = "/usr/bin/python3.11",
                                            .container_id = "",
                                            .runtime = "python 3.11"});
  const uint32_t thread = builder.thread(process, 901, "python3");
  builder.add(thread, {eval, module, burn}, 30);
  builder.add(thread, {eval, module, burn, burn, burn}, 12);
  builder.add(thread, {eval, module, unicode}, 3);
  // The same program once more: a process of its own, one set of lines in the collapsed file.
  const uint32_t again = builder.process({.key = {902, 81},
                                          .comm = "python3",
                                          .executable = "/usr/bin/python3.11",
                                          .container_id = "",
                                          .runtime = "python 3.11"});
  builder.add(builder.thread(again, 902, "python3"), {eval, module, burn}, 5);
}

// What a walker says for itself, JIT code, no stack at all, and names that want to break out of their place.
void add_hostile(ProfileBuilder& builder) {
  const auto named = [&](std::string name, FrameKind kind = FrameKind::kNative) {
    return builder.function({.name = std::move(name), .file = "", .module = "", .kind = kind});
  };
  const uint32_t truncated = named("[truncated]", FrameKind::kMarker);
  const uint32_t recurse = named("recurse");
  const uint32_t jit = named("LazyCompile:*tick app.js:10", FrameKind::kJit);
  const uint32_t script = named("</script><script>alert(1)</script>");
  const uint32_t separators = named("operator;(a; b) 17");
  const uint32_t control = named(std::string("new\nline\ttab\x1b[31mred\x7f") + '\0' + "nul");
  const uint32_t broken = named("latin-1 \xe9t\xe9, overlong \xc0\xaf, surrogate \xed\xa0\x80, cut \xf0\x9f\x98");
  const uint32_t emoji = named("\xf0\x9f\x98\x80 \"quoted\" \\back\\ <b>&amp;");
  const uint32_t process = builder.process({.key = {-1 + 32768, 5},
                                            .comm = "evil;\n\"comm\" 9",
                                            .executable = "/tmp/<i>evil</i>",
                                            .container_id = "",
                                            .runtime = "node"});
  const uint32_t thread = builder.thread(process, 32767, "</script>");
  builder.add(thread, {truncated, recurse, recurse, recurse}, 3);
  builder.add(thread, {jit, script}, 8);
  builder.add(thread, {separators, control}, 2);
  builder.add(thread, {separators, broken}, 2);
  builder.add(thread, {separators, emoji}, 1);
  builder.add(thread, {}, 1);
  builder.quality().truncated = 3;
  builder.quality().ends[static_cast<size_t>(WalkEnd::kTruncated)] = 3;
  builder.quality().guessed = 4;
  builder.quality().deferred = 2;
  builder.quality().unnamed = 6;
  builder.quality().lost[static_cast<size_t>(LossReason::kRingFull)] = 2;
}

}  // namespace

profile::Profile example_profile() {
  ProfileBuilder builder;
  add_server(builder);
  add_python(builder);
  add_hostile(builder);
  return std::move(builder).build();
}

profile::Profile deep_profile() {
  constexpr size_t kFrames = 1024;
  ProfileBuilder builder;
  std::vector<uint32_t> stack;
  for (size_t i = 0; i < kFrames; ++i) {
    stack.push_back(builder.function({.name = fmt::format("recurse [{}]", i), .file = "", .module = "deep"}));
  }
  const uint32_t process =
      builder.process({.key = {7, 1}, .comm = "deep", .executable = "", .container_id = "", .runtime = ""});
  builder.add(builder.thread(process, 7, "deep"), stack, 100);
  return std::move(builder).build();
}

}  // namespace gp::test

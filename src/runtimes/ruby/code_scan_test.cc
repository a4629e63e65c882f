// Where a thread's execution context is found, in programs and libraries made for the purpose.
#include "runtimes/ruby/code_scan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "runtimes/ruby/symbols.h"

namespace gp::runtimes::ruby {
namespace {

constexpr const char* kSource = R"(
char pad[16];
static _Thread_local long before[5] = {1};
_Thread_local struct { char *thread; } *context;
void *rb_thread_current(void) { return context->thread; }
long look(int i, void *set) { context = set; return before[i]; }
)";

// `flags` of gcc; the file has rb_thread_current among its dynamic symbols.
std::optional<ThreadContext> context_of(const std::string& flags) {
  const std::string base = testing::TempDir() + "gp_ruby_scan_" + std::to_string(getpid());
  std::ofstream(base + ".c") << kSource
                             << (flags.find("-shared") == std::string::npos ? "int main(void) { return 0; }" : "");
  const std::string command = "gcc -w -O2 -ftls-model=" + flags + " " + base + ".c -o " + base + ".so";
  const int built = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe) one thread
  auto image = built == 0 ? elf::Image::open(base + ".so") : Result<elf::Image>(fail(ErrorCode::kNotFound, "no gcc"));
  unlink((base + ".c").c_str());
  unlink((base + ".so").c_str());
  if (!image) return std::nullopt;
  return find_thread_context(*image, find_symbols(*image).thread_current);
}

bool is_beyond_thread_pointer(const std::optional<ThreadContext>& context) {
  return context && context->slot.value == 0 && static_cast<int64_t>(context->offset) < 0 &&
         static_cast<int64_t>(context->offset) >= -64;
}

TEST(RubyCodeScan, FindsTheContextOfALibrary) {
  const auto context = context_of("global-dynamic -fPIC -shared");
  if (!context) GTEST_SKIP() << "no gcc";
  EXPECT_NE(context->slot.value, 0U);
  EXPECT_LT(context->offset, 64U);
}

TEST(RubyCodeScan, FindsTheContextOfAProgram) {
  const auto local = context_of("local-exec -fPIE -pie -rdynamic");
  if (!local) GTEST_SKIP() << "no gcc";
  EXPECT_TRUE(is_beyond_thread_pointer(local));
  EXPECT_TRUE(
      is_beyond_thread_pointer(context_of("global-dynamic -fPIC -pie -Wl,--export-dynamic-symbol=rb_thread_current")))
      << "relaxed by the linker";
}

}  // namespace
}  // namespace gp::runtimes::ruby

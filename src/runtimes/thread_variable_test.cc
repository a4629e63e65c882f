// Where threads have a variable of their own, in programs and libraries made for the purpose: what is found in the code
// must be what a thread of the running program says, by the walker's own way.
#include "runtimes/thread_variable.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "runtimes/symbols.h"
#include "runtimes/testing/process_reader.h"
#include "runtimes/testing/walk.h"

GP_C_BEGIN
#include "bpf/walk/thread_variable.h"
GP_C_END

namespace gp::runtimes {
namespace {

// `wanted` lies behind other data, so that no distance is 0.
constexpr const char* kSource = R"(
#ifdef KEPT
#define SCOPE static
#else
#define SCOPE
#endif
char pad[16];
static _Thread_local long before[5] = {1};
SCOPE _Thread_local struct { char *thread; } *wanted;
void *gp_reads(void) { return wanted->thread; }
void *gp_gets(void) { return wanted; }
void *gp_where(void) { return &wanted; }
long look(int i, void *set) { wanted = set; return before[i]; }
)";

// A thread tells where it has the variable, where it is itself, and where the function lies; so does the first thread.
constexpr const char* kProgram = R"(
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
void *gp_where(void); void *gp_gets(void);
static void tell(void) { printf("%lu %lu %lu\n", (long)gp_where(), (long)pthread_self(), (long)gp_gets); fflush(stdout); }
static void *run(void *set) { tell(); pause(); return 0; }
int main(void) { pthread_t thread; tell(); pthread_create(&thread, 0, run, 0); pause(); return 0; }
)";

struct Told {
  uint64_t place = 0;
  uint64_t thread_pointer = 0;
  uint64_t function = 0;
};

struct Build {
  std::string compiler = "gcc";
  std::string flags = {};
  bool is_library = false;
};

class ThreadVariableTest : public testing::Test {
 protected:
  void TearDown() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    for (const char* end : {".c", ".main.c", ".so", ""}) unlink((base_ + end).c_str());
  }

  // Builds it; false when that cannot be done here.
  bool build(const Build& how) {
    std::ofstream(base_ + ".c") << kSource;
    std::ofstream(base_ + ".main.c") << kProgram;
    const std::string compile = how.compiler + " -w -O2 -pthread " + how.flags + " ";
    std::string command = compile + "-rdynamic " + base_ + ".c " + base_ + ".main.c -o " + base_;
    if (how.is_library)
      command = compile + "-shared -fPIC " + base_ + ".c -o " + base_ + ".so && " + how.compiler + " -w -pthread " +
                base_ + ".main.c " + base_ + ".so -o " + base_;
    file_ = how.is_library ? base_ + ".so" : base_;
    return std::system((command + " 2>/dev/null").c_str()) == 0;  // NOLINT(concurrency-mt-unsafe) one thread
  }

  [[nodiscard]] std::optional<gp_thread_variable> found(std::string_view function, uint64_t* address = nullptr) const {
    const auto image = elf::Image::open(file_);
    if (!image) return std::nullopt;
    constexpr std::array<std::string_view, 1> kStarts = {"gp_"};
    Vaddr at;
    each_symbol(*image, SymbolSection::kDynamic, kStarts, [&](std::string_view name, const Symbol& symbol) {
      if (name == function) at = symbol.address;
    });
    if (address != nullptr) *address = at.value;
    return thread_variable_read_by(*image, at);
  }

  std::vector<Told> run() {
    int ends[2];
    std::vector<Told> told(2);
    if (pipe(ends) != 0) return {};
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], 1);
      execl(base_.c_str(), base_.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    std::string text;
    for (char byte = 0; std::ranges::count(text, '\n') < 2 && read(ends[0], &byte, 1) == 1;) text.push_back(byte);
    close(ends[0]);
    std::istringstream in(text);
    for (Told& one : told) in >> one.place >> one.thread_pointer >> one.function;
    return in ? told : std::vector<Told>();
  }

  // What the walker makes of it in the running program is what each thread told.
  void expect_found(gp_thread_model model, bool is_musl = false) {
    uint64_t function = 0;
    auto variable = found("gp_gets", &function);
    ASSERT_TRUE(variable);
    EXPECT_EQ(variable->model, uint32_t{model});
    if (is_musl) {
      EXPECT_EQ(variable->is_musl, 1U);
    }
    const auto reads = found("gp_reads");
    ASSERT_TRUE(reads);
    EXPECT_EQ(reads->slot, variable->slot);
    EXPECT_EQ(reads->offset, variable->offset);
    const auto told = run();
    ASSERT_EQ(told.size(), 2U);
    if (variable->slot != 0) variable->slot += told[0].function - function;
    const MemoryPieces pieces;
    ProcessReader reader;
    reader.pid = pid_;
    reader.into = &pieces;
    WalkWorld world;
    world.memory = &reader;
    current_world = &world;
    for (const Told& one : told) {
      gp_walk walk{};
      unsigned long long place = 0;
      walk.thread_pointer = one.thread_pointer;
      EXPECT_EQ(gp_find_thread_variable(&walk, &*variable, &place), 0);
      EXPECT_EQ(place, one.place);
    }
    current_world = nullptr;
  }

  std::string base_ = testing::TempDir() + "gp_thread_variable_" + std::to_string(getpid());
  std::string file_;
  pid_t pid_ = 0;
};

#define BUILD_OR_SKIP(...) \
  if (!build(__VA_ARGS__)) GTEST_SKIP() << "cannot be built here"

TEST_F(ThreadVariableTest, OfALibrary) {
  BUILD_OR_SKIP({.is_library = true});
  expect_found(GP_THREAD_BLOCK);
}

TEST_F(ThreadVariableTest, OfALibraryWithoutLinkageTable) {
  BUILD_OR_SKIP({.flags = "-fno-plt", .is_library = true});
  expect_found(GP_THREAD_BLOCK);
}

TEST_F(ThreadVariableTest, OfALibraryThatKeepsItToItself) {
  BUILD_OR_SKIP({.flags = "-DKEPT", .is_library = true});
  expect_found(GP_THREAD_BLOCK);
}

TEST_F(ThreadVariableTest, OfALibraryLoadedAtStart) {
  BUILD_OR_SKIP({.flags = "-ftls-model=initial-exec", .is_library = true});
  expect_found(GP_THREAD_SLOT);
}

TEST_F(ThreadVariableTest, OfALibraryWithDescriptors) {
  BUILD_OR_SKIP({.flags = "-mtls-dialect=gnu2", .is_library = true});
  expect_found(GP_THREAD_DESCRIPTOR);
}

TEST_F(ThreadVariableTest, OfALibraryByClang) {
  BUILD_OR_SKIP({.compiler = "clang-19", .is_library = true});
  expect_found(GP_THREAD_BLOCK);
}

TEST_F(ThreadVariableTest, OfAProgram) {
  BUILD_OR_SKIP({});
  expect_found(GP_THREAD_OFFSET);
}

// As the linker makes it of other models; of what the program exports the initial exec model.
TEST_F(ThreadVariableTest, OfAProgramOfOtherModels) {
  for (const auto& [flags, model] : {std::pair{"-fPIC", GP_THREAD_SLOT},
                                     {"-fPIC -mtls-dialect=gnu2", GP_THREAD_SLOT},
                                     {"-fPIC -fno-plt", GP_THREAD_SLOT},
                                     {"-fPIC -DKEPT", GP_THREAD_OFFSET},
                                     {"-fPIC -DKEPT -mtls-dialect=gnu2", GP_THREAD_OFFSET},
                                     {"-fPIC -DKEPT -fno-plt", GP_THREAD_OFFSET},
                                     {"-ftls-model=initial-exec", GP_THREAD_OFFSET},
                                     {"-fPIC -DKEPT -no-pie", GP_THREAD_OFFSET}}) {
    SCOPED_TRACE(flags);
    BUILD_OR_SKIP({.flags = flags});
    expect_found(model);
    TearDown();
  }
}

TEST_F(ThreadVariableTest, OfALibraryAgainstMusl) {
  BUILD_OR_SKIP({.compiler = "musl-gcc", .is_library = true});
  expect_found(GP_THREAD_BLOCK, true);
}

TEST_F(ThreadVariableTest, OfALibraryAgainstMuslWithDescriptors) {
  BUILD_OR_SKIP({.compiler = "musl-gcc", .flags = "-mtls-dialect=gnu2", .is_library = true});
  expect_found(GP_THREAD_DESCRIPTOR, true);
}

TEST_F(ThreadVariableTest, OfALibraryAgainstMuslLoadedAtStart) {
  BUILD_OR_SKIP({.compiler = "musl-gcc", .flags = "-ftls-model=initial-exec", .is_library = true});
  expect_found(GP_THREAD_SLOT, true);
}

TEST_F(ThreadVariableTest, OfAProgramAgainstMusl) {
  for (const auto& [flags, model] : {std::pair{"", GP_THREAD_OFFSET},
                                     {"-fPIC", GP_THREAD_SLOT},
                                     {"-fPIC -DKEPT", GP_THREAD_OFFSET},
                                     {"-fPIC -mtls-dialect=gnu2", GP_THREAD_SLOT}}) {
    SCOPED_TRACE(flags);
    BUILD_OR_SKIP({.compiler = "musl-gcc", .flags = flags});
    expect_found(model);
    TearDown();
  }
}

// A function that calls something else with a variable of the file, and reads what that returned.
TEST_F(ThreadVariableTest, NotWhatAnotherFunctionReturned) {
  std::ofstream(base_ + ".c") << "extern long *other(void *); static long data[4]; void set(long a) { data[1] = a; }\n"
                                 "long gp_gets(void) { return *other(data) + 1; }\n";
  file_ = base_ + ".so";
  const std::string command = "gcc -w -O2 -shared -fPIC " + base_ + ".c -o " + file_;
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "no gcc";  // NOLINT(concurrency-mt-unsafe) one thread
  uint64_t function = 0;
  EXPECT_FALSE(found("gp_gets", &function));
  EXPECT_NE(function, 0U);
}

// What has no memory where it should says so, or that there is none.
TEST(ThreadVariable, UnreadableMemory) {
  const MemoryPieces none;
  WalkWorld world;
  world.memory = &none;
  current_world = &world;
  gp_walk walk{};
  walk.thread_pointer = 0x1000;
  for (const uint32_t model : {GP_THREAD_NOWHERE, GP_THREAD_SLOT, GP_THREAD_BLOCK, GP_THREAD_DESCRIPTOR}) {
    const gp_thread_variable variable{.slot = 0x2000, .offset = 8, .model = model, .is_musl = 0};
    unsigned long long place = 1;
    EXPECT_EQ(gp_find_thread_variable(&walk, &variable, &place), -1);
    EXPECT_EQ(place, 0U);
  }
  current_world = nullptr;
}

// Dynamic blocks: not linked yet, of a module that came later than the thread, of one that nobody asked for yet.
TEST(ThreadVariable, BlocksThatAreNotThere) {
  constexpr uint64_t kSlot = 0x2000;
  constexpr uint64_t kThread = 0x1000;
  constexpr uint64_t kDtv = 0x3000;
  MemoryPieces memory;
  const auto put = [&](uint64_t address, uint64_t value) {
    memory.pieces[address].assign(reinterpret_cast<const uint8_t*>(&value),
                                  reinterpret_cast<const uint8_t*>(&value + 1));
  };
  WalkWorld world;
  world.memory = &memory;
  current_world = &world;
  gp_walk walk{};
  walk.thread_pointer = kThread;
  const auto place = [&](uint32_t is_musl) {
    const gp_thread_variable variable{.slot = kSlot, .offset = 8, .model = GP_THREAD_BLOCK, .is_musl = is_musl};
    unsigned long long found = 1;
    EXPECT_EQ(gp_find_thread_variable(&walk, &variable, &found), 0);
    return found;
  };
  put(kSlot, 0);
  put(kSlot + 8, 16);
  EXPECT_EQ(place(0), 0U);
  put(kSlot, 3);
  EXPECT_EQ(place(0), 0U);  // there is no dtv
  put(kThread + 8, kDtv);
  EXPECT_EQ(place(0), 0U);
  put(kDtv + 3 * 16, ~0ULL);
  EXPECT_EQ(place(0), 0U);
  put(kDtv + 3 * 16, 0x5000);
  EXPECT_EQ(place(0), 0x5000U + 24);
  EXPECT_EQ(place(1), 0U);
  put(kDtv + 3 * 8, 0x6000);
  EXPECT_EQ(place(1), 0x6000U + 24);
  current_world = nullptr;
}

}  // namespace
}  // namespace gp::runtimes

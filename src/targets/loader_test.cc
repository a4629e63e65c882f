#include "targets/loader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "base/clock.h"
#include "os/proc_maps.h"
#include "targets/testing/code_dir.h"
#include "walk/testing/plain_tables.h"

namespace gp::targets {
namespace {

constexpr uint64_t kCode = 0x400000;
constexpr uint64_t kStack = 0x7ffc00000000;
constexpr uint64_t kPatienceNs = 10'000'000'000;

class LoaderTest : public testing::Test {
 protected:
  void SetUp() override { kStubRuntime.hold(); }
  void TearDown() override { kStubRuntime.release(); }

  std::shared_ptr<CodeFile> file(uint32_t slot, const std::string& path) {
    auto made = std::make_shared<CodeFile>();
    made->key = key_of_path(path);
    made->path = path;
    made->slot = slot;
    return made;
  }
  std::shared_ptr<CodeFile> open(uint32_t slot, const std::string& path) {
    auto made = file(slot, path);
    loader_->post(OpenRequest{.file = made, .hint = {}, .again = false});
    return made;
  }
  // Opens it and waits for the answer.
  std::shared_ptr<CodeFile> opened(uint32_t slot, const std::string& path) {
    auto made = open(slot, path);
    wait<FileDone>();
    return made;
  }
  // One that was deleted before it could be opened.
  std::shared_ptr<CodeFile> gone(uint32_t slot) {
    auto made = file(slot, dir_.program("gone", 16));
    std::filesystem::remove(dir_.path("gone"));
    loader_->post(OpenRequest{.file = made, .hint = {}, .again = false});
    wait<FileDone>();
    return made;
  }
  template <class T>
  std::optional<T> wait() {
    const uint64_t end = monotonic_ns() + kPatienceNs;
    while (monotonic_ns() < end) {
      for (auto& result : loader_->take_results()) results_.push_back(std::move(result));
      for (auto at = results_.begin(); at != results_.end(); ++at) {
        if (auto* found = std::get_if<T>(&*at)) {
          T answer = std::move(*found);
          results_.erase(at);
          return answer;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << "no answer";
    return std::nullopt;
  }
  void wait_idle() {
    const uint64_t end = monotonic_ns() + kPatienceNs;
    while (!loader_->idle() && monotonic_ns() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(loader_->idle());
  }
  void wait_idle_taking() {
    const uint64_t end = monotonic_ns() + kPatienceNs;
    while (!loader_->idle() && monotonic_ns() < end) static_cast<void>(loader_->take_results());
    EXPECT_TRUE(loader_->idle());
  }
  gp_file& entry(uint32_t slot) { return plain_.tables.files[slot]; }
  uint64_t word(uint32_t slot) { return walk::load_word(plain_.tables.pages[entry(slot).page_first]); }

  // A sample whose walk ended at the first byte of `file`'s function, with these words on the stack.
  static DeferredSample deferred(const std::shared_ptr<CodeFile>& file, const std::vector<uint64_t>& words) {
    gp_sample sample{};
    sample.pid = 1;
    sample.end = GP_END_PAGE_MISSING;
    gp_stack_copy copy{};
    copy.registers.valid = GP_REGS_ALL;
    copy.registers.value[GP_REG_RIP] = kCode + CodeDir::kText;
    copy.registers.value[GP_REG_RSP] = kStack;
    copy.base = kStack;
    copy.bytes = static_cast<uint32_t>(words.size() * 8);
    DeferredSample made;
    const auto put = [](std::vector<uint8_t>& to, const void* from, size_t size) {
      const size_t at = to.size();
      to.resize(at + size);
      std::memcpy(to.data() + at, from, size);
    };
    put(made.sample, &sample, sizeof(sample));
    put(made.copy, &copy, sizeof(copy));
    put(made.copy, words.data(), words.size() * 8);
    made.run = std::make_shared<const MappingRun>(
        MappingRun{.mappings = {{.start = kCode, .end = kCode + 0x2000, .offset = 0, .file = file->slot, .flags = 0}},
                   .first = 0,
                   .word = 0});
    made.files = {file};
    return made;
  }

  void start(const LoaderOptions& options) {
    loader_.reset();
    loader_ = std::make_unique<Loader>(&plain_.tables, &plain_, kStubRuntimes, options);
  }

  CodeDir dir_;
  std::vector<LoaderResult> results_;  // taken, not yet waited for
  walk::PlainTables plain_;
  std::unique_ptr<Loader> loader_ = std::make_unique<Loader>(&plain_.tables, &plain_, kStubRuntimes, LoaderOptions{});
};

TEST_F(LoaderTest, OpensAProgram) {
  const auto made = opened(3, dir_.program("a.python", 32));
  EXPECT_EQ(made->state, CodeFile::State::kReady);
  ASSERT_NE(made->image, nullptr);
  ASSERT_EQ(made->runtimes.size(), 1U);
  EXPECT_EQ(entry(3).state, uint32_t{GP_FILE_LOADED});
  EXPECT_EQ(entry(3).page_count, 1U);
  EXPECT_EQ(entry(3).eval[0].start, CodeDir::kText);
  EXPECT_EQ(entry(3).runtime, uint32_t{GP_RUNTIME_PYTHON});
  EXPECT_EQ(word(3), GP_PAGE_NOT_LOADED) << "rows are compiled when a sample asks for them";
}

TEST_F(LoaderTest, TellsWhatIsNoElfFileFromWhatCannotBeRead) {
  EXPECT_EQ(opened(0, dir_.text("a", {1, 2, 3}))->state, CodeFile::State::kNotElf);
  EXPECT_EQ(entry(0).state, uint32_t{GP_FILE_LOADED});
  EXPECT_EQ(gone(1)->state, CodeFile::State::kGone);
  EXPECT_EQ(entry(1).state, uint32_t{GP_FILE_UNREADABLE});
}

TEST_F(LoaderTest, OpensNeitherAnotherFileOfThatNameNorAFifo) {
  auto made = file(0, dir_.program("a", 32));
  made->key.inode += 1'000'000;
  loader_->post(OpenRequest{.file = made, .hint = {}, .again = false});
  wait<FileDone>();
  EXPECT_EQ(made->state, CodeFile::State::kGone);
  ASSERT_EQ(::mkfifo(dir_.path("fifo").c_str(), 0600), 0);
  EXPECT_NE(opened(1, dir_.path("fifo"))->state, CodeFile::State::kReady);
}

TEST_F(LoaderTest, DoesNotTakeWhatWasMappedThereSince) {
  const auto self = os::for_each_mapping(::getpid(), [this](const os::MapsEntry& entry) {
    if (!entry.executable || entry.inode == 0) return true;
    auto made = file(0, dir_.program("another", 32));
    loader_->post(
        OpenRequest{.file = made, .hint = {.pid = ::getpid(), .start = entry.start, .end = entry.end}, .again = false});
    EXPECT_EQ(wait<FileDone>()->file->image->bytes().size(), std::filesystem::file_size(made->path));
    return false;
  });
  EXPECT_TRUE(self);
}

TEST_F(LoaderTest, KnowsTheVdso) {
  auto made = std::make_shared<CodeFile>();
  made->path = "[vdso]";
  loader_->post(OpenRequest{.file = made, .hint = {}, .again = false});
  wait<FileDone>();
  EXPECT_EQ(made->state, CodeFile::State::kReady);
}

TEST_F(LoaderTest, CompilesPages) {
  const auto made = opened(0, dir_.program("a", 32));
  const auto bare = opened(1, dir_.program("b", 0));
  for (const auto& file : {made, bare}) {
    for (const uint64_t page : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
      loader_->post(PageRequest{.file = file, .page = page});
    }
  }
  wait_idle();
  EXPECT_GE(word(0), GP_PAGE_STATES);
  EXPECT_EQ(word(1), GP_PAGE_EMPTY);
  const auto stats = loader_->stats();
  EXPECT_EQ(stats.pages_compiled, 2U);
  EXPECT_EQ(stats.rows_used_bytes, uint64_t{GP_CHUNK_SIZE});
}

TEST_F(LoaderTest, GivesSegmentsBackWhenToldTo) {
  const auto made = opened(0, dir_.program("a", 32));
  loader_->post(PageRequest{.file = made, .page = 0});
  wait_idle();
  ASSERT_EQ(loader_->stats().rows_bytes, uint64_t{GP_SEGMENT_SIZE});
  loader_->post(ShrinkRequest{});
  wait_idle();
  EXPECT_GE(word(0), GP_PAGE_STATES) << "the last segment stays while it holds something";
  loader_->post(RetireRequest{.slot = 0});
  loader_->post(ShrinkRequest{});
  wait_idle();
  EXPECT_EQ(loader_->stats().rows_bytes, 0U);
  EXPECT_EQ(plain_.tables.segments[0], nullptr);
  const auto again = opened(0, dir_.program("b", 32));
  loader_->post(PageRequest{.file = again, .page = 0});
  wait_idle();
  EXPECT_GE(word(0), GP_PAGE_STATES);
}

TEST_F(LoaderTest, ChargesWhatWaitsAndWhatItKeeps) {
  const auto held = [](std::string_view name) { return account(name).bytes(); };
  const auto made = opened(0, dir_.program("a", 32));
  EXPECT_GT(held("unwind indexes"), 0U);
  EXPECT_GT(held("ELF images"), 0U);
  loader_->post(deferred(made, {1, 2, 3, kCode + CodeDir::kText + 8, 1, 2, 3, 0}));
  wait<DeferredDone>();
  wait_idle();
  EXPECT_EQ(held("deferred stacks"), 0U);
  EXPECT_EQ(held("loader queue"), 0U);
}

TEST_F(LoaderTest, FinishesADeferredStackWithWhatItLoadsForIt) {
  const auto made = opened(0, dir_.program("a", 32));
  loader_->post(deferred(made, {1, 2, 3, kCode + CodeDir::kText + 8, 1, 2, 3, 0}));
  const auto done = wait<DeferredDone>();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end, GP_END_ROOT);
  ASSERT_EQ(done->frames.size(), 2U);
  EXPECT_EQ(done->frames[1].value, CodeDir::kText + 8);
}

TEST_F(LoaderTest, FinishesFilesBeforeTheStacksThatNeedThem) {
  const auto made = file(0, dir_.program("a", 16));
  const auto hang = open(1, dir_.program("a.hang", 16));
  EXPECT_TRUE(loader_->post(deferred(made, {1, 0})));
  EXPECT_TRUE(loader_->post(OpenRequest{.file = made, .hint = {}, .again = false}));
  kStubRuntime.release();
  EXPECT_EQ(wait<DeferredDone>()->end, GP_END_ROOT);
}

TEST_F(LoaderTest, ReportsAStackWhoseFileIsNotToBeHad) {
  const auto made = gone(0);
  loader_->post(deferred(made, {1, 0}));
  EXPECT_EQ(wait<DeferredDone>()->end, GP_END_PAGE_UNREADABLE);
}

TEST_F(LoaderTest, RefusesMoreStacksThanItMayHold) {
  start({.row_budget_bytes = 0, .stuck_ns = UINT64_MAX, .max_deferred = 2});
  const auto hang = open(0, dir_.program("a.hang", 16));
  while (kStubRuntime.hanging() == 0) std::this_thread::yield();
  EXPECT_TRUE(loader_->post(deferred(hang, {1})));
  EXPECT_TRUE(loader_->post(deferred(hang, {1})));
  EXPECT_FALSE(loader_->post(deferred(hang, {1})));
  EXPECT_FALSE(loader_->idle());
}

TEST_F(LoaderTest, NoticesAChangedFile) {
  const auto made = opened(0, dir_.program("a", 32));
  const OpenRequest again{.file = made, .hint = {.pid = 7, .start = 1, .end = 2}, .again = true};
  loader_->post(again);
  wait_idle();
  static_cast<void>(dir_.program("a", 48));
  loader_->post(again);
  const auto changed = wait<FileChanged>();
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->file, made);
  EXPECT_EQ(changed->hint.pid, 7);
}

TEST_F(LoaderTest, RetiresAFileAndItsPages) {
  const auto made = opened(0, dir_.program("a", 32));
  loader_->post(PageRequest{.file = made, .page = 0});
  loader_->post(RetireRequest{.slot = 0});
  loader_->post(RetireRequest{.slot = 5});  // never opened
  wait_idle();
  EXPECT_EQ(entry(0).state, uint32_t{GP_FILE_NOT_LOADED});
  EXPECT_EQ(word(0), GP_PAGE_NOT_LOADED);
  loader_->post(PageRequest{.file = made, .page = 0});  // too late: changes nothing
  wait_idle();
  EXPECT_EQ(word(0), GP_PAGE_NOT_LOADED);
  const auto next = opened(0, dir_.program("b", 32));
  EXPECT_EQ(entry(0).state, uint32_t{GP_FILE_LOADED});
}

TEST_F(LoaderTest, AttachesToARuntime) {
  const auto made = opened(0, dir_.program("a.python", 32));
  loader_->post(
      AttachRequest{.process = {.pid = 1, .start_ticks = 2}, .file = made, .kind = GP_RUNTIME_PYTHON, .bias = 0x1234});
  const auto done = wait<AttachDone>();
  ASSERT_TRUE(done && done->entry);
  EXPECT_EQ(layout_of<uint64_t>(*done->entry), 0x1234U);
  EXPECT_EQ(done->process, (ProcessKey{.pid = 1, .start_ticks = 2}));
}

// As PHP has that holds its own PCRE.
TEST_F(LoaderTest, AttachesToEachRuntimeOfAFile) {
  const auto made = opened(0, dir_.program("a.patterns.python", 32));
  ASSERT_EQ(made->runtimes.size(), 2U);
  EXPECT_EQ(entry(0).runtime, uint32_t{GP_RUNTIME_PYTHON}) << "whose loop it has";
  EXPECT_EQ(entry(0).eval[0].start, CodeDir::kText);
  for (const uint32_t kind : {GP_RUNTIME_PYTHON, GP_RUNTIME_PCRE}) {
    loader_->post(
        AttachRequest{.process = {.pid = 1, .start_ticks = 2}, .file = made, .kind = kind, .bias = 0x1000 + kind});
    const auto done = wait<AttachDone>();
    ASSERT_TRUE(done && done->entry);
    EXPECT_EQ(done->entry->kind, kind);
    EXPECT_EQ(layout_of<uint64_t>(*done->entry), 0x1000U + kind);
  }
}

TEST_F(LoaderTest, NeedsNoLoopForPatterns) {
  const auto made = opened(0, dir_.program("a.patterns", 32));
  ASSERT_EQ(made->runtimes.size(), 1U);
  EXPECT_EQ(entry(0).runtime, uint32_t{GP_RUNTIME_NONE});
}

TEST_F(LoaderTest, OpensAPerfMapThatIsAPlainFile) {
  const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  const auto ask = [this] {
    loader_->post(PerfMapRequest{.process = {.pid = ::getpid(), .start_ticks = 0}});
    return wait<PerfMapDone>();
  };
  std::filesystem::remove(path);
  EXPECT_FALSE(ask()->fd);
  std::filesystem::create_symlink("/etc/passwd", path);
  EXPECT_FALSE(ask()->fd);
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(ask()->fd);
  std::filesystem::remove(path);
  std::ofstream(path) << "1000 10 f\n";
  const auto done = ask();
  EXPECT_TRUE(done->fd);
  EXPECT_NE(done->namespace_pid, 0);
  std::filesystem::remove(path);
}

class HungFileTest : public LoaderTest {
 protected:
  HungFileTest() { start({.row_budget_bytes = 0, .stuck_ns = 1'000'000, .max_deferred = 8}); }
  // Returns when the thread has hung in the file for long enough; `device`: it seems to lie on another one.
  std::shared_ptr<CodeFile> hang(uint32_t slot, uint32_t device = 0) {
    const int before = kStubRuntime.hanging();
    auto made = file(slot, dir_.program(std::to_string(slot) + ".hang", 16));
    made->key.dev_minor += device;
    loader_->post(OpenRequest{.file = made, .hint = {}, .again = false});
    while (kStubRuntime.hanging() == before) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return made;
  }
  void hang_and_give_up(uint32_t slot, uint32_t device = 0) {
    hang(slot, device);
    loader_->check_stuck(monotonic_ns());
  }
  // Until a thread that came back has been taken account of.
  void wait_while_stopped() {
    const uint64_t end = monotonic_ns() + kPatienceNs;
    while (loader_->stats().stopped && monotonic_ns() < end) loader_->check_stuck(0);
  }
};

TEST_F(HungFileTest, CostsThatFileItsNamesAndNobodyElseAnything) {
  const auto hung = hang(0);
  const auto next = open(1, dir_.program("a", 16));
  EXPECT_EQ(next->state, CodeFile::State::kNew);
  loader_->check_stuck(monotonic_ns());
  EXPECT_EQ(hung->state, CodeFile::State::kUnreadable);
  EXPECT_EQ(entry(0).state, uint32_t{GP_FILE_UNREADABLE});
  EXPECT_EQ(wait<FileDone>()->file, hung);
  wait<FileDone>();
  EXPECT_EQ(next->state, CodeFile::State::kReady);
  EXPECT_EQ(loader_->stats().stuck_files, 1U);
  // Come back from the dead, the thread touches nothing any more.
  kStubRuntime.release();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(hung->state, CodeFile::State::kUnreadable);
  EXPECT_EQ(entry(0).state, uint32_t{GP_FILE_UNREADABLE});
}

TEST_F(HungFileTest, IsLeftAloneWhileItMayStillCome) {
  start({.row_budget_bytes = 0, .stuck_ns = 60'000'000'000, .max_deferred = 8});
  const auto slow = hang(0);
  loader_->check_stuck(monotonic_ns());
  EXPECT_EQ(loader_->stats().stuck_files, 0U);
  kStubRuntime.release();
  wait<FileDone>();
  EXPECT_EQ(slow->state, CodeFile::State::kReady);
}

TEST_F(HungFileTest, ADeviceWithTwoWaitsUntilOneComesBack) {
  hang_and_give_up(0);
  hang_and_give_up(1);
  const auto waiting = open(2, dir_.program("a", 16));
  const auto retired = open(3, dir_.program("b", 16));
  loader_->post(RetireRequest{.slot = 3});
  auto elsewhere = file(4, dir_.program("c", 16));
  elsewhere->key.dev_minor += 1;
  loader_->post(OpenRequest{.file = elsewhere, .hint = {}, .again = false});
  wait_idle_taking();
  EXPECT_EQ(elsewhere->state, CodeFile::State::kReady);
  EXPECT_EQ(waiting->state, CodeFile::State::kNew);
  EXPECT_EQ(loader_->stats().stuck_files, 2U);
  kStubRuntime.release();
  EXPECT_EQ(wait<FileDone>()->file, waiting);
  EXPECT_EQ(waiting->state, CodeFile::State::kReady);
  wait_idle_taking();
  EXPECT_EQ(retired->state, CodeFile::State::kNew) << "its slot may be another file's by now";
}

TEST_F(HungFileTest, StopsWithEightThreadsHangingAndGoesOnAfterwards) {
  const auto ready = opened(9, dir_.program("ready", 16));
  for (uint32_t slot = 0; slot < 7; ++slot) hang_and_give_up(slot, slot);
  EXPECT_FALSE(loader_->stats().stopped);
  hang(7, 7);
  EXPECT_TRUE(loader_->post(deferred(ready, {1, 0})));
  loader_->check_stuck(monotonic_ns());
  EXPECT_TRUE(loader_->stats().stopped);
  EXPECT_EQ(loader_->stats().stuck_files, 8U);
  // What waited is reported as it is, and nothing more is taken on.
  const auto done = wait<DeferredDone>();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->end, GP_END_PAGE_MISSING);
  EXPECT_TRUE(loader_->idle());
  EXPECT_FALSE(loader_->post(deferred(ready, {1, 0})));
  const auto later = open(8, dir_.program("a", 16));
  loader_->check_stuck(monotonic_ns());
  EXPECT_EQ(later->state, CodeFile::State::kNew);
  kStubRuntime.release();
  wait_while_stopped();
  EXPECT_FALSE(loader_->stats().stopped);
  for (auto file = wait<FileDone>(); file && file->file != later;) file = wait<FileDone>();  // first those given up
  EXPECT_EQ(later->state, CodeFile::State::kReady);
}

TEST_F(HungFileTest, DoesNotWaitForThemWhenItEnds) {
  for (uint32_t slot = 0; slot < 8; ++slot) hang_and_give_up(slot, slot);
  loader_.reset();
  start({.row_budget_bytes = 0, .stuck_ns = 1'000'000, .max_deferred = 8});
  hang(0);
  loader_.reset();
}

TEST_F(HungFileTest, AnIdleThreadIsNeverStuck) {
  opened(0, dir_.program("a", 16));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  loader_->check_stuck(monotonic_ns());
  EXPECT_EQ(loader_->stats().stuck_files, 0U);
}

}  // namespace
}  // namespace gp::targets

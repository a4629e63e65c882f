// Sequences of sideband events, and what the walker's tables and the agent's own then say.
#include "targets/targets.h"

#include <set>

#include "os/procfs.h"
#include "targets/testing/targets_fixture.h"

namespace gp::targets {
namespace {

TEST_F(TargetsTest, ReadsAProcessNobodyToldOf) {
  EXPECT_EQ(targets_->process_count(), 1U);
  EXPECT_EQ(process(::getpid()).program->executable, os::read_executable(::getpid()).value());
  EXPECT_GT(mappings(::getpid()).size(), 3U);
  const auto pc = reinterpret_cast<uint64_t>(&key_of_path);
  size_t holding = 0;
  for (const gp_mapping& mapping : mappings(::getpid())) holding += pc >= mapping.start && pc < mapping.end ? 1U : 0U;
  EXPECT_EQ(holding, 1U);
}

TEST_F(TargetsTest, AForkSharesItsParentsMappings) {
  fork(kChild);
  ASSERT_NE(entry(kChild), nullptr);
  EXPECT_EQ(entry(kChild)->mappings, entry(::getpid())->mappings);
  EXPECT_EQ(process(kChild).program->executable, process(::getpid()).program->executable);
  EXPECT_EQ(process(kChild).parent_pid, ::getpid());
}

TEST_F(TargetsTest, AForkOfAnUnpublishedParentIsPublishedToo) {
  spawn(kChild, dir_.program("a", 16));
  fork(kChild + 1, kChild);
  targets_->publish();
  EXPECT_EQ(mappings(kChild + 1).size(), 1U);
}

TEST_F(TargetsTest, ThreadsAndUnknownProcessesChangeNothing) {
  fork(::getpid());
  fork(kChild, kChild + 1);
  exec(kChild, "x");
  mmap(kChild, 0x1000, 0x1000, "//anon");
  apply(os::ExitEvent{.pid = kChild, .tid = kChild});
  targets_->publish();
  targets_->collect();
  EXPECT_EQ(targets_->process_count(), 1U);
}

TEST_F(TargetsTest, AnExecStartsANewProgram) {
  fork(kChild);
  const auto before = process(kChild).program;
  const uint64_t before_exec = now_ns_;
  exec(kChild, "first");
  mmap(kChild, 0x10000, 0x2000, dir_.program("a", 16), 0x1000);
  targets_->publish();
  ASSERT_EQ(mappings(kChild).size(), 1U);
  EXPECT_EQ(mappings(kChild)[0].start, 0x10000U);
  EXPECT_EQ(mappings(kChild)[0].offset, 0x1000U);
  const auto first = process(kChild).program;
  EXPECT_EQ(first->comm, "first");
  EXPECT_EQ(first->executable, dir_.path("a"));
  const uint64_t before_second = now_ns_;
  exec(kChild, "second");
  // Samples are read after the events: what ran then is what counts.
  EXPECT_EQ(process(kChild).program_at(before_exec), before);
  EXPECT_EQ(process(kChild).program_at(before_second), first);
  EXPECT_EQ(process(kChild).program_at(now_ns_)->comm, "second");
  // Mappings too: its stacks are finished later.
  EXPECT_EQ(process(kChild).run_at(before_second)->mappings.at(0).start, 0x10000U);
  targets_->publish();
  EXPECT_TRUE(mappings(kChild).empty());
  EXPECT_TRUE(process(kChild).run_at(now_ns_)->mappings.empty());
}

TEST_F(TargetsTest, KeepsTheLastFewPrograms) {
  fork(kChild);
  for (int i = 0; i < 100; ++i) exec(kChild, "program " + std::to_string(i));
  EXPECT_LE(process(kChild).past.size(), 4U);
  EXPECT_EQ(process(kChild).program_at(now_ns_ - 1)->comm, "program 98");
  EXPECT_EQ(process(kChild).program_at(now_ns_)->comm, "program 99");
}

TEST_F(TargetsTest, RenamingAThreadIsNoExec) {
  fork(kChild);
  const auto before = process(kChild).program;
  apply(os::CommEvent{.pid = kChild, .tid = kChild, .exec = false, .name = "renamed"});
  EXPECT_EQ(process(kChild).program, before);
}

TEST_F(TargetsTest, AnonymousCodeIsGeneratedCode) {
  spawn(kChild, dir_.program("a", 16));
  mmap(kChild, 0x20000, 0x1000, "//anon");
  mmap(kChild, 0x21000, 0x1000, "//anon");
  mmap(kChild, 0x30000, 0, "//anon");
  mmap(kChild, UINT64_MAX - 10, 100, "//anon");  // runs over the end of the address space
  targets_->publish();
  const auto seen = mappings(kChild);
  ASSERT_EQ(seen.size(), 2U) << "neighbours are one";
  EXPECT_EQ(seen[1].file, GP_NO_FILE);
  EXPECT_EQ(seen[1].start, 0x20000U);
  EXPECT_EQ(seen[1].end, 0x22000U);
}

TEST_F(TargetsTest, AFileThatIsNoElfFileIsGeneratedCode) {
  // The loader is kept busy, so that it cannot have looked into the file before we look at the table.
  kStubRuntime.hold();
  spawn(kChild + 1, dir_.program("a.hang", 16));
  spawn(kChild, dir_.text("memfd", {1, 2, 3}));
  targets_->publish();
  EXPECT_NE(mappings(kChild).at(0).file, GP_NO_FILE);
  kStubRuntime.release();
  settle();
  EXPECT_EQ(mappings(kChild).at(0).file, GP_NO_FILE);
}

TEST_F(TargetsTest, ProcessesShareFiles) {
  const std::string path = dir_.program("a", 16);
  spawn(kChild, path);
  spawn(kChild + 1, path);
  targets_->publish();
  EXPECT_EQ(mappings(kChild).at(0).file, mappings(kChild + 1).at(0).file);
}

TEST_F(TargetsTest, AnEndedProcessGoesAndItsFilesStayForTheNext) {
  spawn(kChild, dir_.program("a", 16));
  settle();
  const uint32_t slot = mappings(kChild).at(0).file;
  apply(os::ExitEvent{.pid = kChild, .tid = kChild});
  EXPECT_NE(entry(kChild), nullptr) << "its last samples are still in the ring";
  targets_->collect();
  EXPECT_NE(entry(kChild), nullptr) << "or come as it goes";
  targets_->collect();
  EXPECT_EQ(entry(kChild), nullptr);
  EXPECT_EQ(targets_->process_count(), 1U);
  spawn(kChild + 1, dir_.path("a"));
  targets_->publish();
  EXPECT_EQ(mappings(kChild + 1).at(0).file, slot);
  EXPECT_EQ(plain_.tables.files[slot].state, uint32_t{GP_FILE_LOADED});
}

TEST_F(TargetsTest, AProcessStaysWhileItLives) {
  apply(os::ExitEvent{.pid = ::getpid(), .tid = 1});  // one of its threads ended
  targets_->collect();
  EXPECT_EQ(targets_->process_count(), 1U);
}

TEST_F(TargetsTest, AReusedPidIsAnotherProcess) {
  fork(kChild);
  exec(kChild, "old");
  const ProcessKey old = process(kChild).key;
  apply(os::ExitEvent{.pid = kChild, .tid = kChild});
  now_ns_ += 1'000'000'000;
  fork(kChild);
  exec(kChild, "new");
  const ProcessKey young = process(kChild).key;
  EXPECT_NE(old, young);
  ASSERT_NE(targets_->find(old), nullptr) << "until its last samples have been read";
  EXPECT_EQ(targets_->find(old)->program->comm, "old");
  EXPECT_EQ(targets_->find(young)->program->comm, "new");
  EXPECT_EQ(targets_->find({.pid = kChild, .start_ticks = young.start_ticks + GP_START_SLACK_TICKS}),
            targets_->find(young));
  EXPECT_EQ(targets_->find({.pid = kChild, .start_ticks = young.start_ticks + GP_START_SLACK_TICKS + 1}), nullptr);
  EXPECT_EQ(entry(kChild)->start_ticks, young.start_ticks);
  targets_->collect();
  EXPECT_EQ(targets_->find(old), nullptr);
}

TEST_F(TargetsTest, ManyForksOfOneParent) {
  for (int32_t i = 0; i < 300; ++i) fork(kChild + i);
  EXPECT_EQ(targets_->process_count(), 301U);
  for (int32_t i = 0; i < 300; ++i) {
    ASSERT_EQ(process(kChild + i).mappings.size(), process(::getpid()).mappings.size());
  }
}

// The first process of a container ended before its file was opened: the next one leads to it. Where none does it is not
// tried for each.
TEST_F(TargetsTest, AFileOutOfReachIsTriedAgain) {
  const std::string path = dir_.program("a", 16);
  const std::string elsewhere = path + ".elsewhere";
  const FileKey key = key_of_path(path);
  const auto slot_in = [&](int32_t pid) {
    fork(pid);
    exec(pid, "child");
    mmap_of(key, pid, 0x10000, 0x1000, path, CodeDir::kText);
    settle();
    return mappings(pid).at(0).file;
  };
  ASSERT_EQ(::rename(path.c_str(), elsewhere.c_str()), 0);
  const uint32_t first = slot_in(kChild);
  EXPECT_EQ(targets_->file_in_slot(first)->state, CodeFile::State::kGone);
  ASSERT_EQ(::rename(elsewhere.c_str(), path.c_str()), 0);
  const uint32_t second = slot_in(kChild + 1);
  EXPECT_NE(second, first);
  EXPECT_EQ(targets_->file_in_slot(second)->state, CodeFile::State::kReady);
  EXPECT_EQ(slot_in(kChild + 2), second);
}

TEST_F(TargetsTest, AFileOutOfReachIsNotTriedForEachProcess) {
  const std::string path = dir_.program("a", 16);
  const FileKey key = key_of_path(path);
  ASSERT_EQ(::rename(path.c_str(), (path + ".elsewhere").c_str()), 0);
  std::set<uint32_t> slots;
  for (int32_t pid = kChild; pid < kChild + 5; ++pid) {
    fork(pid);
    exec(pid, "child");
    mmap_of(key, pid, 0x10000, 0x1000, path, CodeDir::kText);
    settle();
    slots.insert(mappings(pid).at(0).file);
  }
  EXPECT_LE(slots.size(), 3U);  // two, unless that took more than a second
}

TEST_F(TargetsTest, AFileRewrittenInPlaceGetsNewRows) {
  spawn(kChild, dir_.program("a", 16));
  settle();
  const uint32_t old_slot = mappings(kChild).at(0).file;
  loader_.post(PageRequest{.file = targets_->file_in_slot(old_slot), .page = 0});
  settle();
  EXPECT_GE(first_page_word(kChild), GP_PAGE_STATES);
  static_cast<void>(dir_.program("a", 48));
  spawn(kChild + 1, dir_.path("a"));  // whoever runs it next makes us look again
  settle();
  const uint32_t slot = mappings(kChild + 1).at(0).file;
  EXPECT_NE(slot, old_slot);
  EXPECT_EQ(mappings(kChild).at(0).file, old_slot) << "who mapped it before keeps what it had";
  EXPECT_EQ(targets_->file_in_slot(slot)->state, CodeFile::State::kReady);
  EXPECT_EQ(first_page_word(kChild + 1), GP_PAGE_NOT_LOADED);
  apply(os::ExitEvent{.pid = kChild, .tid = kChild});
  targets_->collect();
  targets_->collect();
  EXPECT_EQ(targets_->file_in_slot(old_slot), nullptr);
  EXPECT_EQ(plain_.tables.files[old_slot].state, uint32_t{GP_FILE_NOT_LOADED})
      << "at once: the slot may have another file before the loader comes to it";
}

// As PHP has that holds its own PCRE.
TEST_F(TargetsTest, SamplesEverybodyWithoutAFilter) {
  fork(kChild);
  EXPECT_NE(entry(kChild)->sessions & 1U, 0U);
}

TEST_F(TargetsTest, SamplesOnlyTheFilteredProcesses) {
  start({.pids = {::getpid()}, .children = false});
  fork(kChild);
  EXPECT_NE(entry(::getpid())->sessions & 1U, 0U);
  EXPECT_EQ(entry(kChild)->sessions & 1U, 0U);
  exec(kChild, "x");
  targets_->publish();
  EXPECT_EQ(entry(kChild)->sessions & 1U, 0U);
  EXPECT_EQ(targets_->sessions_of(process(::getpid()).key), 1U);
  EXPECT_EQ(targets_->sessions_of(process(kChild).key), 0U);
  EXPECT_EQ(targets_->sessions_of({.pid = kChild + 1, .start_ticks = 1}), 0U);
}

TEST_F(TargetsTest, SamplesChildrenOfFilteredProcesses) {
  start({.pids = {kChild}, .children = true});
  EXPECT_EQ(targets_->sessions_of({.pid = kChild, .start_ticks = 1}), 1U) << "not known, but named";
  EXPECT_EQ(targets_->sessions_of({.pid = kChild + 7, .start_ticks = 1}), 0U) << "nobody's child that we know of";
  fork(kChild);
  fork(kChild + 1, kChild);
  fork(kChild + 2, kChild + 1);
  fork(kChild + 3);
  EXPECT_EQ(entry(::getpid())->sessions & 1U, 0U);
  EXPECT_NE(entry(kChild)->sessions & 1U, 0U);
  EXPECT_NE(entry(kChild + 1)->sessions & 1U, 0U);
  EXPECT_NE(entry(kChild + 2)->sessions & 1U, 0U);
  EXPECT_EQ(entry(kChild + 3)->sessions & 1U, 0U);
}

TEST_F(TargetsTest, SessionsComeAndGoWithoutTouchingEachOther) {
  start({.pids = {kChild}, .children = true});
  fork(kChild);
  fork(kChild + 1, kChild);
  fork(kChild + 2);
  targets_->add_session(5, {});
  targets_->add_session(15, {.pids = {::getpid()}, .children = true});
  const auto sessions = [this](int32_t pid) { return entry(pid)->sessions; };
  constexpr uint32_t kAll = 1U << 5U;
  constexpr uint32_t kOurs = 1U << 15U;
  EXPECT_EQ(sessions(::getpid()), kAll | kOurs);
  EXPECT_EQ(sessions(kChild), 1U | kAll | kOurs) << "a session started later takes what runs already";
  EXPECT_EQ(sessions(kChild + 1), 1U | kAll | kOurs);
  EXPECT_EQ(sessions(kChild + 2), kAll | kOurs);
  targets_->remove_session(5);
  EXPECT_EQ(sessions(kChild + 1), 1U | kOurs);
  fork(kChild + 3, kChild + 1);
  EXPECT_EQ(sessions(kChild + 3), 1U | kOurs);
  targets_->remove_session(0);
  targets_->remove_session(15);
  EXPECT_EQ(sessions(kChild + 3), 0U);
}

TEST_F(TargetsTest, LookingAgainFindsWhatThereIs) {
  const ProcessKey self = process(::getpid()).key;
  EXPECT_NE(targets_->look_again(self, 0, now_ns_), nullptr);
  EXPECT_EQ(targets_->look_again({.pid = kChild, .start_ticks = 1}, 0, now_ns_), nullptr);
  EXPECT_EQ(targets_->look_again({.pid = ::getpid(), .start_ticks = self.start_ticks + 1000}, 0, now_ns_), nullptr);
  EXPECT_NE(targets_->find(self), nullptr);
}

TEST_F(TargetsTest, ScansTheHost) {
  targets_->scan_all();
  EXPECT_GE(targets_->process_count(), 1U);
  EXPECT_NE(entry(::getpid()), nullptr);
}

TEST_F(TargetsTest, ReadsTheHostAfterLostEvents) {
  fork(kChild);  // ended unheard
  apply(os::LostEvent{.count = 3});
  targets_->publish();
  EXPECT_EQ(targets_->process_count(), 2U);
  targets_->collect();
  EXPECT_GT(targets_->process_count(), 1U);
  EXPECT_TRUE(targets_->processes().contains(1));
  targets_->collect();
  targets_->collect();
  EXPECT_FALSE(targets_->processes().contains(kChild));
}

TEST_F(TargetsTest, AnExecUnheardOfStartsAProgram) {
  exec(::getpid(), "before");
  apply(os::LostEvent{.count = 1});
  targets_->collect();
  EXPECT_EQ(process(::getpid()).program->comm, os::read_stat(::getpid())->comm);
  EXPECT_EQ(process(::getpid()).past.back().program->comm, "before");
  targets_->publish();
  EXPECT_GT(mappings(::getpid()).size(), 3U);
}

TEST_F(TargetsTest, AFloodOfMappingsIsShownNowAndThen) {
  fork(kChild);
  exec(kChild, "flood");
  for (uint64_t i = 0; i < 1000; ++i) mmap(kChild, 0x10000 + i * 0x2000, 0x1000, "//anon");
  targets_->publish();
  EXPECT_EQ(mappings(kChild).size(), 1000U);
  mmap(kChild, 0x1000, 0x1000, "//anon");
  const uint64_t shown = process(kChild).published_ns;
  targets_->publish_due(shown + 20'000'000);
  EXPECT_EQ(mappings(kChild).size(), 1000U);
  targets_->publish_due(shown + 30'000'000);  // 25 µs a mapping
  EXPECT_EQ(mappings(kChild).size(), 1001U);
}

TEST_F(TargetsTest, CountsWhatHasNoRoom) {
  for (uint64_t i = 0; i < 100; ++i) {
    fork(kChild);
    exec(kChild, "x");
    mmap(kChild, 0x10000, 0x1000, dir_.program(std::to_string(i), 16));
  }
  EXPECT_GT(targets_->no_room(), 0U);
}

}  // namespace
}  // namespace gp::targets

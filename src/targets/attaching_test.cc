// What the walker is told of the runtimes of made-up processes.
#include "targets/testing/targets_fixture.h"

namespace gp::targets {
namespace {

using AttachingTest = TargetsTest;

TEST_F(AttachingTest, AttachesToAllRuntimesOfAFile) {
  spawn(kChild, dir_.program("a.patterns.python", 16));
  settle();
  EXPECT_NE(entry(kChild)->runtime[GP_RUNTIME_PYTHON], 0U);
  EXPECT_NE(entry(kChild)->runtime[GP_RUNTIME_PCRE], 0U);
  EXPECT_EQ(process(kChild).program->runtimes.size(), 1U) << "what people are told it is";
}

// Apache's, and that of the PHP in it.
TEST_F(AttachingTest, KnowsEachPcreOfAProcess) {
  const auto sites = [this](int32_t pid) {
    const uint32_t index = entry(pid)->runtime[GP_RUNTIME_PCRE];
    const auto layout = index == 0 ? gp_pcre{} : layout_of<gp_pcre>(plain_.tables.runtimes[index - 1]);
    return std::vector<uint64_t>(std::begin(layout.sites), std::end(layout.sites));
  };
  const auto known = [&sites](int32_t pid) { return std::ranges::count_if(sites(pid), [](auto s) { return s != 0; }); };
  const auto other = dir_.program("b.patterns", 16);
  spawn(kChild, dir_.program("a.patterns", 16));
  settle();
  EXPECT_EQ(known(kChild), 2);
  mmap(kChild, 0x7000000, 0x1000, other, CodeDir::kText);
  settle();
  EXPECT_EQ(known(kChild), 4);
  mmap(kChild, 0x7000000, 0x1000, other, CodeDir::kText);
  settle();
  EXPECT_EQ(known(kChild), 4) << "once";
  fork(kChild + 1, kChild);
  EXPECT_EQ(sites(kChild + 1), sites(kChild));
  mmap(kChild + 1, 0x8000000, 0x1000, dir_.program("c.patterns", 16), CodeDir::kText);
  settle();
  EXPECT_EQ(known(kChild + 1), 6);
  EXPECT_EQ(known(kChild), 4) << "its child's is its own";
  mmap(kChild + 1, 0x9000000, 0x1000, dir_.program("d.patterns", 16), CodeDir::kText);
  mmap(kChild + 1, 0xa000000, 0x1000, dir_.program("e.patterns", 16), CodeDir::kText);
  settle();
  EXPECT_EQ(known(kChild + 1), GP_PCRE_SITES) << "no more than there is room for";
}

TEST_F(AttachingTest, AttachesToInterpretersAndHandsThemToChildren) {
  spawn(kChild, dir_.program("a.python", 16));
  settle();
  ASSERT_NE(entry(kChild)->runtime[GP_RUNTIME_PYTHON], 0U);
  EXPECT_EQ(process(kChild).program->runtime(GP_RUNTIME_PYTHON)->text, "python 3.12");
  // The function, at address 0x401000 of its file, is mapped at 0x10000.
  const gp_runtime_entry given = plain_.tables.runtimes[entry(kChild)->runtime[GP_RUNTIME_PYTHON] - 1];
  fork(kChild + 1, kChild);
  ASSERT_NE(entry(kChild + 1)->runtime[GP_RUNTIME_PYTHON], 0U);
  EXPECT_NE(entry(kChild + 1)->runtime[GP_RUNTIME_PYTHON], entry(kChild)->runtime[GP_RUNTIME_PYTHON]);
  EXPECT_EQ(layout_of<uint64_t>(plain_.tables.runtimes[entry(kChild + 1)->runtime[GP_RUNTIME_PYTHON] - 1]),
            layout_of<uint64_t>(given));
  exec(kChild, "other");
  targets_->publish();
  EXPECT_EQ(entry(kChild)->runtime[GP_RUNTIME_PYTHON], 0U);
}

TEST_F(AttachingTest, ProcessesOfAKnownInterpreterDoNotWaitForTheLoader) {
  const std::string path = dir_.program("a.python", 16);
  spawn(kChild, path);
  targets_->publish();
  EXPECT_EQ(entry(kChild)->runtime[GP_RUNTIME_PYTHON], 0U) << "the first one does";
  settle();
  fork(kChild + 1);
  exec(kChild + 1, "child");
  mmap(kChild + 1, 0x50000, 0x1000, path, CodeDir::kText);
  ASSERT_NE(entry(kChild + 1)->runtime[GP_RUNTIME_PYTHON], 0U);
  EXPECT_EQ(layout_of<uint64_t>(plain_.tables.runtimes[entry(kChild + 1)->runtime[GP_RUNTIME_PYTHON] - 1]),
            0x50000U -
                (0x10000U - layout_of<uint64_t>(plain_.tables.runtimes[entry(kChild)->runtime[GP_RUNTIME_PYTHON] - 1])))
      << "where its file is in this one";
}

TEST_F(AttachingTest, InterpretersOfEndedProcessesComeBack) {
  const std::string path = dir_.program("a.python", 16);
  spawn(kChild, path);
  settle();
  for (int i = 0; i < 20; ++i) {
    fork(kChild + 1, kChild);
    EXPECT_NE(process(kChild + 1).runtimes[GP_RUNTIME_PYTHON], 0U) << i;
    now_ns_ += 1'000'000'000;  // the pid is used again before anybody collects, every other time
    if (i % 2 == 0) {
      targets_->collect();
    } else {
      apply(os::ExitEvent{.pid = kChild + 1, .tid = kChild + 1});
    }
  }
}

}  // namespace
}  // namespace gp::targets

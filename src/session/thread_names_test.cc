#include "session/thread_names.h"

#include <gtest/gtest.h>

namespace gp::session {
namespace {

constexpr ProcessKey kProcess{.pid = 10, .start_ticks = 5};
constexpr uint64_t kMs = 1'000'000;

class ThreadNamesTest : public testing::Test {
 protected:
  // Whether a question is asked.
  bool meet(int32_t tid, uint64_t ms, ProcessKey process = kProcess) {
    request_ = names_.meet(process, tid, 0x1000U + static_cast<uint64_t>(tid), ms * kMs);
    return request_.has_value();
  }
  void sample(int32_t tid) {
    gp_sample header{};
    header.pid = 10;
    header.tid = static_cast<uint32_t>(tid);
    header.start_ticks = 5;
    std::memcpy(header.comm, "kernel", 6);
    auto program = std::make_shared<targets::Program>();
    program->key = kProcess;
    programs_.push_back(program);
    recording_.add({.header = &header, .weight_ns = 1, .frames = {}, .kernel = {}, .program = program},
                   [this](uint32_t) -> const std::shared_ptr<targets::CodeFile>& { return nothing_; });
  }
  ThreadNames names_;
  std::optional<targets::ThreadNamesRequest> request_;
  Recording recording_;
  std::vector<std::shared_ptr<targets::Program>> programs_;
  std::shared_ptr<targets::CodeFile> nothing_;
};

TEST_F(ThreadNamesTest, AreAskedForNowAndThen) {
  EXPECT_TRUE(meet(11, 1000));
  ASSERT_EQ(request_->threads.size(), 1U);
  EXPECT_EQ(request_->threads[0], std::pair(11, uint64_t{0x1000 + 11}));
  EXPECT_FALSE(meet(11, 1001));
  EXPECT_FALSE(meet(12, 1100));  // new, but just asked
  EXPECT_TRUE(meet(11, 1300));   // the new one's turn has come
  EXPECT_EQ(request_->threads.size(), 2U);
  EXPECT_FALSE(meet(12, 9000));
  EXPECT_TRUE(meet(12, 12000));  // it may have another name
  EXPECT_TRUE(meet(13, 12001, {.pid = 10, .start_ticks = 6}));
  EXPECT_FALSE(names_.meet(kProcess, 14, 0, 100'000 * kMs));  // not of user mode
}

TEST_F(ThreadNamesTest, StandInTheRecording) {
  sample(11);
  sample(12);
  meet(11, 1000);
  meet(12, 1000);
  targets::ThreadNamesDone done{.process = kProcess,
                                .names = {{11, "worker"}, {99, "unknown"}, {12, std::string(600, 'x')}}};
  names_.take(done);
  names_.give_to(recording_);
  EXPECT_EQ(recording_.threads()[0].name, "worker");
  EXPECT_EQ(recording_.threads()[1].name, "kernel");
  names_.forget_processes([](ProcessKey) { return true; });
  Recording next;
  std::swap(next, recording_);
  sample(11);
  names_.give_to(recording_);
  EXPECT_EQ(recording_.threads()[0].name, "kernel");
}

TEST_F(ThreadNamesTest, AreBounded) {
  for (int32_t tid = 1; tid <= static_cast<int32_t>(ThreadNames::kMaxThreads) + 100; ++tid) meet(tid, 1000);
  ASSERT_TRUE(meet(1, 5000));
  EXPECT_EQ(request_->threads.size(), ThreadNames::kMaxThreads);
  EXPECT_FALSE(meet(1, 6000, {.pid = 11, .start_ticks = 1}));
}

}  // namespace
}  // namespace gp::session

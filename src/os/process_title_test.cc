#include "os/process_title.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace gp::os {
namespace {

// Arguments and environment one behind the other, as the kernel lays them out.
class ProcessTitle : public testing::Test {
 protected:
  void SetUp() override { environ = variables_.data(); }
  void TearDown() override { environ = before_; }

  std::string block_{"gprofiler\0-c\0HOME=/root\0GP_TITLE_TEST=kept\0|", 44};
  std::array<char*, 3> arguments_{&block_[0], &block_[10], nullptr};
  std::array<char*, 3> variables_{&block_[13], &block_[24], nullptr};
  char** before_ = environ;
};

TEST_F(ProcessTitle, GoesOverArgumentsAndEnvironment) {
  set_process_title(2, arguments_.data(), "gprofiler: main -c");
  EXPECT_STREQ(block_.data(), "gprofiler: main -c");
  EXPECT_STREQ(std::getenv("GP_TITLE_TEST"), "kept");
  EXPECT_STREQ(std::getenv("HOME"), "/root");
  EXPECT_EQ(block_[43], '|');
}

TEST_F(ProcessTitle, IsCutToTheRoomThereIs) {
  set_process_title(2, arguments_.data(), std::string(1000, 'x'));
  EXPECT_STREQ(block_.data(), std::string(42, 'x').c_str());
  EXPECT_EQ(block_[43], '|');
}

TEST_F(ProcessTitle, LeavesNoRestOfLongerArguments) {
  set_process_title(2, arguments_.data(), "gp");
  EXPECT_EQ(block_.substr(0, 43), std::string("gp") + std::string(41, '\0'));
}

}  // namespace
}  // namespace gp::os

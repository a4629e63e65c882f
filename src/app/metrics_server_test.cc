#include "app/metrics_server.h"

#include <gtest/gtest.h>
#include <httplib.h>

namespace gp::app {
namespace {

TEST(ListenAddress, IsAPortOrALoopbackAddress) {
  EXPECT_EQ(parse_listen_address("9100")->port, 9100);
  EXPECT_EQ(parse_listen_address("9100")->host, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("127.0.0.2:80")->host, "127.0.0.2");
  EXPECT_EQ(parse_listen_address("[::1]:80")->host, "::1");
  EXPECT_EQ(parse_listen_address("localhost:80")->port, 80);
}

TEST(ListenAddress, IsNothingElse) {
  for (const char* text : {"", "x", "65536", "127.0.0.1:", "127.0.0.1:x", "0.0.0.0:80", "10.0.0.1:80", ":80", "[::]:80",
                           "example.org:80", "128.0.0.1:80", "127.example.org:80"}) {
    const auto address = parse_listen_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), ErrorCode::kUsage) << text;
  }
}

TEST(MetricsServer, ServesWhatWasPublishedLast) {
  const auto server = MetricsServer::start({});
  ASSERT_TRUE(server) << server.error().message();
  httplib::Client client("127.0.0.1", (*server)->port());
  (*server)->publish("a 1\n");
  (*server)->publish("a 2\n");
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "a 2\n");
  EXPECT_EQ(answer->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(client.Get("/")->status, 404);
  EXPECT_EQ(client.Post("/metrics", std::string(10'000, 'x'), "text/plain")->status / 100, 4);
}

TEST(MetricsServer, SaysWhenThePortIsTaken) {
  const auto first = MetricsServer::start({});
  ASSERT_TRUE(first);
  const auto second = MetricsServer::start({.host = "127.0.0.1", .port = (*first)->port()});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message().find("--metrics-listen"), std::string::npos);
}

TEST(MetricsServer, ASilentClientHoldsNobodyUpForLong) {
  const auto server = MetricsServer::start({});
  ASSERT_TRUE(server);
  (*server)->publish("a 1\n");
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons((*server)->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  httplib::Client client("127.0.0.1", (*server)->port());
  client.set_read_timeout(5);
  const auto answer = client.Get("/metrics");
  ::close(fd);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "a 1\n");
}

}  // namespace
}  // namespace gp::app

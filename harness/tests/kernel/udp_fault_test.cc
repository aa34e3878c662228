// SPDX-License-Identifier: MIT
//
// Datagrams between hosts, and their legal faults: loss, two copies, overtaking.
#include <cerrno>
#include <string>

#include "run_support.h"

namespace pollux::testing {
namespace {

using namespace faults;

int udp_at(const char* ip, uint16_t port) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  sockaddr_in address = address_of(ip, port);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

void send_text(int fd, const std::string& text, const char* ip, uint16_t port) {
  sockaddr_in to = address_of(ip, port);
  EXPECT_EQ(sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(text.size()));
}

// Everything that is queued, one letter per datagram.
std::string take_all(int fd) {
  std::string text;
  char letter;
  while (recv(fd, &letter, 1, 0) == 1) text += letter;
  EXPECT_EQ(errno, EAGAIN);
  return text;
}

// What a receiver sees of "a", "b", "c" when the first is struck by the fault.
std::string seen_with(PointId point, uint64_t* faults) {
  std::string seen;
  RunResult result = run_with_first({point}, [&] {
    int sender = udp_at("127.0.0.1", 7001), receiver = udp_at("127.0.0.1", 7000);
    for (const char* text : {"a", "b", "c"}) send_text(sender, text, "127.0.0.1", 7000);
    settle();
    seen = take_all(receiver);
    close(sender);
    close(receiver);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  *faults = result.faults;
  return seen;
}

TEST(UdpFaultTest, LossDoublingAndOvertaking) {
  uint64_t faults = 0;
  EXPECT_EQ(seen_with(k_posix_io_net_udp_loss, &faults), "bc");
  EXPECT_EQ(faults, 1u);
  EXPECT_EQ(seen_with(k_posix_io_net_udp_duplicate, &faults), "aabc");
  EXPECT_EQ(faults, 1u);
  EXPECT_EQ(seen_with(k_posix_io_net_udp_reorder, &faults), "bca");
  EXPECT_EQ(faults, 1u);
}

TEST(UdpFaultTest, WithoutFaultsOneSenderStaysInOrder) {
  // Whatever the latencies: 64 runs of random choices, none of them a fault.
  for (uint64_t seed = 1; seed <= 64; ++seed) {
    std::string seen;
    std::unique_ptr<Strategy> strategy =
        make_random_strategy(seed, std::vector<double>(kPointCount), 1.0);
    RunResult result = run_with(*strategy, {}, {{0, [&] {
                                                   int sender = udp_at("127.0.0.1", 7001);
                                                   int receiver = udp_at("127.0.0.1", 7000);
                                                   for (const char* text : {"a", "b", "c", "d"}) {
                                                     send_text(sender, text, "127.0.0.1", 7000);
                                                   }
                                                   settle();
                                                   seen = take_all(receiver);
                                                   close(sender);
                                                   close(receiver);
                                                 }}});
    EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
    EXPECT_EQ(seen, "abcd") << "seed " << seed;
  }
}

TEST(UdpFaultTest, BetweenHosts) {
  std::string seen;
  sockaddr_in from{};
  std::unique_ptr<Strategy> strategy = make_replay_strategy({});
  RunResult result = run_with(
      *strategy, {},
      {{0,
        [&] {
          int fd = udp_at("0.0.0.0", 7000);
          fcntl(fd, F_SETFL, 0);
          char letter = 0;
          socklen_t size = sizeof from;
          EXPECT_EQ(recvfrom(fd, &letter, 1, 0, reinterpret_cast<sockaddr*>(&from), &size), 1);
          seen = letter;
          close(fd);
        }},
       {1, [] {
          usleep(1000);
          int fd = udp_at("0.0.0.0", 7001);
          send_text(fd, "x", "10.0.0.1", 7000);
          // A port of the other host that nobody has: the error comes back from there.
          sockaddr_in nobody = address_of("10.0.0.1", 9);
          EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&nobody), sizeof nobody), 0);
          EXPECT_EQ(send(fd, "y", 1, 0), 1);
          usleep(20'000);
          EXPECT_EQ(send(fd, "y", 1, 0), -1);
          EXPECT_EQ(errno, ECONNREFUSED);
          sockaddr_in nowhere = address_of("192.0.2.1", 9);
          EXPECT_EQ(sendto(fd, "z", 1, 0, reinterpret_cast<sockaddr*>(&nowhere), sizeof nowhere),
                    -1);
          EXPECT_EQ(errno, ENETUNREACH);
          close(fd);
        }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(seen, "x");
  EXPECT_EQ(ntohl(from.sin_addr.s_addr), 0x0A000002u);
  EXPECT_EQ(ntohs(from.sin_port), 7001);
}

}  // namespace
}  // namespace pollux::testing

// SPDX-License-Identifier: MIT
//
// What calls say about the order of threads: who learns of a call comes behind what its caller did
// before it, and not behind what the caller did after it.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>

#include <thread>

#include "run_support.h"

// As instrumented code calls them.
extern "C" void __tsan_read4(void*);
extern "C" void __tsan_write4(void*);

namespace pollux::testing {
namespace {

struct Ends {
  int from, to;  // what is sent by the one comes to the other
  int also = -1;
};

struct Case {
  const char* name;
  Ends (*open)();
  void (*send)(const Ends&);
  void (*learn)(const Ends&);
};

void PrintTo(const Case& one, std::ostream* os) { *os << one.name; }

constexpr uint64_t kOne = 1;

Ends open_eventfd() {
  int fd = eventfd(0, 0);
  return {fd, fd};
}
Ends open_pipe() {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  return {ends[1], ends[0]};
}
template <int kType>
Ends open_pair() {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, kType, 0, ends), 0);
  return {ends[1], ends[0]};
}
Ends open_tcp() {
  int listener = listen_at(7000);
  int client = start_connect("127.0.0.1", 7000);
  settle();
  int server = accept(listener, nullptr, nullptr);
  return {client, server, listener};
}
Ends open_udp() {
  int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address = address_of("127.0.0.1", 7000);
  EXPECT_EQ(bind(to, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(connect(from, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return {from, to};
}
Ends open_listener() {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = address_of("0.0.0.0", 7000);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener, 4), 0);
  return {socket(AF_INET, SOCK_STREAM, 0), listener};
}
Ends open_timer() {
  int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  return {fd, fd};
}
Ends open_set() {  // a pipe with something in it, and a set that does not watch it yet
  Ends ends = open_pipe();
  EXPECT_EQ(write(ends.from, &kOne, 1), 1);
  return {ends.to, epoll_create1(0), ends.from};
}

void send_word(const Ends& ends) {
  EXPECT_EQ(write(ends.from, &kOne, sizeof kOne), static_cast<ssize_t>(sizeof kOne));
}
void send_shutdown(const Ends& ends) { EXPECT_EQ(shutdown(ends.from, SHUT_WR), 0); }
void send_close(const Ends& ends) { EXPECT_EQ(close(ends.from), 0); }
void send_connect(const Ends& ends) {
  sockaddr_in address = address_of("127.0.0.1", 7000);
  EXPECT_EQ(connect(ends.from, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}
void send_timer(const Ends& ends) {
  itimerspec soon{{0, 0}, {0, 1000}};
  EXPECT_EQ(timerfd_settime(ends.from, 0, &soon, nullptr), 0);
}
void send_watch(const Ends& ends) { EXPECT_EQ(watch(ends.to, ends.from, EPOLLIN), 0); }

void learn_read(const Ends& ends) {
  uint64_t word;
  EXPECT_GE(read(ends.to, &word, sizeof word), 0);
}
void learn_accept(const Ends& ends) {
  int fd = accept(ends.to, nullptr, nullptr);
  EXPECT_GE(fd, 0);
  close(fd);
}
void learn_poll(const Ends& ends) {
  pollfd one{ends.to, POLLIN, 0};
  EXPECT_EQ(poll(&one, 1, -1), 1);
}
void learn_select(const Ends& ends) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends.to, &set);
  EXPECT_EQ(select(ends.to + 1, &set, nullptr, nullptr, nullptr), 1);
}
void learn_event(const Ends& ends) {
  int set = epoll_create1(0);
  EXPECT_EQ(watch(set, ends.to, EPOLLIN), 0);
  EXPECT_NE(next_event(set, -1), 0u);
  close(set);
}
void learn_from_set(const Ends& ends) { EXPECT_NE(next_event(ends.to, -1), 0u); }

constexpr Case kCases[] = {
    {"Eventfd", open_eventfd, send_word, learn_read},
    {"Pipe", open_pipe, send_word, learn_read},
    {"PipeClose", open_pipe, send_close, learn_read},
    {"UnixStream", open_pair<SOCK_STREAM>, send_word, learn_read},
    {"UnixStreamShutdown", open_pair<SOCK_STREAM>, send_shutdown, learn_read},
    {"UnixDatagram", open_pair<SOCK_DGRAM>, send_word, learn_read},
    {"UnixPacket", open_pair<SOCK_SEQPACKET>, send_word, learn_read},
    {"Tcp", open_tcp, send_word, learn_read},
    {"TcpShutdown", open_tcp, send_shutdown, learn_read},
    {"TcpClose", open_tcp, send_close, learn_read},
    {"TcpConnect", open_listener, send_connect, learn_accept},
    {"Udp", open_udp, send_word, learn_read},
    {"Timer", open_timer, send_timer, learn_read},
    {"EpollOfEventfd", open_eventfd, send_word, learn_event},
    {"EpollOfTcp", open_tcp, send_word, learn_event},
    {"EpollCtl", open_set, send_watch, learn_from_set},
    {"Poll", open_pipe, send_word, learn_poll},
    {"Select", open_pipe, send_word, learn_select},
};

RunResult run_case(const Case& one, bool after, uint64_t seed) {
  auto strategy = make_random_strategy(seed, {}, 1.0);
  RunOptions options;
  options.strategy = strategy.get();
  options.races = true;
  options.check_leaks = false;
  World world(options);
  world.add_thread("main", 0, [&one, after] {
    static int data;
    Ends ends = one.open();
    std::thread sender([&] {
      if (!after) __tsan_write4(&data);
      one.send(ends);
      if (after) __tsan_write4(&data);
    });
    std::thread learner([&] {
      one.learn(ends);
      __tsan_read4(&data);
    });
    sender.join();
    learner.join();
  });
  return world.run();
}

class Order : public ::testing::TestWithParam<Case> {};

TEST_P(Order, BehindWhatCameBeforeTheCall) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    RunResult result = run_case(GetParam(), false, seed);
    ASSERT_EQ(result.verdict, Verdict::held) << seed << ": " << result.reason;
  }
}

TEST_P(Order, NotBehindWhatCameAfterIt) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    RunResult result = run_case(GetParam(), true, seed);
    ASSERT_EQ(result.verdict, Verdict::data_race) << seed << ": " << result.reason;
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, Order, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

// Two files have nothing to do with each other.
TEST(OrderTest, AnotherFileOrdersNothing) {
  auto strategy = make_replay_strategy({});
  RunOptions options;
  options.strategy = strategy.get();
  options.races = true;
  options.check_leaks = false;
  World world(options);
  world.add_thread("main", 0, [] {
    static int data;
    Ends one = open_eventfd(), other = open_eventfd();
    send_word(other);
    std::thread sender([&] {
      __tsan_write4(&data);
      send_word(one);
    });
    std::thread learner([&] {
      learn_read(other);
      __tsan_read4(&data);
    });
    sender.join();
    learner.join();
  });
  EXPECT_EQ(world.run().verdict, Verdict::data_race);
}

}  // namespace
}  // namespace pollux::testing

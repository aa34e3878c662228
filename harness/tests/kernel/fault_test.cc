// SPDX-License-Identifier: MIT
//
// Faults through the twin's state: what each does to the call, and that what must follow does
// follow. The follow-ups are those of the catalogue.
#include <sys/eventfd.h>

#include <cerrno>
#include <csignal>

#include "run_support.h"

namespace pollux::testing {
namespace {

using namespace faults;

constexpr uint32_t kEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

TEST(FaultTest, ReadThatFindsItsDataInFlightGetsAnEdgeLater) {
  RunResult result = run_with_first({k_posix_io_rw_read_eagain}, [] {
    Connection pair;
    int set = epoll_create1(0);
    watch(set, pair.server, kEdge);
    EXPECT_EQ(next_event(set), uint32_t{EPOLLOUT});
    EXPECT_EQ(write(pair.client, "hello", 5), 5);
    EXPECT_EQ(shutdown(pair.client, SHUT_WR), 0);
    settle();
    char buffer[16];
    EXPECT_EQ(read(pair.server, buffer, sizeof buffer), -1);
    EXPECT_EQ(errno, EAGAIN);
    // Nothing of it is visible, however the program looks.
    EXPECT_EQ(recv(pair.server, buffer, 1, MSG_PEEK), -1);
    // What was queued when the data came is reported with the mask that holds now.
    EXPECT_EQ(next_event(set), uint32_t{EPOLLOUT});
    EXPECT_EQ(next_event(set), 0u);
    // Data and FIN both come again.
    EXPECT_EQ(next_event(set, -1) & (EPOLLIN | EPOLLRDHUP), uint32_t{EPOLLIN | EPOLLRDHUP});
    EXPECT_EQ(read(pair.server, buffer, sizeof buffer), 5);
    EXPECT_EQ(read(pair.server, buffer, sizeof buffer), 0);
    pair.close_all();
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << "\n" << result.details;
  EXPECT_EQ(result.faults, 1u);
}

TEST(FaultTest, FinThatWasReportedIsNotTakenBack) {
  RunResult result = run_with_first({k_posix_io_rw_read_eagain}, [] {
    Connection pair;
    int set = epoll_create1(0);
    watch(set, pair.server, kEdge);
    EXPECT_EQ(write(pair.client, "hello", 5), 5);
    EXPECT_EQ(shutdown(pair.client, SHUT_WR), 0);
    settle();
    EXPECT_NE(next_event(set) & EPOLLRDHUP, 0u);
    char buffer[16];
    EXPECT_EQ(read(pair.server, buffer, sizeof buffer), 5);
    EXPECT_EQ(read(pair.server, buffer, sizeof buffer), 0);
    pair.close_all();
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(result.faults, 0u);
}

TEST(FaultTest, BytesThatWereCountedAreNotTakenBack) {
  RunResult result = run_with_first({k_posix_io_rw_read_eagain}, [] {
    Connection pair;
    EXPECT_EQ(write(pair.client, "hello", 5), 5);
    settle();
    char buffer[16];
    EXPECT_EQ(recv(pair.server, buffer, 2, MSG_PEEK), -1);  // the fault comes first
    settle();
    EXPECT_EQ(recv(pair.server, buffer, 2, MSG_PEEK), 2);
    EXPECT_EQ(read(pair.server, buffer, sizeof buffer), 5);
    pair.close_all();
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, ShortReadLeavesAnEmptyQueueAndAnEdgeToCome) {
  RunResult result = run_with_first({k_posix_io_rw_read_short}, [] {
    Connection pair;
    int set = epoll_create1(0);
    watch(set, pair.server, kEdge);
    EXPECT_EQ(write(pair.client, "0123456789", 10), 10);
    settle();
    EXPECT_EQ(next_event(set), uint32_t{EPOLLIN | EPOLLOUT});
    char buffer[16];
    EXPECT_EQ(read(pair.server, buffer, 10), 5);
    EXPECT_EQ(read(pair.server, buffer, 10), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(next_event(set), 0u);
    EXPECT_NE(next_event(set, -1) & EPOLLIN, 0u);
    EXPECT_EQ(read(pair.server, buffer, 10), 5);
    EXPECT_EQ(std::string(buffer, 5), "56789");
    pair.close_all();
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(result.faults, 1u);
}

TEST(FaultTest, WriteWithoutRoomGetsAnEdgeLater) {
  RunResult result = run_with_first({k_posix_io_rw_write_eagain}, [] {
    Connection pair;
    int set = epoll_create1(0);
    watch(set, pair.client, kEdge);
    EXPECT_EQ(next_event(set), uint32_t{EPOLLOUT});
    EXPECT_EQ(write(pair.client, "x", 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(next_event(set), 0u);
    EXPECT_EQ(next_event(set, -1), uint32_t{EPOLLOUT});
    EXPECT_EQ(write(pair.client, "x", 1), 1);
    pair.close_all();
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(result.faults, 1u);
}

TEST(FaultTest, ShortWriteMeansFullAndGetsAnEdgeLater) {
  RunResult result = run_with_first({k_posix_io_rw_write_short}, [] {
    Connection pair;
    int set = epoll_create1(0);
    watch(set, pair.client, kEdge);
    EXPECT_EQ(next_event(set), uint32_t{EPOLLOUT});
    EXPECT_EQ(write(pair.client, "0123456789", 10), 5);
    EXPECT_EQ(write(pair.client, "56789", 5), -1);
    EXPECT_EQ(next_event(set, -1), uint32_t{EPOLLOUT});
    EXPECT_EQ(write(pair.client, "56789", 5), 5);
    settle();
    char buffer[16];
    EXPECT_EQ(read(pair.server, buffer, sizeof buffer), 10);
    EXPECT_EQ(std::string(buffer, 10), "0123456789");
    pair.close_all();
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, ConnectionWhoseLastStepIsLateIsAcceptedAfterAnEdge) {
  RunResult result = run_with_first({k_posix_io_net_accept4_eagain}, [] {
    int listener = listen_at(7000);
    int set = epoll_create1(0);
    watch(set, listener, EPOLLIN | EPOLLET);
    int clients[2] = {start_connect("127.0.0.1", 7000), start_connect("127.0.0.1", 7000)};
    settle();
    EXPECT_EQ(next_event(set), uint32_t{EPOLLIN});
    EXPECT_EQ(accept(listener, nullptr, nullptr), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(next_event(set), 0u);
    EXPECT_EQ(next_event(set, -1), uint32_t{EPOLLIN});
    for (int client : clients) {
      int server = accept(listener, nullptr, nullptr);
      EXPECT_GE(server, 0);
      close(server);
      close(client);
    }
    close(listener);
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(result.faults, 1u);
}

TEST(FaultTest, ConnectionThatWasResetIsAcceptedAndReadsTheReset) {
  RunResult result = run_with_first({k_posix_io_net_accept4_reset}, [] {
    int listener = listen_at(7000);
    int client = start_connect("127.0.0.1", 7000);
    settle();
    int server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    EXPECT_GE(server, 0);
    char byte;
    EXPECT_EQ(read(server, &byte, 1), -1);
    EXPECT_EQ(errno, ECONNRESET);
    EXPECT_EQ(read(server, &byte, 1), 0);
    settle();
    EXPECT_EQ(read(client, &byte, 1), -1);  // both ends learn of it
    EXPECT_EQ(errno, ECONNRESET);
    for (int fd : {listener, client, server}) close(fd);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, AbortedConnectionIsConsumedAndTheOthersStayWithoutAnEdge) {
  RunResult result = run_with_first({k_posix_io_net_accept4_econnaborted}, [] {
    int listener = listen_at(7000);
    int set = epoll_create1(0);
    watch(set, listener, EPOLLIN | EPOLLET);
    int first = start_connect("127.0.0.1", 7000);
    settle();
    int second = start_connect("127.0.0.1", 7000);
    settle();
    EXPECT_EQ(next_event(set), uint32_t{EPOLLIN});
    EXPECT_EQ(accept(listener, nullptr, nullptr), -1);
    EXPECT_EQ(errno, ECONNABORTED);
    settle();
    EXPECT_EQ(next_event(set), 0u);
    char byte;
    EXPECT_EQ(read(first, &byte, 1), -1);
    EXPECT_EQ(errno, ECONNRESET);
    int server = accept(listener, nullptr, nullptr);
    EXPECT_EQ(server, second + 1);  // no number was spent on the aborted one
    for (int fd : {listener, set, first, second, server}) close(fd);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, FullTableFailsEveryCallUntilAClose) {
  RunResult result = run_with_first({k_posix_io_fd_emfile}, [] {
    int refused = eventfd(0, 0);
    EXPECT_EQ(refused, -1);
    EXPECT_EQ(errno, EMFILE);
    EXPECT_EQ(socket(AF_INET, SOCK_STREAM, 0), -1);
    EXPECT_EQ(errno, EMFILE);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;

  std::unique_ptr<Strategy> strategy = make_replay_strategy(
      {{0, static_cast<Site>(site::kFirstFault + k_posix_io_fd_emfile), 1, 1}});
  Setting setting;
  setting.points = {k_posix_io_fd_emfile};
  result = run_with(*strategy, setting, {{0, [] {
                                            int first = eventfd(0, 0);
                                            EXPECT_EQ(dup(first), -1);
                                            EXPECT_EQ(errno, EMFILE);
                                            EXPECT_EQ(epoll_create1(0), -1);
                                            close(first);
                                            int again = eventfd(0, 0);
                                            EXPECT_EQ(again, first);
                                            close(again);
                                          }}});
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, WaitIsInterruptedOnlyWhereItWouldBlock) {
  RunResult result = run_with_first({k_linux_io_epoll_wait_eintr}, [] {
    int event = eventfd(1, 0);
    int set = epoll_create1(0);
    watch(set, event, EPOLLIN);
    EXPECT_EQ(next_event(set, -1), uint32_t{EPOLLIN});  // ready
    uint64_t value;
    EXPECT_EQ(read(event, &value, 8), 8);
    EXPECT_EQ(next_event(set, 0), 0u);  // does not wait
    epoll_event got;
    EXPECT_EQ(epoll_wait(set, &got, 1, 1000), -1);
    EXPECT_EQ(errno, EINTR);
    EXPECT_EQ(epoll_wait(set, &got, 1, 10), 0);
    close(event);
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(result.faults, 1u);
}

TEST(FaultTest, ErrorEventIsAResetThatBothEndsSee) {
  RunResult result = run_with_first({k_linux_io_epoll_epollerr}, [] {
    Connection pair;
    int set = epoll_create1(0);
    watch(set, pair.server, kEdge);
    EXPECT_EQ(next_event(set), uint32_t{EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP});
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(pair.server, SOL_SOCKET, SO_ERROR, &error, &length);
    EXPECT_EQ(error, ECONNRESET);
    settle();
    char byte;
    EXPECT_EQ(read(pair.client, &byte, 1), -1);
    EXPECT_EQ(errno, ECONNRESET);
    pair.close_all();
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, RedundantEdgeHasTheMaskThatHolds) {
  RunResult result = run_with_first({k_linux_io_epoll_spurious}, [] {
    Connection pair;
    int set = epoll_create1(0);
    watch(set, pair.server, kEdge);
    EXPECT_EQ(next_event(set), uint32_t{EPOLLOUT});
    EXPECT_EQ(next_event(set), uint32_t{EPOLLOUT});  // once more
    EXPECT_EQ(next_event(set), 0u);
    pair.close_all();
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, BatchesAreReorderedAndCutWithoutLosingAnything) {
  RunResult result = run_with_first({k_linux_io_epoll_reorder, k_linux_io_epoll_partial}, [] {
    int set = epoll_create1(0);
    int events[3];
    for (int& event : events) {
      event = eventfd(1, 0);
      watch(set, event, EPOLLIN | EPOLLET);
    }
    epoll_event got[4];
    EXPECT_EQ(epoll_wait(set, got, 4, 0), 2);
    EXPECT_EQ(got[0].data.fd, events[1]);
    EXPECT_EQ(got[1].data.fd, events[2]);
    EXPECT_EQ(epoll_wait(set, got, 4, 0), 1);
    EXPECT_EQ(got[0].data.fd, events[0]);
    for (int event : events) close(event);
    close(set);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(FaultTest, LiesChangeNothingButTheAnswer) {
  RunResult result =
      run_with_first({k_posix_io_rw_read_eagain_lie, k_posix_io_rw_write_eagain_lie,
                      k_posix_io_net_accept4_eagain_lie, k_linux_io_epoll_wait_eintr_lie,
                      k_linux_io_epoll_epollerr_lie},
                     [] {
                       int listener = listen_at(7000);
                       int client = start_connect("127.0.0.1", 7000);
                       settle();
                       EXPECT_EQ(accept(listener, nullptr, nullptr), -1);
                       int server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
                       EXPECT_GE(server, 0);
                       EXPECT_EQ(write(client, "x", 1), -1);
                       EXPECT_EQ(errno, EAGAIN);
                       EXPECT_EQ(write(client, "x", 1), 1);
                       settle();
                       int set = epoll_create1(0);
                       watch(set, server, EPOLLIN);
                       epoll_event got;
                       EXPECT_EQ(epoll_wait(set, &got, 1, 0), -1);
                       EXPECT_EQ(errno, EINTR);
                       EXPECT_EQ(next_event(set), uint32_t{EPOLLIN | EPOLLERR});
                       EXPECT_EQ(next_event(set), uint32_t{EPOLLIN});
                       char byte;
                       EXPECT_EQ(read(server, &byte, 1), -1);
                       EXPECT_EQ(errno, EAGAIN);
                       EXPECT_EQ(read(server, &byte, 1), 1);
                       for (int fd : {listener, client, server, set}) close(fd);
                     });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(result.faults, 5u);
}

TEST(FaultTest, SigpipeThatIsNotIgnoredEndsTheRun) {
  auto write_to_nobody = [] {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    close(ends[0]);
    EXPECT_EQ(write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    close(ends[1]);
  };
  sighandler_t before = signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(run_boring(write_to_nobody).verdict, Verdict::crash);
  signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run_boring(write_to_nobody).verdict, Verdict::held);
  signal(SIGPIPE, before);
}

}  // namespace
}  // namespace pollux::testing

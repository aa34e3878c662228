// SPDX-License-Identifier: MIT
//
// The twin against a correct program: an edge-triggered echo that drains to EAGAIN and treats
// errors as errors must end, with every byte in order, under any legal or documented fault. A run
// that hangs here is a bug of the twin: some fault did not keep its promise.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>

#include "run_support.h"

namespace pollux::testing {
namespace {

constexpr int kClients = 3;
constexpr size_t kBytes = 3000;

struct Outcome {
  int complete = 0;  // clients that got everything back
  int reset = 0;     // clients whose connection failed
  bool wrong_byte = false;
};

char pattern(size_t client, size_t position) {
  return static_cast<char>('a' + (client * 7 + position) % 26);
}

// Serves until every client has come and gone.
void serve(std::atomic<bool>* listening) {
  int listener = listen_at(7000);
  *listening = true;
  int set = epoll_create1(0);
  watch(set, listener, EPOLLIN | EPOLLET);
  std::map<int, std::string> pending;  // what is to be sent back, by descriptor
  int gone = 0;
  auto drop = [&](int fd) {
    pending.erase(fd);
    close(fd);
    ++gone;
  };
  auto pump = [&](int fd) {
    std::string& out = pending[fd];
    for (;;) {
      if (!out.empty()) {
        ssize_t sent = send(fd, out.data(), out.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) return drop(fd);
        out.erase(0, static_cast<size_t>(sent));
        continue;
      }
      char buffer[700];
      ssize_t got = read(fd, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return drop(fd);
      out.assign(buffer, static_cast<size_t>(got));
    }
  };
  while (gone < kClients) {
    epoll_event events[4];
    int count = epoll_wait(set, events, 4, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd != listener) {
        if (pending.count(events[i].data.fd) != 0) pump(events[i].data.fd);
        continue;
      }
      for (;;) {
        int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0 && errno == EAGAIN) break;
        if (fd < 0 && errno == ECONNABORTED) ++gone;
        if (fd < 0) continue;
        pending[fd];
        watch(set, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
      }
    }
  }
  close(listener);
  close(set);
}

void ask(size_t client, Outcome* outcome) {
  int set = epoll_create1(0);
  int fd = start_connect("10.0.0.1", 7000);
  watch(set, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  size_t sent = 0, received = 0;
  bool failed = false, connected = false;
  while (!failed && received < kBytes) {
    epoll_event event;
    if (epoll_wait(set, &event, 1, -1) < 1) continue;
    if (!connected) {
      int error = 0;
      socklen_t length = sizeof error;
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
      failed = error != 0;
      connected = true;
    }
    while (!failed && sent < kBytes) {
      char chunk[500];
      size_t size = std::min(sizeof chunk, kBytes - sent);
      for (size_t i = 0; i < size; ++i) chunk[i] = pattern(client, sent + i);
      ssize_t done = send(fd, chunk, size, MSG_NOSIGNAL);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0 && errno == EAGAIN) break;
      if (done < 0) failed = true;
      if (done > 0) sent += static_cast<size_t>(done);
    }
    while (!failed && received < kBytes) {
      char chunk[300];
      ssize_t done = read(fd, chunk, sizeof chunk);
      if (done < 0 && errno == EINTR) continue;
      if (done < 0 && errno == EAGAIN) break;
      if (done <= 0) failed = true;
      for (ssize_t i = 0; i < done; ++i) {
        outcome->wrong_byte |= chunk[i] != pattern(client, received + static_cast<size_t>(i));
      }
      if (done > 0) received += static_cast<size_t>(done);
    }
  }
  ++(failed ? outcome->reset : outcome->complete);
  close(fd);
  close(set);
}

RunResult echo(Strategy& strategy, const std::vector<faults::PointId>& points, Outcome* outcome) {
  Setting setting;
  setting.points = points;
  setting.network.send_buffer_bytes = 1200;  // back-pressure
  setting.network.receive_buffer_bytes = 900;
  setting.network.segment_max_bytes = 400;
  std::atomic<bool> listening = false;
  std::vector<NamedThread> threads{{0, [&listening] { serve(&listening); }}};
  for (size_t client = 0; client < kClients; ++client) {
    threads.push_back({1, [client, outcome, &listening] {
                         while (!listening) usleep(50);
                         ask(client, outcome);
                       }});
  }
  return run_with(strategy, setting, threads);
}

// Points whose follow-up lets a correct program end: not the full table, where an edge-triggered
// accept waits for ever by design.
std::vector<faults::PointId> points_of(std::initializer_list<faults::Grade> grades) {
  std::vector<faults::PointId> found;
  for (faults::PointId id = 0; id < faults::points().size(); ++id) {
    if (id == faults::k_posix_io_fd_emfile) continue;
    for (faults::Grade grade : grades) {
      if (faults::points()[id].grade == grade) found.push_back(id);
    }
  }
  return found;
}

class EchoTest : public ::testing::Test {
 protected:
  void SetUp() override { before_ = signal(SIGPIPE, SIG_IGN); }
  void TearDown() override { signal(SIGPIPE, before_); }

  // Returns how many faults happened.
  static uint64_t check(uint64_t seed, const std::vector<faults::PointId>& points, double rate,
                        bool may_reset) {
    std::vector<double> rates(faults::points().size(), 0.0);
    for (faults::PointId id : points) rates[id] = rate;
    std::unique_ptr<Strategy> strategy = make_random_strategy(seed, rates, 1.0);
    Outcome outcome;
    RunResult result = echo(*strategy, points, &outcome);
    EXPECT_EQ(result.verdict, Verdict::held) << "seed " << seed << ": " << result.reason << "\n"
                                             << result.details;
    EXPECT_FALSE(outcome.wrong_byte) << "seed " << seed;
    if (result.verdict == Verdict::held) {
      EXPECT_EQ(outcome.complete + outcome.reset, kClients) << "seed " << seed;
      if (!may_reset) {
        EXPECT_EQ(outcome.complete, kClients) << "seed " << seed;
      }
    }
    return result.faults;
  }

 private:
  sighandler_t before_;
};

bool resets(faults::PointId id) {
  return id == faults::k_posix_io_net_accept4_reset || id == faults::k_linux_io_epoll_epollerr ||
         id == faults::k_posix_io_net_accept4_econnaborted;
}

TEST_F(EchoTest, EndsWithoutFaults) {
  for (uint64_t seed = 0; seed < 300; ++seed) check(seed, {}, 0, /*may_reset=*/false);
}

TEST_F(EchoTest, EndsUnderEachLegalOrDocumentedFaultAlone) {
  for (faults::PointId id : points_of({faults::Grade::legal, faults::Grade::documented})) {
    if (faults::points()[id].name.starts_with("posix/io/net/udp/")) continue;  // no datagrams here
    uint64_t happened = 0;
    for (uint64_t seed = 0; seed < 60 && !HasFailure(); ++seed) {
      happened += check(seed, {id}, seed % 2 == 0 ? 0.05 : 0.5, resets(id));
    }
    EXPECT_GT(happened, 0u) << faults::points()[id].name << " never happened";
    ASSERT_FALSE(HasFailure()) << "under " << faults::points()[id].name;
  }
}

TEST_F(EchoTest, EndsUnderAllLegalAndDocumentedFaultsTogether) {
  std::vector<faults::PointId> points =
      points_of({faults::Grade::legal, faults::Grade::documented});
  for (uint64_t seed = 0; seed < 1000 && !HasFailure(); ++seed) {
    check(seed, points, seed % 3 == 0 ? 0.3 : 0.05, /*may_reset=*/true);
  }
}

TEST_F(EchoTest, EndsWhenReadsAndWritesFailAsOftenAsTheyMay) {
  for (uint64_t seed = 0; seed < 100 && !HasFailure(); ++seed) {
    check(seed,
          {faults::k_posix_io_rw_read_eagain, faults::k_posix_io_rw_write_eagain,
           faults::k_posix_io_net_accept4_eagain},
          1.0, /*may_reset=*/false);
  }
}

// Lies may hang an edge-triggered program; that they do shows that the legal runs above prove
// something.
TEST_F(EchoTest, HangsUnderALieNowAndThen) {
  int hung = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    std::vector<double> rates(faults::points().size(), 0.0);
    rates[faults::k_posix_io_rw_read_eagain_lie] = 0.1;
    std::unique_ptr<Strategy> strategy = make_random_strategy(seed, rates, 1.0);
    Outcome outcome;
    RunResult result = echo(*strategy, {faults::k_posix_io_rw_read_eagain_lie}, &outcome);
    if (result.verdict == Verdict::lost_wakeup || result.verdict == Verdict::deadlock) ++hung;
  }
  EXPECT_GT(hung, 0);
}

TEST_F(EchoTest, SameSeedSameHash) {
  std::vector<faults::PointId> points = points_of({faults::Grade::legal});
  std::vector<double> rates(faults::points().size(), 0.0);
  for (faults::PointId id : points) rates[id] = 0.1;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    RunResult results[2];
    for (RunResult& result : results) {
      std::unique_ptr<Strategy> strategy = make_random_strategy(seed, rates, 1.0);
      Outcome outcome;
      result = echo(*strategy, points, &outcome);
    }
    ASSERT_EQ(results[0].hash, results[1].hash) << seed;
    ASSERT_EQ(results[0].deviations, results[1].deviations) << seed;
  }
}

}  // namespace
}  // namespace pollux::testing

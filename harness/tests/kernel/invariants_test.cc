// SPDX-License-Identifier: MIT
//
// Random sequences of calls on pipes, socket pairs and TCP connections: whatever is done, the
// descriptors that are open are those that were made and not closed, numbers are handed out lowest
// first, and each stream delivers exactly a prefix of what was written to it.
#include <poll.h>
#include <sys/random.h>

#include <cerrno>
#include <csignal>
#include <random>
#include <set>

#include "kernel/kernel.h"
#include "run_support.h"

namespace pollux::testing {
namespace {

constexpr uint16_t kPort = 7000;
constexpr int kSteps = 400;

// One direction: what is written to `from` comes out of `to`.
struct Flow {
  int from, to;
  uint64_t written = 0, read = 0;
  bool open = true;
};

class Walk {
 public:
  explicit Walk(uint64_t seed) : random_(seed) {
    listener_ = listen_at(kPort, 64);
    opened(listener_);
  }

  void run() {
    for (int step = 0; step < kSteps && !::testing::Test::HasFailure(); ++step) {
      switch (below(10)) {
        case 0:
          make_pair_of_some_kind();
          break;
        case 1:
          close_something();
          break;
        case 2:
          usleep(static_cast<useconds_t>(below(300)));
          break;
        case 3:
        case 4:
        case 5:
          write_something();
          break;
        default:
          read_something();
          break;
      }
    }
    for (Flow& flow : flows_) drain(flow);
    while (!open_.empty()) closed(*open_.begin());
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  static char byte_at(const Flow& flow, uint64_t position) {
    return static_cast<char>(position * 31 + static_cast<unsigned>(flow.from));
  }

  void opened(int fd) {
    int lowest = kernel::kFdBase;
    while (open_.count(lowest) != 0) ++lowest;
    ASSERT_EQ(fd, lowest);
    open_.insert(fd);
  }

  void closed(int fd) {
    ASSERT_EQ(close(fd), 0);
    ASSERT_EQ(close(fd), -1);
    ASSERT_EQ(errno, EBADF);
    open_.erase(fd);
  }

  void make_pair_of_some_kind() {
    int ends[2];
    switch (below(3)) {
      case 0:
        ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
        opened(ends[0]);
        opened(ends[1]);
        flows_.push_back({ends[1], ends[0]});
        return;
      case 1:
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        opened(ends[0]);
        opened(ends[1]);
        break;
      default:
        ends[0] = start_connect("127.0.0.1", kPort);
        opened(ends[0]);
        settle();
        ends[1] = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
        opened(ends[1]);
        break;
    }
    flows_.push_back({ends[0], ends[1]});
    flows_.push_back({ends[1], ends[0]});
  }

  Flow* some_flow() {
    if (flows_.empty()) return nullptr;
    Flow& flow = flows_[below(static_cast<unsigned>(flows_.size()))];
    return flow.open ? &flow : nullptr;
  }

  void close_something() {
    Flow* flow = some_flow();
    if (flow == nullptr) return;
    int ends[2] = {flow->from, flow->to};
    // What had arrived by then comes first, whichever end goes.
    drain(*flow);
    for (Flow& other : flows_) {
      if (other.from == ends[0] || other.from == ends[1]) other.open = false;
    }
    for (int fd : ends) closed(fd);
  }

  void write_something() {
    Flow* flow = some_flow();
    if (flow == nullptr) return;
    char buffer[9000];
    size_t size = below(4) == 0 ? below(sizeof buffer) : below(100);
    for (size_t i = 0; i < size; ++i) buffer[i] = byte_at(*flow, flow->written + i);
    ssize_t done = write(flow->from, buffer, size);
    if (done < 0) {
      ASSERT_EQ(errno, EAGAIN);
    } else {
      ASSERT_LE(static_cast<size_t>(done), size);
      flow->written += static_cast<uint64_t>(done);
    }
  }

  // False: nothing there.
  bool read_from(Flow& flow, size_t size) {
    char buffer[9000];
    ssize_t done = read(flow.to, buffer, size);
    if (done < 0) {
      EXPECT_EQ(errno, EAGAIN);
      return false;
    }
    for (ssize_t i = 0; i < done; ++i) {
      if (buffer[i] != byte_at(flow, flow.read + static_cast<uint64_t>(i))) {
        ADD_FAILURE() << "fd " << flow.to << ": wrong byte at " << flow.read + i;
        return false;
      }
    }
    flow.read += static_cast<uint64_t>(done);
    EXPECT_LE(flow.read, flow.written);
    return done > 0;
  }

  void read_something() {
    if (Flow* flow = some_flow()) read_from(*flow, 1 + below(below(4) == 0 ? 8999 : 100));
  }

  // Everything that was written comes out, given time.
  void drain(Flow& flow) {
    if (!flow.open) return;
    for (int quiet = 0; quiet < 3;) {
      if (read_from(flow, 9000)) continue;
      ++quiet;
      settle();
    }
    EXPECT_EQ(flow.read, flow.written) << "fd " << flow.from << " -> " << flow.to;
  }

  std::mt19937_64 random_;
  int listener_;
  std::set<int> open_;
  std::vector<Flow> flows_;
};

TEST(InvariantsTest, DescriptorsAndBytesAreConserved) {
  std::vector<double> no_faults(faults::points().size(), 0.0);
  for (uint64_t seed = 0; seed < 150 && !HasFailure(); ++seed) {
    std::unique_ptr<Strategy> strategy = make_random_strategy(seed, no_faults, 1.0);
    Setting setting;
    setting.network.send_buffer_bytes = 5000;
    setting.network.receive_buffer_bytes = 4000;
    setting.network.segment_max_bytes = 1500;
    RunResult result = run_with(*strategy, setting, {{0, [seed] { Walk(seed).run(); }}});
    EXPECT_EQ(result.verdict, Verdict::held) << "seed " << seed << ": " << result.reason << "\n"
                                             << result.details;
  }
}

// The same under faults that hold bytes back: late is not lost.
TEST(InvariantsTest, BytesAreConservedUnderFaults) {
  std::vector<faults::PointId> points = {
      faults::k_posix_io_rw_read_eagain, faults::k_posix_io_rw_read_short,
      faults::k_posix_io_rw_write_eagain, faults::k_posix_io_rw_write_short};
  std::vector<double> rates(faults::points().size(), 0.0);
  for (faults::PointId id : points) rates[id] = 0.2;
  for (uint64_t seed = 0; seed < 150 && !HasFailure(); ++seed) {
    std::unique_ptr<Strategy> strategy = make_random_strategy(seed, rates, 1.0);
    Setting setting;
    setting.points = points;
    RunResult result = run_with(*strategy, setting, {{0, [seed] { Walk(seed).run(); }}});
    EXPECT_EQ(result.verdict, Verdict::held) << "seed " << seed << ": " << result.reason;
  }
}

// Where the program's memory lies, and what the process has open, is no part of the run.
TEST(InvariantsTest, NeitherAddressesNorRealDescriptorsAreHashed) {
  auto hash_at = [](size_t offset) {
    return run_boring([offset] {
             std::vector<char> memory(offset + 4096);
             char* at = memory.data() + offset;
             auto* ends = reinterpret_cast<int*>(at);
             EXPECT_EQ(pipe2(ends, O_NONBLOCK), 0);
             auto* polled = reinterpret_cast<pollfd*>(at + 64);
             *polled = {ends[0], POLLIN, 0};
             EXPECT_EQ(poll(polled, 1, 5), 0);
             auto* pause = reinterpret_cast<timespec*>(at + 128);
             *pause = {0, 1000};
             EXPECT_EQ(nanosleep(pause, nullptr), 0);
             EXPECT_EQ(getrandom(at + 256, 32, 0), 32);
             int set = epoll_create1(0);
             epoll_event event{};
             event.events = EPOLLOUT;
             event.data.ptr = at;
             EXPECT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, ends[1], &event), 0);
             EXPECT_EQ(epoll_wait(set, &event, 1, -1), 1);
             int real = open("/proc/self/cmdline", O_RDONLY);
             EXPECT_LT(real, kernel::kFdBase);
             close(real);
             for (int fd : {ends[0], ends[1], set}) close(fd);
           })
        .hash;
  };
  uint64_t hash = hash_at(0);
  EXPECT_EQ(hash_at(1024), hash);
  EXPECT_EQ(hash_at(1 << 20), hash);
  int occupied = open("/dev/null", O_RDONLY);
  EXPECT_EQ(hash_at(0), hash);
  close(occupied);
}

TEST(InvariantsTest, LeakedDescriptorIsNamed) {
  RunResult result = run_boring([] { EXPECT_EQ(listen_at(kPort), kernel::kFdBase); });
  EXPECT_EQ(result.verdict, Verdict::leaked_fd);
  EXPECT_NE(result.reason.find("fd 64 (tcp)"), std::string::npos) << result.reason;
}

// Connections that come and go leave nothing behind: the twin's objects are used again.
TEST(InvariantsTest, ManyShortConnectionsStayCheap) {
  RunResult result = run_boring([] {
    int listener = listen_at(kPort);
    for (int i = 0; i < 20'000; ++i) {
      int client = start_connect("127.0.0.1", kPort);
      usleep(100);
      int server = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
      ASSERT_GE(server, 0) << i;
      close(i % 2 == 0 ? client : server);
      usleep(100);
      close(i % 2 == 0 ? server : client);
    }
    close(listener);
    settle();
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  // Sockets that lost their descriptor are gone, too, once both sides have closed.
  EXPECT_EQ(kernel::kernel().dump(), "");
}

}  // namespace
}  // namespace pollux::testing

// SPDX-License-Identifier: MIT
// What every connection must do, whatever it is made of: golang.org/x/net/nettest.TestConn, over
// TCP on both families, unix streams and packets, and the in-memory pipe.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "endpoints.h"

namespace netpoll::testing {
namespace {

constexpr auto never = Deadline{};
Deadline long_ago() { return Clock::now() - std::chrono::hours(1); }

template <class Conn>
struct Ends {
  Conn a;
  Conn b;
};

// The kinds of connections. `make` is empty-handed where the machine lacks one; `reason` says so.

struct Tcp4 {
  using Conn = TcpConn;
  static const char* missing() { return nullptr; }
  static Ends<Conn> make() {
    Pair p = connected_pair();
    return {p.client, p.server};
  }
};

struct Tcp6 {
  using Conn = TcpConn;
  static const char* missing() { return has_ipv6() ? nullptr : "this machine has no IPv6"; }
  static Ends<Conn> make() {
    TcpListener l = listen_tcp(Ipv6Endpoint::loopback(0)).value;
    TcpConn a = dial_tcp(l.addr()).value;
    return {a, l.accept().value};
  }
};

struct Unix {
  using Conn = UnixConn;
  static const char* missing() { return nullptr; }
  static Ends<Conn> make() {
    TempDir dir;
    UnixListener l = listen_unix(dir.socket("s")).value;
    UnixConn a = dial_unix(l.addr()).value;
    return {a, l.accept().value};
  }
};

struct Pipe {
  using Conn = PipeConn;
  static const char* missing() { return nullptr; }
  static Ends<Conn> make() {
    auto [ends, err] = pipe();
    EXPECT_FALSE(err) << err.message();
    return {ends.first, ends.second};
  }
};

template <class Kind>
class ConnSuite : public ::testing::Test {
 protected:
  using Conn = typename Kind::Conn;

  // `body` for several numbers of workers, each with a fresh pair of ends, closed afterwards.
  void run(const std::function<void(Runtime&, Conn&, Conn&)>& body) {
    if (Kind::missing()) GTEST_SKIP() << Kind::missing();
    for (int workers : {1, 2, 4}) {
      const int before = open_fds();
      {
        Runtime runtime(with_workers(workers));
        runtime.run([&] {
          Ends<Conn> ends = Kind::make();
          body(runtime, ends.a, ends.b);
          (void)ends.a.close();
          (void)ends.b.close();
        });
        const RuntimeCounters c = runtime.counters();
        EXPECT_EQ(c.netpoll_waiters, 0u);
        EXPECT_EQ(c.live_goroutines, 0u);
        EXPECT_EQ(c.live_poll_descs, 0u);
        EXPECT_EQ(c.armed_timers, 0u);
      }
      EXPECT_EQ(open_fds(), before);
    }
  }

  // Sends back what it reads, for as long as that works.
  static void echo(Conn& c) {
    char buf[1024];
    for (;;) {
      const IoResult r = c.read(buf, sizeof buf);
      if (r.err || c.write(buf, r.n).err) return;
    }
  }

  static std::string read_whole(Conn& c) {
    std::string s;
    char buf[4096];
    for (;;) {
      const IoResult r = c.read(buf, sizeof buf);
      if (r.err) {
        EXPECT_EQ(r.err.code(), Errc::eof) << r.err.message();
        return s;
      }
      s.append(buf, r.n);
    }
  }

  static bool read_full(Conn& c, void* buf, size_t len) {
    size_t have = 0;
    while (have < len) {
      const IoResult r = c.read(static_cast<char*>(buf) + have, len - have);
      if (r.err) return false;
      have += r.n;
    }
    return true;
  }

  static void expect_timeout(const Error& err) {
    EXPECT_TRUE(err.timeout()) << err.message();
    EXPECT_EQ(err.code(), Errc::deadline_exceeded);
  }

  // The connection still works: whatever was left over in it first, then 8 bytes there and back.
  static void round_trip(Conn& c) {
    EXPECT_FALSE(c.set_deadline(never));
    char out[8] = {'t', 'e', 's', 't', '1', '2', '3', '4'}, in[8];
    EXPECT_EQ(c.write(out, 8).n, 8u);
    EXPECT_TRUE(read_full(c, in, 8));
    EXPECT_EQ(memcmp(in, out, 8), 0);
  }

  // After interrupted writes the stream holds parts of them: 255s, up to the zero written here.
  static void resync(Conn& c) {
    EXPECT_FALSE(c.set_deadline(never));
    WaitGroup done;
    in_background(done, [&c] {
      char zero = 0;
      EXPECT_EQ(c.write(&zero, 1).n, 1u);
    });
    char buf[4096];
    for (bool found = false; !found;) {
      const IoResult r = c.read(buf, sizeof buf);
      ASSERT_FALSE(r.err) << r.err.message();
      found = memchr(buf, 0, r.n) != nullptr;  // then it is the last byte
    }
    done.wait();
  }
};

using Kinds = ::testing::Types<Tcp4, Tcp6, Unix, Pipe>;
class KindNames {
 public:
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, Tcp4>   ? "Tcp4"
           : std::is_same_v<T, Tcp6> ? "Tcp6"
           : std::is_same_v<T, Unix> ? "Unix"
                                     : "Pipe";
  }
};
TYPED_TEST_SUITE(ConnSuite, Kinds, KindNames);

TYPED_TEST(ConnSuite, BasicIO) {
  this->run([this](Runtime&, auto& a, auto& b) {
    const std::string want = pattern(1 << 20, 77);
    WaitGroup done;
    // There through b, and back.
    in_background(done, [&] { EXPECT_EQ(a.write(want.data(), want.size()).n, want.size()); });
    in_background(done, [&] {
      std::string got(want.size(), '\0');
      EXPECT_TRUE(this->read_full(b, got.data(), got.size()));
      EXPECT_EQ(b.write(got.data(), got.size()).n, got.size());
      EXPECT_FALSE(b.close());
    });
    EXPECT_TRUE(this->read_whole(a) == want);
    done.wait();
    EXPECT_FALSE(a.close());
  });
}

TYPED_TEST(ConnSuite, PingPong) {
  this->run([this](Runtime&, auto& a, auto& b) {
    // Each answers n with n + 1; whoever has 1000 in hand ends it.
    const auto play = [this](auto& c, uint64_t n) {
      while (n < 1000) {
        uint64_t got = 0;
        if (!this->read_full(c, &got, sizeof got)) break;
        EXPECT_EQ(got, n + 1);
        n = got + 1;
        if (c.write(&n, sizeof n).err) break;
      }
      return n;
    };
    WaitGroup done;
    in_background(done, [&] {
      uint64_t n = 0;
      EXPECT_TRUE(this->read_full(b, &n, sizeof n));
      EXPECT_EQ(n, 0u);
      n = 1;
      EXPECT_EQ(b.write(&n, sizeof n).n, sizeof n);
      EXPECT_EQ(play(b, n), 1001u);
      EXPECT_FALSE(b.close());
    });
    uint64_t n = 0;
    EXPECT_EQ(a.write(&n, sizeof n).n, sizeof n);
    EXPECT_EQ(play(a, n), 1000u);
    uint64_t last = 0;
    EXPECT_TRUE(this->read_full(a, &last, sizeof last));
    EXPECT_EQ(last, 1001u);
    done.wait();
    EXPECT_FALSE(a.close());
  });
}

TYPED_TEST(ConnSuite, RacyRead) {
  this->run([](Runtime&, auto& a, auto& b) {
    std::atomic<bool> stop{false};
    WaitGroup feeder, done;
    in_background(feeder, [&] {
      const std::string data = pattern(4096, 3);
      while (!stop && !b.write(data.data(), data.size()).err) yield();
    });
    for (int i = 0; i < 10; i++) {
      in_background(done, [&] {
        char mine[1024], copy[1024];
        EXPECT_FALSE(a.set_read_deadline(Clock::now() + milliseconds(1)));
        for (int k = 0; k < 100; k++) {
          const IoResult r = a.read(mine, sizeof mine);
          memcpy(copy, mine, sizeof mine);  // nobody else may write there any more
          if (r.err) {
            EXPECT_TRUE(r.err.timeout()) << r.err.message();
            EXPECT_EQ(r.n, 0u);
            EXPECT_FALSE(a.set_read_deadline(Clock::now() + milliseconds(1)));
          }
          yield();
        }
      });
    }
    done.wait();
    stop = true;
    EXPECT_FALSE(a.close());
    feeder.wait();
  });
}

TYPED_TEST(ConnSuite, RacyWrite) {
  this->run([](Runtime&, auto& a, auto& b) {
    WaitGroup sink, done;
    in_background(sink, [&] {
      char buf[4096];
      while (!b.read(buf, sizeof buf).err) {
      }
    });
    for (int i = 0; i < 10; i++) {
      in_background(done, [&] {
        char mine[1024] = {};
        EXPECT_FALSE(a.set_write_deadline(Clock::now() + milliseconds(1)));
        for (int k = 0; k < 100; k++) {
          const IoResult r = a.write(mine, sizeof mine);
          memset(mine, k, sizeof mine);  // nobody else may read there any more
          if (r.err) {
            EXPECT_TRUE(r.err.timeout()) << r.err.message();
            EXPECT_FALSE(a.set_write_deadline(Clock::now() + milliseconds(1)));
          }
          yield();
        }
      });
    }
    done.wait();
    EXPECT_FALSE(a.close());
    sink.wait();
  });
}

TYPED_TEST(ConnSuite, ReadTimeout) {
  this->run([this](Runtime&, auto& a, auto& b) {
    WaitGroup sink;
    in_background(sink, [&] {
      char buf[1024];
      while (!b.read(buf, sizeof buf).err) {
      }
    });
    EXPECT_FALSE(a.set_read_deadline(long_ago()));
    char buf[1024] = {};
    this->expect_timeout(a.read(buf, sizeof buf).err);
    EXPECT_EQ(a.write(buf, sizeof buf).n, sizeof buf);  // not its business
    EXPECT_FALSE(a.close());
    sink.wait();
  });
}

TYPED_TEST(ConnSuite, WriteTimeout) {
  this->run([this](Runtime&, auto& a, auto& b) {
    WaitGroup feeder;
    in_background(feeder, [&] {
      char buf[1024] = {};
      while (!b.write(buf, sizeof buf).err) yield();
    });
    EXPECT_FALSE(a.set_write_deadline(long_ago()));
    char buf[1024] = {};
    const IoResult w = a.write(buf, sizeof buf);
    this->expect_timeout(w.err);
    EXPECT_EQ(w.n, 0u);
    EXPECT_TRUE(this->read_full(a, buf, sizeof buf));  // not its business
    EXPECT_FALSE(a.close());
    feeder.wait();
  });
}

TYPED_TEST(ConnSuite, PastTimeout) {
  this->run([this](Runtime&, auto& a, auto& b) {
    WaitGroup other;
    in_background(other, [&] { this->echo(b); });
    this->round_trip(a);
    EXPECT_FALSE(a.set_deadline(long_ago()));
    char buf[1024] = {};
    IoResult r = a.write(buf, sizeof buf);
    EXPECT_EQ(r.n, 0u);
    this->expect_timeout(r.err);
    r = a.read(buf, sizeof buf);
    EXPECT_EQ(r.n, 0u);
    this->expect_timeout(r.err);
    this->round_trip(a);
    EXPECT_FALSE(a.close());
    other.wait();
  });
}

TYPED_TEST(ConnSuite, PresentTimeout) {
  this->run([this](Runtime& runtime, auto& a, auto& b) {
    (void)b;
    std::atomic<bool> set{false};
    WaitGroup done;
    in_background(done, [&] {
      char buf[1024];
      const Error err = a.read(buf, sizeof buf).err;
      EXPECT_TRUE(set);
      this->expect_timeout(err);
    });
    in_background(done, [&] {
      char buf[1024] = {};
      Error err;
      while (!err) err = a.write(buf, sizeof buf).err;
      EXPECT_TRUE(set);
      this->expect_timeout(err);
    });
    ASSERT_TRUE(parked(runtime, 2));
    set = true;
    EXPECT_FALSE(a.set_read_deadline(long_ago()));
    EXPECT_FALSE(a.set_write_deadline(long_ago()));
    done.wait();
  });
}

TYPED_TEST(ConnSuite, FutureTimeout) {
  this->run([this](Runtime&, auto& a, auto& b) {
    const auto due = Clock::now() + milliseconds(100);
    EXPECT_FALSE(a.set_deadline(due));
    WaitGroup done;
    in_background(done, [&] {
      char buf[1024];
      this->expect_timeout(a.read(buf, sizeof buf).err);
      EXPECT_GE(Clock::now(), due);
    });
    in_background(done, [&] {
      char buf[1024];
      memset(buf, 255, sizeof buf);
      Error err;
      while (!err) err = a.write(buf, sizeof buf).err;
      this->expect_timeout(err);
      EXPECT_GE(Clock::now(), due);
    });
    done.wait();
    WaitGroup other;
    in_background(other, [&] { this->echo(b); });
    this->resync(a);
    this->round_trip(a);
    EXPECT_FALSE(a.close());
    other.wait();
  });
}

TYPED_TEST(ConnSuite, CloseTimeout) {
  this->run([](Runtime& runtime, auto& a, auto& b) {
    (void)b;
    EXPECT_FALSE(a.set_deadline(Clock::now() + std::chrono::hours(1)));
    WaitGroup done;
    in_background(done, [&] {
      char buf[1024];
      Error err;
      while (!err) err = a.read(buf, sizeof buf).err;
      EXPECT_FALSE(err.timeout()) << err.message();
    });
    in_background(done, [&] {
      char buf[1024] = {};
      Error err;
      while (!err) err = a.write(buf, sizeof buf).err;
      EXPECT_FALSE(err.timeout()) << err.message();
    });
    ASSERT_TRUE(parked(runtime, 2));
    EXPECT_FALSE(a.close());
    done.wait();
  });
}

TYPED_TEST(ConnSuite, ConcurrentMethods) {
  this->run([this](Runtime&, auto& a, auto& b) {
    WaitGroup other, done;
    in_background(other, [&] { this->echo(b); });
    for (int i = 0; i < 100; i++) {
      in_background(done, [&] {
        char buf[1024];
        (void)a.read(buf, sizeof buf);
      });
      in_background(done, [&] {
        char buf[1024];
        memset(buf, 255, sizeof buf);
        (void)a.write(buf, sizeof buf);
      });
      in_background(done, [&] { (void)a.set_deadline(Clock::now() + milliseconds(10)); });
      in_background(done, [&] { (void)a.set_read_deadline(Clock::now() + milliseconds(10)); });
      in_background(done, [&] { (void)a.set_write_deadline(Clock::now() + milliseconds(10)); });
      if constexpr (!std::is_same_v<TypeParam, Pipe>) {
        in_background(done, [&] { (void)a.local_addr(); });
        in_background(done, [&] { (void)a.remote_addr(); });
      }
    }
    done.wait();
    this->resync(a);
    this->round_trip(a);
    EXPECT_FALSE(a.close());
    other.wait();
  });
}

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// The poller without sockets: pipes, FIFOs, devices, regular files (os/pipe_test.go, fifo_test.go,
// timeout_test.go, internal/poll/read_test.go).
#include <sys/stat.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <cstring>

#include "endpoints.h"
#include "src/scheduler.h"

namespace netpoll::testing {
namespace {

class FileTest : public WorkersTest {};

TEST_P(FileTest, ThePipesReaderSeesDataThenTheEnd) {
  run([](Runtime& runtime) {
    PipeFiles p = pipe_files();
    std::string got;
    WaitGroup done;
    in_background(done, [&] { got = read_all(p.out); });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_EQ(p.in.write("abc", 3).n, 3u);
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.in.close());  // the reader gets EPOLLHUP, and nothing else
    done.wait();
    EXPECT_EQ(got, "abc");
  });
}

TEST_P(FileTest, ThePipesWriterSeesTheReaderGoAndNoSignal) {
  ASSERT_EQ(signal(SIGPIPE, SIG_DFL), SIG_DFL);
  run([](Runtime& runtime) {
    PipeFiles p = pipe_files();
    WaitGroup done;
    in_background(done, [&] {
      // Fills the buffer and waits: the close then gives EPOLLERR, and nothing else.
      const std::string much(1 << 20, 'x');
      const IoResult r = p.in.write(much.data(), much.size());
      EXPECT_EQ(r.err.sys_errno(), EPIPE) << r.err.message();
      EXPECT_EQ(r.err.message(), "write |1: write: broken pipe");
      EXPECT_GT(r.n, 0u);
      EXPECT_LT(r.n, much.size());
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.out.close());
    done.wait();
    for (int i = 0; i < 20; i++) EXPECT_EQ(p.in.write("x", 1).err.sys_errno(), EPIPE);
    iovec part{const_cast<char*>("x"), 1};
    std::span<iovec> v(&part, 1);
    EXPECT_EQ(p.in.writev(v).err.sys_errno(), EPIPE);
    // The signal was taken back, not put off.
    sigset_t pending;
    sigpending(&pending);
    EXPECT_FALSE(sigismember(&pending, SIGPIPE));
  });
}

TEST_P(FileTest, AFifoWorksAsAPipe) {
  TempDir dir;
  const std::string path = dir.file("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  run([&](Runtime& runtime) {
    File out = File::adopt(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), path).value;
    File in = File::adopt(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), path).value;
    WaitGroup done;
    in_background(done, [&] { EXPECT_EQ(read_all(out), "hello"); });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_EQ(in.write("hello", 5).n, 5u);
    EXPECT_FALSE(in.close());
    done.wait();
  });
}

TEST_P(FileTest, CloseEndsABlockedReadAndWrite) {
  run([](Runtime& runtime) {
    PipeFiles p = pipe_files();
    WaitGroup done;
    in_background(done, [&] {
      char c;
      const Error err = p.out.read(&c, 1).err;
      EXPECT_EQ(err.code(), Errc::file_closing);
      EXPECT_EQ(err.message(), "read |0: use of closed file");
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.out.close());
    done.wait();

    PipeFiles q = pipe_files();
    in_background(done, [&] {
      const std::string much(1 << 20, 'x');
      EXPECT_EQ(q.in.write(much.data(), much.size()).err.code(), Errc::file_closing);
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(q.in.close());
    done.wait();
  });
}

TEST_P(FileTest, DeadlinesWorkOnPipes) {
  run([](Runtime&) {
    PipeFiles p = pipe_files();
    const auto start = Clock::now();
    EXPECT_FALSE(p.out.set_read_deadline(start + milliseconds(20)));
    char c;
    EXPECT_EQ(p.out.read(&c, 1).err.code(), Errc::deadline_exceeded);
    EXPECT_GE(Clock::now() - start, milliseconds(20));
    EXPECT_FALSE(p.out.set_read_deadline({}));
    EXPECT_EQ(p.in.write("x", 1).n, 1u);
    EXPECT_EQ(p.out.read(&c, 1).n, 1u);
  });
}

TEST_P(FileTest, RacyReadsAndWritesOnlyTimeOut) {
  run([](Runtime&) {
    PipeFiles p = pipe_files();
    std::atomic<bool> stop{false};
    WaitGroup feeder, done;
    in_background(feeder, [&] {
      while (!stop) {
        EXPECT_FALSE(p.in.set_write_deadline(Clock::now() + milliseconds(1)));
        const IoResult r = p.in.write("0123456789abcdef", 16);
        if (r.err) {
          EXPECT_TRUE(r.err.timeout()) << r.err.message();
        }
        yield();
      }
    });
    for (int i = 0; i < 10; i++) {
      in_background(done, [&] {
        char buf[8];
        for (int k = 0; k < 100; k++) {
          EXPECT_FALSE(p.out.set_read_deadline(Clock::now() + milliseconds(1)));
          const IoResult r = p.out.read(buf, sizeof buf);
          if (r.err) {
            EXPECT_TRUE(r.err.timeout()) << r.err.message();
            EXPECT_EQ(r.n, 0u);
          }
          for (char& c : buf) c = 'A';  // ours again
        }
      });
    }
    done.wait();
    stop = true;
    feeder.wait();
  });
}

TEST_P(FileTest, RegularFilesHaveNoDeadlinesAndWorkOtherwise) {
  TempDir dir;
  run([&](Runtime& runtime) {
    File f = File::adopt(temp_file(dir, "0123456789"), "content").value;
    EXPECT_EQ(runtime.counters().live_poll_descs, 0u);
    EXPECT_EQ(f.set_deadline(Clock::now()).code(), Errc::no_deadline);
    EXPECT_EQ(f.set_deadline({}).message(), "set content: file type does not support deadline");
    char buf[16];
    EXPECT_EQ(f.read(buf, 4).n, 4u);
    EXPECT_EQ(std::string(buf, 4), "0123");
    EXPECT_EQ(f.pread(buf, 3, 7).n, 3u);
    EXPECT_EQ(std::string(buf, 3), "789");
    EXPECT_EQ(f.pread(buf, 3, 10).err.code(), Errc::eof);
    EXPECT_EQ(f.pread(buf, 0, 10).err.code(), Errc::none);
    EXPECT_EQ(f.pwrite("ab", 2, 8).n, 2u);
    EXPECT_EQ(read_all(f), "4567ab");  // neither moved the offset
    EXPECT_EQ(f.pwrite("", 0, 0).err.code(), Errc::none);
    EXPECT_FALSE(f.close());
    EXPECT_EQ(f.pread(buf, 1, 0).err.code(), Errc::file_closing);
    EXPECT_EQ(f.pwrite(buf, 1, 0).err.code(), Errc::file_closing);
  });
}

TEST_P(FileTest, PositionalCallsOnAPipeFail) {
  run([](Runtime&) {
    PipeFiles p = pipe_files();
    char c;
    EXPECT_EQ(p.out.pread(&c, 1, 0).err.sys_errno(), ESPIPE);
    EXPECT_EQ(p.in.pwrite(&c, 1, 0).err.sys_errno(), ESPIPE);
  });
}

TEST_P(FileTest, SpecialFilesCanBeReadByManyAtOnce) {
  run([](Runtime&) {
    WaitGroup done;
    for (int i = 0; i < 4; i++) {
      in_background(done, [] {
        for (int k = 0; k < 100; k++) {
          for (const char* path : {"/dev/null", "/proc/stat", "/proc/self/stat"}) {
            auto [f, err] = File::adopt(open(path, O_RDONLY | O_CLOEXEC), path);
            EXPECT_FALSE(err) << err.message();
            Error end;
            read_all(f, &end);
            EXPECT_EQ(end.code(), Errc::eof) << end.message();
          }
        }
      });
    }
    done.wait();
  });
}

TEST_P(FileTest, EagainOfAnUnregisteredDescriptorIsReturned) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  run([&](Runtime&) {
    scheduler& s = scheduler::current("");
    poll_fd out(s, fds[0], fd_type::file);  // no init
    poll_fd in(s, fds[1], fd_type::file);
    char c = 'x';
    EXPECT_EQ(out.read(&c, 1).err.sys_errno(), EAGAIN);
    while (!in.write(&c, 1).err) {
    }
    EXPECT_EQ(in.write(&c, 1).err.sys_errno(), EAGAIN);
    EXPECT_EQ(out.set_deadline(Clock::now(), poll_modes::both).code(), Errc::no_deadline);
    EXPECT_EQ(in.close().code(), Errc::none);
    EXPECT_EQ(out.close().code(), Errc::none);
  });
}

TEST_P(FileTest, AnEventThatIsOnlyAnErrorMakesReadsNotPollable) {
  // A tun device that is not set up yet reports EPOLLERR and nothing else; its read says EBADFD.
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "/dev/net/tun cannot be opened: " << strerror(errno);
  run([fd](Runtime&) {
    File tun = File::adopt(::dup(fd), "tun").value;
    char c;
    const Error err = tun.read(&c, 1).err;
    EXPECT_TRUE(err.code() == Errc::not_pollable || err.sys_errno() == EBADFD) << err.message();
  });
  ::close(fd);
}

TEST_P(FileTest, NonBlockingModeStaysWithAdopt) {
  run([](Runtime&) {
    PipeFiles p = pipe_files();
    int flags = 0;
    EXPECT_FALSE(p.out.raw_control([&](int fd) { flags = fcntl(fd, F_GETFL); }));
    EXPECT_TRUE(flags & O_NONBLOCK);
    EXPECT_FALSE(p.out.set_blocking());
    EXPECT_FALSE(p.out.raw_control([&](int fd) { flags = fcntl(fd, F_GETFL); }));
    EXPECT_FALSE(flags & O_NONBLOCK);
  });
}

TEST_P(FileTest, SetBlockingDoesNotWaitForABlockedRead) {
  run([](Runtime& runtime) {
    PipeFiles p = pipe_files();
    WaitGroup done;
    in_background(done, [&] {
      char c;
      EXPECT_EQ(p.out.read(&c, 1).n, 1u);
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.out.set_blocking());
    EXPECT_EQ(p.in.write("x", 1).n, 1u);
    done.wait();
  });
}

TEST(FileBlockingTest, CloseDoesNotWaitForAReadThatBlocksInTheKernel) {
  Runtime runtime(with_workers(2));
  runtime.run([] {
    PipeFiles p = pipe_files();
    EXPECT_FALSE(p.out.set_blocking());
    std::atomic<bool> reading{false};
    WaitGroup done;
    in_background(done, [&] {
      reading = true;
      char c;
      const IoResult r = p.out.read(&c, 1);  // blocks its worker, unless close came first
      EXPECT_TRUE(r.n == 1 || r.err.code() == Errc::file_closing) << r.err.message();
    });
    ASSERT_TRUE(eventually([&] { return reading.load(); }));
    // Wherever the read is: close returns, though only the write below ends the read.
    EXPECT_FALSE(p.out.close());
    (void)p.in.write("x", 1);
    done.wait();
  });
}

TEST_P(FileTest, RawAccessWaitsAndObeysDeadlines) {
  run([](Runtime& runtime) {
    PipeFiles p = pipe_files();
    WaitGroup done;
    int calls = 0;
    char c = 0;
    in_background(done, [&] {
      EXPECT_FALSE(p.out.raw_read([&](int fd) {
        calls++;
        return ::read(fd, &c, 1) == 1;
      }));
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(p.in.raw_write([&](int fd) { return ::write(fd, "y", 1) == 1; }));
    done.wait();
    EXPECT_EQ(c, 'y');
    EXPECT_EQ(calls, 2);

    EXPECT_FALSE(p.out.set_deadline(Clock::now() - milliseconds(1)));
    EXPECT_FALSE(p.in.set_deadline(Clock::now() - milliseconds(1)));
    const auto never = [](int) -> bool {
      ADD_FAILURE() << "called after the deadline";
      return true;
    };
    const Error err = p.out.raw_read(never);
    EXPECT_EQ(err.code(), Errc::deadline_exceeded);
    EXPECT_EQ(err.message(), "raw-read |0: i/o timeout");
    EXPECT_EQ(p.in.raw_write(never).code(), Errc::deadline_exceeded);
    EXPECT_FALSE(p.out.raw_control([](int) {}));
    EXPECT_FALSE(p.out.close());
    EXPECT_EQ(p.out.raw_control([](int) { ADD_FAILURE(); }).code(), Errc::file_closing);
  });
}

TEST_P(FileTest, RawAccessToARegularFileDoesNotSpin) {
  TempDir dir;
  run([&](Runtime&) {
    File f = File::adopt(temp_file(dir, "x"), "content").value;
    char c;
    EXPECT_FALSE(f.raw_read([&](int fd) { return ::read(fd, &c, 1) == 1; }));
    int calls = 0;
    const auto never_done = [&](int) { return ++calls > 1; };
    EXPECT_EQ(f.raw_read(never_done).code(), Errc::cannot_wait);
    calls = 0;
    EXPECT_EQ(f.raw_write(never_done).message(),
              "raw-write content: waiting for unsupported file type");
    EXPECT_EQ(calls, 1);
  });
}

TEST_P(FileTest, ARawReadBetweenReadsLosesNoData) {
  // The first read is short, so the next one may wait before it reads; but the raw read leaves data
  // behind, for which no further edge will come.
  run([](Runtime&) {
    Pair p = connected_pair();
    char buf[64];
    EXPECT_EQ(p.client.write("ab", 2).n, 2u);
    for (size_t have = 0; have < 2;) have += p.server.read(buf, sizeof buf).n;
    EXPECT_EQ(p.client.write("cdef", 4).n, 4u);
    EXPECT_FALSE(p.server.raw_read([&](int fd) { return ::read(fd, buf, 1) == 1; }));
    EXPECT_FALSE(p.server.set_read_deadline(Clock::now() + std::chrono::seconds(10)));
    EXPECT_EQ(read_exactly(p.server, 3), "def");
  });
}

void on_signal(int) {}

TEST_P(FileTest, SignalsWithoutRestartDoNotSurface) {
  // testprogcgo's EINTR: a signal every 100 us, whose handler was installed without SA_RESTART.
  struct sigaction action {
  }, before{};
  action.sa_handler = on_signal;
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  itimerval often{{0, 100}, {0, 100}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &often, nullptr), 0);
  run([](Runtime&) {
    const std::string content = pattern(1 << 20, 4);
    WaitGroup done;
    for (int i = 0; i < 3; i++) {
      PipeFiles pipe = pipe_files();
      Pair tcp = connected_pair();
      in_background(done, [&content, p = pipe, t = tcp]() mutable {
        const CopyResult r = copy(t.client, p.out);
        EXPECT_FALSE(r.err) << r.err.message();
        EXPECT_EQ(r.n, content.size());
        EXPECT_FALSE(t.client.close());
      });
      in_background(done, [&content, p = pipe]() mutable {
        const IoResult r = p.in.write(content.data(), content.size());
        EXPECT_FALSE(r.err) << r.err.message();
        EXPECT_FALSE(p.in.close());
      });
      in_background(done,
                    [&content, t = tcp]() mutable { EXPECT_TRUE(read_all(t.server) == content); });
    }
    done.wait();
  });
  itimerval off{};
  ASSERT_EQ(setitimer(ITIMER_REAL, &off, nullptr), 0);
  ASSERT_EQ(sigaction(SIGALRM, &before, nullptr), 0);
}

TEST_P(FileTest, ATerminalIsCopiedWithoutSpinning) {
  run([](Runtime& runtime) {
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(master, 0);
    ASSERT_EQ(grantpt(master), 0);
    ASSERT_EQ(unlockpt(master), 0);
    char name[64];
    ASSERT_EQ(ptsname_r(master, name, sizeof name), 0);
    File tty = File::adopt(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), name).value;
    Pair p = connected_pair();
    WaitGroup done;
    in_background(done, [&] {
      const CopyResult r = copy(p.client, tty, 4);
      EXPECT_FALSE(r.err) << r.err.message();
      EXPECT_EQ(r.n, 4u);
    });
    ASSERT_TRUE(parked(runtime, 1));
    ASSERT_EQ(::write(master, "abc\n", 4), 4);
    EXPECT_EQ(read_exactly(p.server, 4), "abc\n");
    done.wait();
    ::close(master);
  });
}

TEST_P(FileTest, DupOutlivesTheOriginalAndRacesWithClose) {
  run([](Runtime&) {
    for (int i = 0; i < 100; i++) {
      PipeFiles p = pipe_files();
      WaitGroup done;
      in_background(done, [&] {
        const auto [fd, err] = p.out.dup();
        if (err) {
          EXPECT_EQ(err.code(), Errc::file_closing);
        } else {
          EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
          EXPECT_EQ(::close(fd), 0);
        }
      });
      if (i % 2) yield();
      EXPECT_FALSE(p.out.close());
      done.wait();
    }
  });
}

NETPOLL_FOR_WORKERS(FileTest);

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// The in-memory pipe beyond what every connection must do (net/pipe_test.go).
#include "netpoll/pipe.h"

#include <atomic>

#include "endpoints.h"

namespace netpoll::testing {
namespace {

class PipeTest : public WorkersTest {};

TEST_P(PipeTest, AWriteWaitsUntilAllOfItIsRead) {
  run([](Runtime& runtime) {
    auto [a, b] = pipe().value;
    std::atomic<bool> written{false};
    WaitGroup done;
    in_background(done, [&, a = a]() mutable {
      EXPECT_EQ(a.write("abcd", 4).n, 4u);
      written = true;
    });
    char buf[3];
    EXPECT_EQ(b.read(buf, 0).n, 0u);
    EXPECT_EQ(b.read(buf, 3).n, 3u);
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(written);
    EXPECT_EQ(b.read(buf, 3).n, 1u);
    done.wait();
    in_background(done, [&, a = a]() mutable { EXPECT_EQ(a.write("", 0).n, 0u); });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_EQ(b.read(buf, 3).n, 0u);
    done.wait();
  });
}

TEST_P(PipeTest, ClosedEndsAnswerAsGosDo) {
  run([](Runtime& runtime) {
    char buf[4];
    auto [a, b] = pipe().value;
    EXPECT_FALSE(a.close());
    EXPECT_FALSE(a.close());
    EXPECT_EQ(a.read(buf, 1).err.code(), Errc::closed_pipe);
    EXPECT_EQ(a.write(buf, 1).err.message(), "io: read/write on closed pipe");
    EXPECT_EQ(b.read(buf, 1).err.code(), Errc::eof);
    EXPECT_EQ(b.write(buf, 1).err.code(), Errc::closed_pipe);
    EXPECT_EQ(a.set_deadline({}).code(), Errc::closed_pipe);
    EXPECT_EQ(b.set_deadline({}).code(), Errc::closed_pipe);

    auto [c, d] = pipe().value;
    WaitGroup done;
    in_background(done, [&, c = c]() mutable {
      const IoResult r = c.write("abcd", 4);  // half read when the reader goes
      EXPECT_EQ(r.n, 2u);
      EXPECT_EQ(r.err.code(), Errc::closed_pipe);
    });
    EXPECT_EQ(d.read(buf, 2).n, 2u);
    ASSERT_TRUE(parked(runtime, 1));
    d = {};  // the last handle
    done.wait();
    EXPECT_EQ(c.read(buf, 1).err.code(), Errc::eof);

    auto [e, f] = pipe().value;
    EXPECT_FALSE(e.set_write_deadline(Clock::now() + milliseconds(10)));
    EXPECT_EQ(e.write("x", 1).err.message(), "write pipe: i/o timeout");
    EXPECT_FALSE(f.set_read_deadline(Clock::now() - milliseconds(10)));
    EXPECT_EQ(f.read(buf, 1).err.message(), "read pipe: i/o timeout");
    PipeConn none;
    EXPECT_EQ(none.read(buf, 1).err.sys_errno(), EINVAL);
  });
}

TEST_P(PipeTest, WhoWaitsWithADeadlineIsNotDeadlocked) {
  run([](Runtime&) {
    auto [a, b] = pipe().value;
    EXPECT_FALSE(a.set_read_deadline(Clock::now() + milliseconds(20)));
    char c;
    EXPECT_EQ(a.read(&c, 1).err.code(), Errc::deadline_exceeded);
  });
}

TEST_P(PipeTest, TooFewPollDescsIsAnError) {
  RuntimeOptions options = with_workers(GetParam());
  options.poll_descs_max = 3;
  Runtime runtime(options);
  runtime.run([] {
    auto first = pipe();
    EXPECT_FALSE(first.err);
    EXPECT_EQ(pipe().err.sys_errno(), ENOMEM);
    first = {};
    EXPECT_FALSE(pipe().err);
  });
  EXPECT_EQ(runtime.counters().live_poll_descs, 0u);
}

NETPOLL_FOR_WORKERS(PipeTest);

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// The park protocol, slot by slot. A scheduler that does not run is enough for whatever does not
// park.
#include "src/poll_desc.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "src/clock.h"
#include "src/scheduler.h"
#include "support.h"

namespace netpoll::testing {
namespace {

constexpr int64_t hour = 3'600'000'000'000;

class PollDescTest : public ::testing::Test {
 protected:
  PollDescTest() : s_(with_workers(1)), fd_(eventfd(0, EFD_NONBLOCK)) {
    int err = 0;
    pd_ = poll_open(s_, fd_, &err);
    EXPECT_EQ(err, 0);
  }
  ~PollDescTest() override {
    if (pd_) close_pd();
    close(fd_);
  }
  void close_pd() {
    if (!pd_->closing) poll_unblock(*pd_);
    poll_close(pd_);
    pd_ = nullptr;
  }
  void trigger() { ASSERT_EQ(eventfd_write(fd_, 1), 0); }
  g* as_waiting(g* gp) {
    gp->sched = &s_;
    gp->status = g_status::waiting;
    return gp;
  }

  scheduler s_;
  int fd_;
  poll_desc* pd_;
};

TEST_F(PollDescTest, UnblockFollowsTheTable) {
  g goroutine;
  const uintptr_t address = reinterpret_cast<uintptr_t>(&goroutine);
  const struct {
    uintptr_t from;
    bool io_ready;
    uintptr_t to;
    bool returns_g;
  } table[] = {
      {pd_nil, true, pd_ready, false},   {pd_nil, false, pd_nil, false},
      {pd_ready, true, pd_ready, false}, {pd_ready, false, pd_ready, false},
      {pd_wait, true, pd_ready, false},  {pd_wait, false, pd_nil, false},
      {address, true, pd_ready, true},   {address, false, pd_nil, true},
  };
  for (poll_mode mode : {poll_mode::read, poll_mode::write}) {
    for (const auto& row : table) {
      pd_->slot(mode).store(row.from);
      int32_t delta = 0;
      g* gp = netpoll_unblock(*pd_, mode, row.io_ready, &delta);
      EXPECT_EQ(pd_->slot(mode).load(), row.to) << row.from << row.io_ready;
      EXPECT_EQ(gp, row.returns_g ? &goroutine : nullptr);
      EXPECT_EQ(delta, row.returns_g ? -1 : 0);
    }
    pd_->slot(mode).store(pd_nil);
  }
}

TEST_F(PollDescTest, BlockConsumesPendingReadinessWithoutParking) {
  pd_->rg.store(pd_ready);
  EXPECT_TRUE(netpoll_block(*pd_, poll_mode::read));
  EXPECT_EQ(pd_->rg.load(), pd_nil);
}

TEST_F(PollDescTest, BlockLooksAgainAfterStoringWait) {
  // Closed after poll_wait's first check, before WAIT: only the second look can see it. Here there
  // is no goroutine, so a park would abort.
  poll_unblock(*pd_);
  EXPECT_FALSE(netpoll_block(*pd_, poll_mode::read));
  EXPECT_EQ(pd_->rg.load(), pd_nil);
}

TEST_F(PollDescTest, ReadyFillsTheListWriterFirst) {
  g reader;
  g writer;
  pd_->rg.store(reinterpret_cast<uintptr_t>(as_waiting(&reader)));
  pd_->wg.store(reinterpret_cast<uintptr_t>(as_waiting(&writer)));
  g_list list;
  EXPECT_EQ(netpoll_ready(list, *pd_, true, true), -2);
  EXPECT_EQ(list.pop_front(), &writer);
  EXPECT_EQ(list.pop_front(), &reader);
  EXPECT_TRUE(list.empty());
}

TEST_F(PollDescTest, ResetForgetsReadinessButNotErrors) {
  pd_->rg.store(pd_ready);
  EXPECT_EQ(poll_reset(*pd_, poll_mode::read), poll_result::ok);
  EXPECT_EQ(pd_->rg.load(), pd_nil);
  poll_set_deadline(*pd_, -5, poll_modes::read);
  pd_->rg.store(pd_ready);
  EXPECT_EQ(poll_reset(*pd_, poll_mode::read), poll_result::timeout);
  EXPECT_EQ(pd_->rg.load(), pd_ready);
  EXPECT_EQ(poll_reset(*pd_, poll_mode::write), poll_result::ok);
}

TEST_F(PollDescTest, ErrorsHavePrecedenceClosingTimeoutNotPollable) {
  pd_->note_event(EPOLLERR, pd_->fdseq.load());
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::not_pollable);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::write), poll_result::ok);
  poll_set_deadline(*pd_, -1, poll_modes::both);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::timeout);
  poll_unblock(*pd_);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::closing);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::write), poll_result::closing);
}

TEST_F(PollDescTest, AnEventWithMoreThanErrorIsPollable) {
  pd_->note_event(EPOLLERR, pd_->fdseq.load());
  pd_->note_event(EPOLLERR | EPOLLIN, pd_->fdseq.load());
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::ok);
}

TEST_F(PollDescTest, EventsOfAnotherGenerationLeaveNoTrace) {
  const uint32_t before = pd_->atomic_info.load();
  pd_->note_event(EPOLLERR | EPOLLRDHUP, pd_->fdseq.load() + 1);
  EXPECT_EQ(pd_->atomic_info.load(), before);
}

TEST_F(PollDescTest, EndOfStreamMakesShortReadsInconclusiveForThisGenerationOnly) {
  EXPECT_TRUE(pd_->short_read_drains());
  pd_->note_event(EPOLLIN | EPOLLRDHUP, pd_->fdseq.load());
  EXPECT_FALSE(pd_->short_read_drains());
  pd_->note_event(EPOLLIN | EPOLLOUT, pd_->fdseq.load());
  EXPECT_FALSE(pd_->short_read_drains());
  close_pd();
  int err = 0;
  pd_ = poll_open(s_, fd_, &err);
  EXPECT_TRUE(pd_->short_read_drains());
}

TEST_F(PollDescTest, PollAppliesAnEventToTheGenerationItWasMadeFor) {
  trigger();
  EXPECT_TRUE(s_.poller().poll(s_.polls(), 0).list.empty());
  EXPECT_EQ(pd_->rg.load(), pd_ready);
  EXPECT_EQ(pd_->wg.load(), pd_ready);

  pd_->rg.store(pd_nil);
  pd_->wg.store(pd_nil);
  pd_->next_generation();  // as if freed after epoll_wait had taken the event
  trigger();
  EXPECT_TRUE(s_.poller().poll(s_.polls(), 0).list.empty());
  EXPECT_EQ(pd_->rg.load(), pd_nil);
  EXPECT_EQ(pd_->wg.load(), pd_nil);
}

TEST_F(PollDescTest, NothingFreedDuringABatchIsReusedBeforeItEnds) {
  poll_desc* const first = pd_;
  const uint32_t generation = first->fdseq.load();
  int err = 0;
  {
    poll_batch batch(s_.polls());
    close_pd();
    EXPECT_EQ(first->fdseq.load(), generation + 1);
    pd_ = poll_open(s_, fd_, &err);
    EXPECT_NE(pd_, first);
    close_pd();
  }
  poll_desc* a = s_.polls().alloc();
  poll_desc* b = s_.polls().alloc();
  EXPECT_TRUE(a == first || b == first);
  s_.polls().free(a);
  s_.polls().free(b);
}

TEST_F(PollDescTest, ThePollDescOfAFailedOpenIsFreedOnce) {
  const uint32_t live = s_.polls().live();
  int err = 0;
  EXPECT_EQ(poll_open(s_, fd_, &err), nullptr);  // registered already
  EXPECT_EQ(err, EEXIST);
  EXPECT_EQ(s_.polls().live(), live);
  const int file = open("/proc/self/exe", 0);
  EXPECT_EQ(poll_open(s_, file, &err), nullptr);
  EXPECT_EQ(err, EPERM);
  close(file);
  EXPECT_EQ(s_.polls().live(), live);
}

TEST_F(PollDescTest, ExhaustionIsAnErrorNotACrash) {
  RuntimeOptions options = with_workers(1);
  options.poll_descs_max = 1;
  scheduler small(options);
  poll_desc* only = small.polls().alloc();
  int err = 0;
  EXPECT_EQ(poll_open(small, fd_, &err), nullptr);
  EXPECT_EQ(err, ENOMEM);
  small.polls().free(only);
}

TEST_F(PollDescTest, EqualDeadlinesShareOneTimerUntilTheyPart) {
  const auto timers = [&] { return s_.counters().armed_timers; };
  poll_set_deadline(*pd_, hour, poll_modes::both);
  EXPECT_EQ(timers(), 1u);
  poll_set_deadline(*pd_, 2 * hour, poll_modes::write);
  EXPECT_EQ(timers(), 2u);
  poll_set_deadline(*pd_, hour, poll_modes::both);
  EXPECT_EQ(timers(), 1u);
  poll_set_deadline(*pd_, 0, poll_modes::read);
  EXPECT_EQ(timers(), 1u);  // the write deadline's own now
  poll_set_deadline(*pd_, 0, poll_modes::write);
  EXPECT_EQ(timers(), 0u);
  poll_set_deadline(*pd_, INT64_MAX, poll_modes::read);  // no overflow into the past
  EXPECT_EQ(timers(), 1u);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::ok);
  poll_unblock(*pd_);
  EXPECT_EQ(timers(), 0u);
}

TEST_F(PollDescTest, ALateCallbackOfAMovedDeadlineDoesNothing) {
  poll_set_deadline(*pd_, hour, poll_modes::read);
  const timer::callback fn = pd_->rt.fn;
  const uint64_t seq = pd_->rt.seq;
  poll_set_deadline(*pd_, 2 * hour, poll_modes::read);
  fn(pd_, seq);  // had been taken out of the heap before the change
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::ok);
  fn(pd_, pd_->rt.seq);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::timeout);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::write), poll_result::ok);
}

TEST_F(PollDescTest, ALateCallbackFromBeforeCloseDoesNotReachTheNextUser) {
  poll_set_deadline(*pd_, hour, poll_modes::both);
  const timer::callback fn = pd_->rt.fn;
  const uint64_t seq = pd_->rt.seq;
  poll_desc* const first = pd_;
  close_pd();
  int err = 0;
  pd_ = poll_open(s_, fd_, &err);
  ASSERT_EQ(pd_, first);
  poll_set_deadline(*pd_, hour, poll_modes::both);
  fn(pd_, seq);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::read), poll_result::ok);
  EXPECT_EQ(netpoll_check_err(*pd_, poll_mode::write), poll_result::ok);
}

TEST_F(PollDescTest, TheRegionShowsTheSlots) {
  const PollDescRegion r = s_.polls().region();
  const uintptr_t slot = r.base + pd_->index * r.stride;
  pd_->rg.store(pd_ready);
  EXPECT_EQ(*reinterpret_cast<uintptr_t*>(slot + r.rg_offset), pd_ready);
  EXPECT_EQ(*reinterpret_cast<uintptr_t*>(slot + r.wg_offset), pd_nil);
}

TEST(NetpollerTest, AWakeEndsTheNextBlockingPollOnly) {
  scheduler s(with_workers(1));
  s.poller().wake();
  s.poller().wake();  // coalesced
  // A poll that does not block leaves the wake for the one that does.
  EXPECT_TRUE(s.poller().poll(s.polls(), 0).list.empty());
  EXPECT_TRUE(s.poller().poll(s.polls(), -1).list.empty());  // would hang
  const auto start = Clock::now();
  EXPECT_TRUE(s.poller().poll(s.polls(), 20'000'000).list.empty());
  EXPECT_GE(Clock::now() - start, milliseconds(20));  // the wake was consumed
  s.poller().wake();                                  // and the next one is not swallowed
  EXPECT_TRUE(s.poller().poll(s.polls(), -1).list.empty());
}

class PollDescDeathTest : public PollDescTest {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(PollDescDeathTest, ImpossibleStatesAbort) {
  EXPECT_DEATH(poll_close(pd_), "close polldesc w/o unblock");
  EXPECT_DEATH(
      {
        poll_unblock(*pd_);
        poll_unblock(*pd_);
      },
      "unblock on closing polldesc");
  EXPECT_DEATH(
      {
        pd_->rg.store(pd_wait);
        netpoll_block(*pd_, poll_mode::read);
      },
      "double wait");
  EXPECT_DEATH(
      {
        poll_unblock(*pd_);
        pd_->wg.store(pd_wait);
        poll_close(pd_);
      },
      "blocked write on closing polldesc");
  EXPECT_DEATH(
      {
        poll_set_deadline(*pd_, hour, poll_modes::read);
        pd_->rd = 0;
        pd_->rt.fn(pd_, pd_->rseq);
      },
      "inconsistent read deadline");
}

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
//
// epoll_wait: level, edge, one shot, order, batches, nesting.
// epoll(7), epoll_ctl(2), epoll_wait(2); in the kernel ep_send_events, ep_poll_callback, ep_insert,
// ep_modify, ep_done_scan.
#include <thread>
#include <vector>

#include "toolbox.h"

namespace conformance {
namespace {

CONFORMANCE(Epoll, LevelRepeats) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN, 7);
  FACT(epoll.wait(), Events("7:IN"));
  FACT(epoll.wait(), Events("7:IN"));
  take_from(counter);
  FACT(epoll.wait(), NoEvents());
  add_to(counter, 1);
  FACT(epoll.wait(), Events("7:IN"));
}

CONFORMANCE(Epoll, EdgeDoesNotRepeat) {
  Fd counter = event_fd(0);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  FACT(epoll.wait(), NoEvents());
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Epoll, EdgeWithoutReading) {
  // Each write wakes, although the counter was readable all the time.
  Fd counter = event_fd(0);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN"));
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Epoll, EdgesMergeUntilHarvested) {
  Fd counter = event_fd(0);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  add_to(counter, 1);
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Epoll, ReadyOnAddIsReportedOnce) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Epoll, VanishedReadinessIsNotReported) {
  Fd counter = event_fd(0);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  add_to(counter, 1);
  take_from(counter);
  FACT(epoll.wait(), NoEvents());
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN"));
}

CONFORMANCE(Epoll, TheMaskIsPolledNotTheEdge) {
  Fd counter = event_fd(0);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLOUT | EPOLLET);
  FACT(epoll.wait(), Events("OUT"));
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN|OUT"));
}

CONFORMANCE(Epoll, OnlyWhatWasAskedFor) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLOUT);
  FACT(epoll.wait(), Events("OUT"));
  epoll.modify(counter, EPOLLIN);
  FACT(epoll.wait(), Events("IN"));
  epoll.modify(counter, EPOLLPRI);
  FACT(epoll.wait(), NoEvents());
}

// --- MOD: ep_modify polls the file and queues the item when something holds.

CONFORMANCE(Epoll, ModifyRearmsAnEdge) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET, 1);
  FACT(epoll.wait(), Events("1:IN"));
  FACT(epoll.modify(counter, EPOLLIN | EPOLLET, 2), Succeeds(0));
  FACT(epoll.wait(), Events("2:IN"));
  FACT(epoll.wait(), NoEvents());
  epoll.modify(counter, EPOLLIN | EPOLLET, 2);
  FACT(epoll.wait(), Events("2:IN"));
}

CONFORMANCE(Epoll, ModifyChangesWhatIsQueued) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN, 1);
  epoll.modify(counter, EPOLLIN, 9);
  FACT(epoll.wait(), Events("9:IN"));
  epoll.modify(counter, EPOLLOUT, 10);
  FACT(epoll.wait(), Events("10:OUT"));
}

CONFORMANCE(Epoll, ModifyOfTheUnready) {
  Fd counter = event_fd(0);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  epoll.modify(counter, EPOLLIN | EPOLLET);
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Epoll, DeleteTakesTheQueuedEventAway) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  FACT(epoll.remove(counter), Succeeds(0));
  FACT(epoll.wait(), NoEvents());
  FACT(epoll.add(counter, EPOLLIN | EPOLLET), Succeeds(0));
  FACT(epoll.wait(), Events("IN"));
}

// --- ONESHOT.

CONFORMANCE(Epoll, OneShot) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLONESHOT);
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
  add_to(counter, 1);
  FACT(epoll.wait(), NoEvents());
  FACT(epoll.add(counter, EPOLLIN), FailsWith(EEXIST));
  FACT(epoll.modify(counter, EPOLLIN | EPOLLONESHOT), Succeeds(0));
  FACT(epoll.wait(), Events("IN"));
  FACT(epoll.wait(), NoEvents());
}

CONFORMANCE(Epoll, OneShotWithEdge) {
  Fd counter = event_fd(0);
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLONESHOT | EPOLLET);
  FACT(epoll.wait(), NoEvents());
  add_to(counter, 1);
  FACT(epoll.wait(), Events("IN"));
  add_to(counter, 1);
  FACT(epoll.wait(), NoEvents());
  epoll.modify(counter, EPOLLIN | EPOLLONESHOT | EPOLLET);
  FACT(epoll.wait(), Events("IN"));
}

CONFORMANCE(Epoll, OneShotIsDeafToHangUp) {
  // The mask of a disabled item is only EP_PRIVATE_BITS, so not even ERR and HUP pass.
  Pipe pipe;
  Epoll epoll;
  epoll.add(pipe.writer, EPOLLOUT | EPOLLONESHOT);
  FACT(epoll.wait(), Events("OUT"));
  pipe.reader.close();
  FACT(epoll.wait(), NoEvents());
  epoll.modify(pipe.writer, EPOLLOUT | EPOLLONESHOT);
  FACT(epoll.wait(), Events("OUT|ERR"));
}

CONFORMANCE(Epoll, NoEventsAskedForStillHangsUp) {
  Pipe pipe;
  Epoll epoll;
  FACT(epoll.add(pipe.reader, 0), Succeeds(0));
  char byte = 'x';
  must(write(pipe.writer, &byte, 1), "write");
  FACT(epoll.wait(), NoEvents());
  pipe.writer.close();
  FACT(epoll.wait(), Events("HUP"));
  FACT(epoll.wait(), Events("HUP"));
}

// --- Order and batches.

CONFORMANCE(Epoll, OrderOfReadiness) {
  Fd a = event_fd(), b = event_fd(), c = event_fd();
  Epoll epoll;
  epoll.add(a, EPOLLIN, 1);
  epoll.add(b, EPOLLIN, 2);
  epoll.add(c, EPOLLIN, 3);
  add_to(c, 1);
  add_to(a, 1);
  add_to(b, 1);
  FACT(epoll.wait(), Events("3:IN 1:IN 2:IN"));
  FACT(epoll.wait(), Events("3:IN 1:IN 2:IN"));
}

CONFORMANCE(Epoll, SmallBatchesGoAround) {
  // Level-triggered items go to the tail after they were reported (ep_send_events).
  Fd a = event_fd(), b = event_fd(), c = event_fd();
  Epoll epoll;
  epoll.add(a, EPOLLIN, 1);
  epoll.add(b, EPOLLIN, 2);
  epoll.add(c, EPOLLIN, 3);
  add_to(c, 1);
  add_to(a, 1);
  add_to(b, 1);
  FACT(epoll.wait(0, 1), Events("3:IN"));
  FACT(epoll.wait(0, 1), Events("1:IN"));
  FACT(epoll.wait(0, 1), Events("2:IN"));
  FACT(epoll.wait(0, 1), Events("3:IN"));
  FACT(epoll.wait(0, 2), Events("1:IN 2:IN"));
  FACT(epoll.wait(0, 2), Events("3:IN 1:IN"));
}

CONFORMANCE(Epoll, EdgesThatDidNotFitComeNext) {
  Fd a = event_fd(1), b = event_fd(1), c = event_fd(1);
  Epoll epoll;
  epoll.add(a, EPOLLIN | EPOLLET, 1);
  epoll.add(b, EPOLLIN | EPOLLET, 2);
  epoll.add(c, EPOLLIN | EPOLLET, 3);
  FACT(epoll.wait(0, 2), Events("1:IN 2:IN"));
  add_to(a, 1);
  FACT(epoll.wait(0, 2), Events("3:IN 1:IN"));
  FACT(epoll.wait(0, 2), NoEvents());
}

CONFORMANCE(Epoll, SecondEdgeKeepsThePlace) {
  Fd a = event_fd(), b = event_fd();
  Epoll epoll;
  epoll.add(a, EPOLLIN | EPOLLET, 1);
  epoll.add(b, EPOLLIN | EPOLLET, 2);
  add_to(a, 1);
  add_to(b, 1);
  add_to(a, 1);
  FACT(epoll.wait(), Events("1:IN 2:IN"));
}

// --- Time.

CONFORMANCE(Epoll, TimeoutIsNeverEarly) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN);
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(epoll.wait(25), NoEvents());
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 25'000'000, Holds());
  before = now_ns(CLOCK_MONOTONIC);
  add_to(counter, 1);
  FACT(epoll.wait(10'000), Events("IN"));
  FACT(now_ns(CLOCK_MONOTONIC) - before < 5'000'000'000, Holds());
  FACT(epoll.wait(-1), Events("IN"));
}

CONFORMANCE(Epoll, WaitWithoutItems) {
  Epoll epoll;
  int64_t before = now_ns(CLOCK_MONOTONIC);
  FACT(epoll.wait(10), NoEvents());
  FACT(now_ns(CLOCK_MONOTONIC) - before >= 10'000'000, Holds());
}

// --- An epoll set is itself a file that can be polled: ep_eventpoll_poll.

CONFORMANCE(Epoll, SetIsPollable) {
  Fd counter = event_fd();
  Epoll epoll;
  FACT(ready(epoll), Mask("0"));
  epoll.add(counter, EPOLLIN);
  FACT(ready(epoll), Mask("0"));
  add_to(counter, 1);
  FACT(ready(epoll), Mask("IN"));
  FACT(epoll.wait(), Events("IN"));
  FACT(ready(epoll), Mask("IN"));
  take_from(counter);
  FACT(ready(epoll), Mask("0"));
}

CONFORMANCE(Epoll, NestedLevel) {
  Fd counter = event_fd();
  Epoll inner, outer;
  inner.add(counter, EPOLLIN, 1);
  FACT(outer.add(inner, EPOLLIN, 2), Succeeds(0));
  FACT(outer.wait(), NoEvents());
  add_to(counter, 1);
  FACT(outer.wait(), Events("2:IN"));
  FACT(inner.wait(), Events("1:IN"));
  FACT(outer.wait(), Events("2:IN"));
  take_from(counter);
  FACT(outer.wait(), NoEvents());
}

CONFORMANCE(Epoll, NestedEdge) {
  Fd counter = event_fd();
  Epoll inner, outer;
  inner.add(counter, EPOLLIN, 1);
  outer.add(inner, EPOLLIN | EPOLLET, 2);
  add_to(counter, 1);
  FACT(outer.wait(), Events("2:IN"));
  FACT(outer.wait(), NoEvents());
  FACT(inner.wait(), Events("1:IN"));
  add_to(counter, 1);
  FACT(outer.wait(), Events("2:IN"));
}

CONFORMANCE(Epoll, NestedInnerEdgeIsUsedUp) {
  Fd counter = event_fd();
  Epoll inner, outer;
  inner.add(counter, EPOLLIN | EPOLLET, 1);
  outer.add(inner, EPOLLIN, 2);
  add_to(counter, 1);
  FACT(outer.wait(), Events("2:IN"));
  FACT(inner.wait(), Events("1:IN"));
  FACT(outer.wait(), NoEvents());
}

CONFORMANCE(Epoll, NestedReadyBeforeAdd) {
  Fd counter = event_fd(1);
  Epoll inner, outer;
  inner.add(counter, EPOLLIN, 1);
  outer.add(inner, EPOLLIN, 2);
  FACT(outer.wait(), Events("2:IN"));
}

// --- A wait that is under way.

CONFORMANCE(Epoll, BlockedWaitIsWokenByAWrite) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN, 3);
  EventList seen{};
  std::thread waiter([&] { seen = epoll.wait(10'000); });
  settle();
  add_to(counter, 1);
  waiter.join();
  FACT(seen, Events("3:IN"));
}

CONFORMANCE(Epoll, BlockedWaitIsWokenByAdd) {
  Fd counter = event_fd(1);
  Epoll epoll;
  EventList seen{};
  std::thread waiter([&] { seen = epoll.wait(10'000); });
  settle();
  FACT(epoll.add(counter, EPOLLIN, 4), Succeeds(0));
  waiter.join();
  FACT(seen, Events("4:IN"));
}

CONFORMANCE(Epoll, BlockedWaitIsWokenByModify) {
  Fd counter = event_fd(1);
  Epoll epoll;
  epoll.add(counter, 0);
  EventList seen{};
  std::thread waiter([&] { seen = epoll.wait(10'000); });
  settle();
  FACT(epoll.modify(counter, EPOLLIN, 5), Succeeds(0));
  waiter.join();
  FACT(seen, Events("5:IN"));
}

CONFORMANCE(Epoll, OneEdgeWakesOneWaiter) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN | EPOLLET);
  std::vector<EventList> seen(3);
  std::vector<std::thread> waiters;
  for (EventList& list : seen) {
    waiters.emplace_back([&] { list = epoll.wait(150); });
  }
  settle();
  add_to(counter, 1);
  for (std::thread& waiter : waiters) waiter.join();
  size_t events = 0;
  for (const EventList& list : seen) events += list.events.size();
  FACT(events, Succeeds(1));
}

CONFORMANCE(Epoll, AnUnreadLevelWakesEveryWaiter) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN);
  std::vector<EventList> seen(3);
  std::vector<std::thread> waiters;
  for (EventList& list : seen) {
    waiters.emplace_back([&] { list = epoll.wait(10'000); });
  }
  settle();
  add_to(counter, 1);
  for (std::thread& waiter : waiters) waiter.join();
  size_t events = 0;
  for (const EventList& list : seen) events += list.events.size();
  FACT(events, Succeeds(3));
}

CONFORMANCE(Epoll, ClosingTheLastDescriptorDoesNotEndTheWait) {
  Fd counter = event_fd();
  Epoll epoll;
  epoll.add(counter, EPOLLIN);
  EventList seen{};
  std::thread waiter([&] { seen = epoll.wait(60); });
  settle();
  FACT(counter.close(), Succeeds(0));
  waiter.join();
  FACT(seen, NoEvents());
}

}  // namespace
}  // namespace conformance

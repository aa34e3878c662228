// SPDX-License-Identifier: MIT
// Who is woken? An ordinary threaded program, written from epoll(7), epoll_ctl(2) and poll(2): it
// knows nothing of Pollux. Each case puts one or two descriptors into one or more epoll instances,
// lets several threads wait in different ways, makes a descriptor ready, and counts how many
// waiters came back with an event and how many with nothing after their time was up. Which of
// several equal waiters gets an event is not specified, so only numbers are printed; and where one
// waiter takes the event away before another has looked, only that somebody got it. The same lines
// must come out on Linux and on the twin: epoll_wakeups.expected.
//
// The cases are a product: how the descriptors are watched (topology and mode) x who waits x what
// happens. A waiter that should stay asleep sleeps for `patience`; the events come when all waiters
// have had time to fall asleep.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using std::chrono::milliseconds;

constexpr int patience = 60;                    // ms that a waiter waits at most
constexpr auto until_asleep = milliseconds(3);  // from "about to wait" to "certainly waiting"

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(2);
}

// Calls that wait may be interrupted (signal(7)), also by a debugger that comes or goes.
template <class Call>
int uninterrupted(const char* what, Call call) {
  for (;;) {
    const int result = call();
    if (result >= 0) return result;
    if (errno != EINTR) die(what);
  }
}

int checked(int result, const char* what) {
  if (result < 0) die(what);
  return result;
}

struct socket_pair {
  int ours;
  int peer;
  socket_pair() {
    int fds[2];
    checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), "socketpair");
    ours = fds[0];
    peer = fds[1];
  }
  ~socket_pair() {
    close(ours);
    if (peer >= 0) close(peer);
  }
  socket_pair(const socket_pair&) = delete;
  socket_pair& operator=(const socket_pair&) = delete;

  void send() const { checked(static_cast<int>(write(peer, "x", 1)), "write"); }
  void hang_up() {
    close(peer);
    peer = -1;
  }
};

// s[0] and s[1] are the sockets; inner and outer the epoll instances.
struct watched {
  std::array<socket_pair, 2> s;
  int inner = checked(epoll_create1(0), "epoll_create1");
  int second = checked(epoll_create1(0), "epoll_create1");
  int outer = checked(epoll_create1(0), "epoll_create1");
  watched() = default;
  ~watched() {
    close(outer);
    close(second);
    close(inner);
  }
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;

  static void add(int epfd, int fd, uint32_t events) {
    epoll_event ev{};
    ev.events = events;
    ev.data.fd = fd;
    checked(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev), "epoll_ctl");
  }
};

struct mode {
  const char* name;
  uint32_t flags;
};
constexpr mode level{"level", 0};
constexpr mode edge{"edge", EPOLLET};
constexpr mode oneshot{"oneshot", EPOLLONESHOT};
constexpr mode exclusive{"exclusive", EPOLLEXCLUSIVE};

// How the sockets are watched.
struct topology {
  const char* name;
  void (*build)(watched&, uint32_t flags, uint32_t outer_flags);
};
const topology plain{"one socket", [](watched& w, uint32_t f, uint32_t) {
                       w.add(w.inner, w.s[0].ours, EPOLLIN | f);
                     }};
const topology two_sockets{"two sockets", [](watched& w, uint32_t f, uint32_t) {
                             w.add(w.inner, w.s[0].ours, EPOLLIN | f);
                             w.add(w.inner, w.s[1].ours, EPOLLIN | f);
                           }};
const topology nested{"nested", [](watched& w, uint32_t f, uint32_t o) {
                        w.add(w.inner, w.s[0].ours, EPOLLIN | f);
                        w.add(w.outer, w.inner, EPOLLIN | o);
                      }};
const topology diamond{"two under one", [](watched& w, uint32_t f, uint32_t o) {
                         w.add(w.inner, w.s[0].ours, EPOLLIN | f);
                         w.add(w.second, w.s[1].ours, EPOLLIN | f);
                         w.add(w.outer, w.inner, EPOLLIN | o);
                         w.add(w.outer, w.second, EPOLLIN | o);
                       }};
const topology shared{"one socket in two", [](watched& w, uint32_t f, uint32_t) {
                        w.add(w.inner, w.s[0].ours, EPOLLIN | f);
                        w.add(w.second, w.s[0].ours, EPOLLIN | f);
                      }};

// Ways to wait. Each returns whether it saw an event.
bool by_epoll(int epfd) {
  epoll_event ev[1];
  return uninterrupted("epoll_wait", [&] { return epoll_wait(epfd, ev, 1, patience); }) == 1;
}
bool by_poll(int fd) {
  pollfd p{fd, POLLIN, 0};
  return uninterrupted("poll", [&] { return poll(&p, 1, patience); }) == 1;
}
bool by_select(int fd) {
  return uninterrupted("select", [&] {
           fd_set set;
           FD_ZERO(&set);
           FD_SET(fd, &set);
           timeval time{0, patience * 1000};
           return select(fd + 1, &set, nullptr, nullptr, &time);
         }) == 1;
}

struct waiter {
  bool (*wait)(int);
  int watched::*where;
};

struct crowd {
  const char* name;
  std::vector<waiter> members;
  // All are woken, but whoever is first takes the event from an edge-triggered set.
  bool race_for_edge = false;
};

struct happening {
  const char* name;
  void (*act)(watched&, const std::atomic<int>& woken);
};
// Two events are two only when the first has been taken.
void until_somebody(const std::atomic<int>& woken) {
  while (woken == 0) std::this_thread::sleep_for(milliseconds(1));
}

const happening write_one{"a byte", [](watched& w, const std::atomic<int>&) { w.s[0].send(); }};
const happening write_both{"a byte to each", [](watched& w, const std::atomic<int>&) {
                             w.s[0].send();
                             w.s[1].send();
                           }};
const happening write_twice{"two bytes, apart", [](watched& w, const std::atomic<int>& woken) {
                              w.s[0].send();
                              until_somebody(woken);
                              w.s[0].send();
                            }};
const happening hang_up{"a hang-up", [](watched& w, const std::atomic<int>&) { w.s[0].hang_up(); }};
const happening re_arm{"a byte, then MOD", [](watched& w, const std::atomic<int>& woken) {
                         w.s[0].send();
                         until_somebody(woken);
                         epoll_event ev{};
                         ev.events = EPOLLIN | EPOLLET;
                         ev.data.fd = w.s[0].ours;
                         checked(epoll_ctl(w.inner, EPOLL_CTL_MOD, w.s[0].ours, &ev), "epoll_ctl");
                       }};

void run(const topology& t, mode m, mode outer, const crowd& c, const happening& h, bool before) {
  watched w;
  t.build(w, m.flags, outer.flags);
  std::atomic<int> waiting{0};
  std::atomic<int> woken{0};
  if (before) h.act(w, woken);
  std::vector<std::thread> threads;
  for (const waiter& member : c.members) {
    threads.emplace_back([&] {
      waiting++;
      if (member.wait(w.*member.where)) woken++;
    });
  }
  if (!before) {
    while (waiting != static_cast<int>(c.members.size()))
      std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(until_asleep);
    h.act(w, woken);
  }
  for (std::thread& thread : threads) thread.join();
  const bool two_deep = &t == &nested || &t == &diamond;
  const bool raced = c.race_for_edge && (m.flags != 0 || outer.flags != 0) && woken >= 1;
  std::printf("%s, %s%s%s; %s; %s %s: %s of %zu\n", t.name, m.name, two_deep ? " in " : "",
              two_deep ? outer.name : "", c.name, h.name, before ? "before" : "while asleep",
              raced ? "some" : std::to_string(woken).c_str(), c.members.size());
}

}  // namespace

int main() {
  const waiter in_inner{by_epoll, &watched::inner};
  const waiter in_second{by_epoll, &watched::second};
  const waiter in_outer{by_epoll, &watched::outer};
  const waiter polls_inner{by_poll, &watched::inner};
  const waiter polls_outer{by_poll, &watched::outer};
  const waiter selects_inner{by_select, &watched::inner};

  const crowd one{"1 waits", {in_inner}};
  const crowd two{"2 wait", {in_inner, in_inner}};
  const crowd three{"3 wait", {in_inner, in_inner, in_inner}};
  const crowd poller{"1 polls it", {polls_inner}};
  const crowd mixed{"1 waits, 1 polls it", {in_inner, polls_inner}, true};
  const crowd pollers{"1 polls it, 1 selects it", {polls_inner, selects_inner}};
  for (const mode m : {level, edge, oneshot}) {
    for (const crowd& c : {one, two, three, poller, mixed, pollers}) {
      run(plain, m, level, c, write_one, false);
    }
    for (const crowd& c : {one, two, pollers}) run(plain, m, level, c, write_one, true);
    for (const crowd& c : {two, three}) run(plain, m, level, c, write_twice, false);
    run(plain, m, level, two, hang_up, false);
    run(plain, m, level, two, re_arm, false);
    run(two_sockets, m, level, two, write_both, false);
    run(two_sockets, m, level, two, write_both, true);
  }
  const crowd one_each{"1 waits in each", {in_inner, in_second}};
  for (const mode m : {level, edge, exclusive}) {
    run(shared, m, level, one_each, write_one, false);
    run(shared, m, level, one_each, write_one, true);
  }

  const crowd outer_one{"1 waits outside", {in_outer}};
  const crowd outer_two{"2 wait outside", {in_outer, in_outer}};
  const crowd both{"1 waits outside, 1 inside", {in_outer, in_inner}, true};
  const crowd outer_mixed{"1 waits outside, 1 polls it", {in_outer, polls_outer}, true};
  for (const mode m : {level, edge}) {
    for (const mode o : {level, edge}) {
      for (const crowd& c : {outer_one, outer_two, both, outer_mixed}) {
        run(nested, m, o, c, write_one, false);
      }
      run(nested, m, o, outer_two, write_one, true);
      run(nested, m, o, outer_two, write_twice, false);
      run(diamond, m, o, outer_two, write_both, false);
      run(diamond, m, o, outer_two, write_both, true);
    }
  }
  return 0;
}

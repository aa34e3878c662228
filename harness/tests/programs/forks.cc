// SPDX-License-Identifier: MIT
// Processes and what they have in common, written from fork(2), wait(2), pipe(7) and kill(2): it
// knows nothing of Pollux. The same lines must come out on Linux and on the twin: forks.expected.
// Process ids differ, so they are told by what they are.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Pipe {
  int ends[2];
  Pipe() {
    if (pipe(ends) != 0) std::abort();
  }
  int reader() const { return ends[0]; }
  int writer() const { return ends[1]; }
  void close_reader() const { close(ends[0]); }
  void close_writer() const { close(ends[1]); }
};

template <class Body>
pid_t forked(Body body) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  return child;
}

std::string text_of(int status) {
  if (WIFEXITED(status)) return "exit " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return std::string("SIG") + sigabbrev_np(WTERMSIG(status));
  return "?";
}

std::string reaped(pid_t child) {
  int status = 0;
  pid_t got;
  do got = waitpid(child, &status, 0);
  while (got < 0 && errno == EINTR);
  return got == child ? text_of(status) : strerrorname_np(errno);
}

std::string read_all(int fd) {
  std::string all;
  char buffer[1000];
  for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) != 0;) {
    if (size < 0 && errno != EINTR) return strerrorname_np(errno);
    if (size > 0) all.append(buffer, static_cast<size_t>(size));
  }
  return all;
}

void say(const char* name, const std::string& what) {
  std::printf("%-28s %s\n", name, what.c_str());
}

void sleep_ms(int ms) { usleep(static_cast<useconds_t>(ms) * 1000); }

void exit_statuses() {
  say("exit status", reaped(forked([] { _exit(7); })));
  say("exit status, by exit", reaped(forked([] { std::exit(300); })));
  say("killed by itself", reaped(forked([] { raise(SIGTERM); })));
  say("aborted", reaped(forked([] { std::abort(); })));
  say("killed by a fault", reaped(forked([] { *static_cast<volatile int*>(nullptr) = 1; })));
  say("nobody to wait for", wait(nullptr) < 0 ? strerrorname_np(errno) : "somebody");
  const pid_t pid = forked([] {});
  say("a child of its own", reaped(pid));
  say("waited for already", reaped(pid));
}

void who_is_who() {
  const pid_t self = getpid();
  Pipe pipe;
  const pid_t child = forked([&] {
    pid_t ids[3] = {getpid(), getppid(), gettid()};
    if (write(pipe.writer(), ids, sizeof ids) != sizeof ids) _exit(1);
  });
  pid_t ids[3] = {};
  const bool whole = read(pipe.reader(), ids, sizeof ids) == sizeof ids;
  say("ids", std::string(whole && ids[0] == child ? "getpid " : "") +
                 (ids[1] == self ? "getppid " : "") + (ids[2] == child ? "gettid" : ""));
  reaped(child);
  pipe.close_reader();
  pipe.close_writer();
}

void pipes() {
  {
    Pipe pipe;
    const pid_t child = forked([&] {
      pipe.close_reader();
      for (const char* part : {"one ", "two ", "three"}) {
        sleep_ms(2);
        if (write(pipe.writer(), part, std::strlen(part)) < 0) _exit(1);
      }
    });
    pipe.close_writer();
    say("read until the end", read_all(pipe.reader()));
    say("", reaped(child));
    pipe.close_reader();
  }
  {
    Pipe there, back;  // twice what a pipe takes, and back
    const pid_t child = forked([&] {
      there.close_writer();
      back.close_reader();
      const std::string all = read_all(there.reader());
      for (size_t done = 0; done < all.size();) {
        const ssize_t size = write(back.writer(), all.data() + done, all.size() - done);
        if (size < 0) _exit(1);
        done += static_cast<size_t>(size);
      }
    });
    there.close_reader();
    back.close_writer();
    const std::string sent(150000, 'x');
    std::string got;
    std::thread reader([&] { got = read_all(back.reader()); });
    for (size_t done = 0; done < sent.size();) {
      const ssize_t size = write(there.writer(), sent.data() + done, sent.size() - done);
      if (size < 0) break;
      done += static_cast<size_t>(size);
    }
    there.close_writer();
    reader.join();
    say("150000 bytes there and back", got == sent ? "all" : std::to_string(got.size()));
    say("", reaped(child));
    back.close_reader();
  }
  {
    Pipe pipe;
    signal(SIGPIPE, SIG_IGN);
    const pid_t child = forked([&] {
      pipe.close_reader();
      sleep_ms(10);
      _exit(write(pipe.writer(), "x", 1) < 0 && errno == EPIPE ? 3 : 4);
    });
    pipe.close_reader();
    say("nobody reads", reaped(child));
    signal(SIGPIPE, SIG_DFL);
    pipe.close_writer();
  }
  {
    Pipe pipe;  // the child that dies closes it, too
    const pid_t child = forked([&] { std::abort(); });
    pipe.close_writer();
    say("end of file by death", "'" + read_all(pipe.reader()) + "'");
    say("", reaped(child));
    pipe.close_reader();
  }
}

void readiness() {
  Pipe pipe;
  const pid_t child = forked([&] {
    sleep_ms(60);
    if (write(pipe.writer(), "x", 1) != 1) _exit(1);
    sleep_ms(60);
  });
  pipe.close_writer();
  pollfd one{pipe.reader(), POLLIN, 0};
  say("poll, too early", std::to_string(poll(&one, 1, 2)));
  const int ready = poll(&one, 1, 5000);
  say("poll, in time", std::to_string(ready) + (one.revents == POLLIN ? " IN" : ""));
  const int set = epoll_create1(0);
  epoll_event event{EPOLLIN | EPOLLET, {}};
  epoll_ctl(set, EPOLL_CTL_ADD, pipe.reader(), &event);
  auto wait_for = [&](int ms) {  // calls that wait may be interrupted (signal(7))
    int count;
    do count = epoll_wait(set, &event, 1, ms);
    while (count < 0 && errno == EINTR);
    return count;
  };
  say("epoll", std::to_string(wait_for(0)));
  say("epoll, no new edge", std::to_string(wait_for(2)));
  const int count = wait_for(5000);
  say("epoll, hung up", std::to_string(count) + ((event.events & EPOLLHUP) != 0 ? " HUP" : ""));
  say("", reaped(child));
  close(set);
  pipe.close_reader();
}

volatile sig_atomic_t children_heard_of = 0, user_signals = 0;

void waiting() {
  const pid_t slow = forked([] {
    sleep_ms(30);
    _exit(1);
  });
  const pid_t quick = forked([] { _exit(2); });
  int status;
  say("WNOHANG", std::to_string(waitpid(slow, &status, WNOHANG)));
  const pid_t first = wait(&status);
  say("wait, the quick one", (first == quick ? "quick " : "slow ") + text_of(status));
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(slow), &info, WEXITED | WNOWAIT);
  say("waitid, and leave it",
      info.si_pid == slow && info.si_code == CLD_EXITED ? std::to_string(info.si_status) : "?");
  say("", reaped(slow));

  struct sigaction action {};
  action.sa_handler = [](int) { children_heard_of = children_heard_of + 1; };
  sigaction(SIGCHLD, &action, nullptr);
  const pid_t child = forked([] { sleep_ms(10); });
  timespec second{1, 0};
  say("SIGCHLD ends a sleep",
      nanosleep(&second, nullptr) != 0 && errno == EINTR && children_heard_of == 1 ? "yes" : "no");
  say("", reaped(child));
  signal(SIGCHLD, SIG_IGN);
  const pid_t unheard = forked([] { sleep_ms(5); });
  say("SIGCHLD ignored", reaped(unheard));
  signal(SIGCHLD, SIG_DFL);
}

void signals() {
  const pid_t sleeper = forked([] { pause(); });
  kill(sleeper, SIGTERM);
  say("kill", reaped(sleeper));
  const pid_t stubborn = forked([] {
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
  });
  sleep_ms(5);
  kill(stubborn, SIGTERM);
  kill(stubborn, SIGKILL);
  say("kill -9", reaped(stubborn));
  say("kill, when it is gone", kill(stubborn, 0) != 0 ? strerrorname_np(errno) : "?");

  Pipe ready;
  const pid_t handler = forked([&] {
    struct sigaction action {};
    action.sa_handler = [](int) { user_signals = user_signals + 1; };
    sigaction(SIGUSR1, &action, nullptr);
    if (write(ready.writer(), "x", 1) != 1) _exit(1);
    while (user_signals == 0) sleep_ms(1);
    kill(getppid(), SIGUSR2);
    _exit(user_signals);
  });
  struct sigaction action {};
  action.sa_handler = [](int) { user_signals = user_signals + 10; };
  sigaction(SIGUSR2, &action, nullptr);
  char byte;
  while (read(ready.reader(), &byte, 1) != 1) {
  }
  kill(handler, SIGUSR1);
  say("a handler, there", reaped(handler));
  while (user_signals == 0) sleep_ms(1);
  say("a handler, here", std::to_string(user_signals));
  ready.close_reader();
  ready.close_writer();

  // A runner's way: the test leads a group, and the group is killed.
  Pipe deep;
  const pid_t leader = forked([&] {
    setpgid(0, 0);
    forked([&] { pause(); });
    if (write(deep.writer(), "x", 1) != 1) _exit(1);
    pause();
  });
  deep.close_writer();
  while (read(deep.reader(), &byte, 1) != 1) {
  }
  killpg(leader, SIGTERM);
  say("a group is killed", reaped(leader) + (read_all(deep.reader()).empty() ? ", all of it" : ""));
  deep.close_reader();
}

std::atomic<bool> may_end{false};

void threads() {
  // Only the thread that forks is in the child, and it may make others.
  std::thread other([] {
    while (!may_end) sleep_ms(1);
  });
  std::string result;
  std::thread forker([&] {
    result = reaped(forked([] {
      int sum = 0;
      std::vector<std::thread> workers;
      std::atomic<int> count{0};
      for (int i = 0; i < 4; ++i) workers.emplace_back([&] { count += 1; });
      for (std::thread& worker : workers) worker.join();
      sum += count;
      _exit(sum);
    }));
  });
  forker.join();
  may_end = true;
  other.join();
  say("threads of a child", result);
}

std::string order;

void handlers_of_fork() {
  pthread_atfork([] { order += "prepare "; }, [] { order += "parent"; }, [] { order += "child"; });
  Pipe pipe;
  const pid_t child = forked([&] {
    if (write(pipe.writer(), order.data(), order.size()) < 0) _exit(1);
  });
  pipe.close_writer();
  say("pthread_atfork, there", read_all(pipe.reader()));
  say("pthread_atfork, here", order);
  reaped(child);
  pipe.close_reader();
}

void copies() {
  // What each process has of its own.
  const int counter = eventfd(5, 0);
  const pid_t child = forked([&] {
    uint64_t value = 0;
    _exit(read(counter, &value, sizeof value) == sizeof value ? static_cast<int>(value) : 99);
  });
  say("an eventfd, there", reaped(child));
  close(counter);
  alarm(1);
  say("no alarm is inherited", reaped(forked([] { _exit(static_cast<int>(alarm(0))); })));
  alarm(0);
}

// An isolating runner: each case in a child, its verdict through a pipe, its end by its status.
void runner() {
  std::string verdicts;
  for (int i = 0; i < 6; ++i) {
    Pipe pipe;
    const pid_t child = forked([&] {
      pipe.close_reader();
      const std::string text = "case " + std::to_string(i);
      if (write(pipe.writer(), text.data(), text.size()) < 0) _exit(1);
      if (i % 3 == 1) std::abort();
      _exit(i % 3 == 2);
    });
    pipe.close_writer();
    verdicts += read_all(pipe.reader()) + ": " + reaped(child) + (i < 5 ? "; " : "");
    pipe.close_reader();
  }
  say("a runner", verdicts);
}

}  // namespace

int main() {
  exit_statuses();
  who_is_who();
  pipes();
  readiness();
  waiting();
  signals();
  threads();
  handlers_of_fork();
  copies();
  runner();
}

// SPDX-License-Identifier: MIT
//
// Programs that fork, for exec_fork_test.cc: what they do is their argument.
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

namespace {

int status_of(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child) std::abort();
  return status;
}

// Two threads of a child add, not at once.
void race() {
  int count = 0;
  std::mutex mutex;
  auto add = [&] {
    mutex.lock();
    const int before = count;
    mutex.unlock();
    mutex.lock();
    count = before + 1;
    mutex.unlock();
  };
  std::thread other(add);
  add();
  other.join();
  _exit(count != 2);
}

}  // namespace

int main(int, char** argv) {
  auto is = [&](const char* what) { return std::strcmp(argv[1], what) == 0; };
  int ends[2], pair[2];
  const int counter = eventfd(0, 0);
  if (pipe(ends) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 9;
  uint64_t value = 1;
  char byte = 'x';
  if (is("race")) {
    const pid_t child = fork();
    if (child == 0) race();
    return WEXITSTATUS(status_of(child));
  }
  if (is("deadlock")) {  // each has the end open that the other waits for
    if (fork() == 0) return static_cast<int>(read(ends[0], &byte, 1));
    return wait(nullptr) < 0;
  }
  if (is("two-users")) {
    const pid_t child = fork();
    if (child == 0) _exit(write(counter, &value, sizeof value) < 0);
    status_of(child);
    return read(counter, &value, sizeof value) < 0;
  }
  if (is("both-ends")) {
    const pid_t child = fork();
    if (child == 0) _exit(write(pair[0], &byte, 1) != 1);
    return read(pair[1], &byte, 1) != 1;
  }
  if (is("closes")) {  // what it does not use
    const pid_t child = fork();
    if (child == 0) _exit(close(counter) != 0 || close(pair[0]) != 0);
    return write(counter, &value, sizeof value) < 0 || status_of(child) != 0;
  }
  if (is("child-is-refused")) {
    const pid_t child = fork();
    if (child == 0) {
      if (read(ends[0], &byte, 0) == 0) _exit(system("true"));
    }
    return status_of(child);
  }
  if (is("child-crashes")) {
    const pid_t child = fork();
    if (child == 0) *static_cast<volatile int*>(nullptr) = 0;
    return status_of(child) != SIGSEGV;
  }
  if (is("left-behind")) {
    if (fork() == 0) {
      sleep(1000);
      std::puts("never seen");
    }
    return 0;
  }
  if (is("becomes-echo")) {
    const pid_t child = fork();
    if (child == 0) execl("/bin/echo", "echo", "a real program", nullptr);
    return status_of(child);
  }
  if (is("many")) {
    for (int i = 0; i < 300; ++i) {
      int own[2];
      if (pipe(own) != 0) return 8;
      const pid_t child = fork();
      if (child == 0) _exit(write(own[1], &i, sizeof i) < 0);
      int got = -1;
      if (read(own[0], &got, sizeof got) < 0 || got != i || status_of(child) != 0) return 7;
      close(own[0]);
      close(own[1]);
    }
    return 0;
  }
  return 99;
}

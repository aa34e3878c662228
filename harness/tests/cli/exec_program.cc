// SPDX-License-Identifier: MIT
//
// A program for `pollux exec`: ends in the way that its argument names, after a byte went through a
// socket pair between two threads. Knows nothing of Pollux; built without a flag of ours.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

int ends[2];

void hand_over() {
  std::thread writer([] {
    if (::write(ends[1], "x", 1) != 1) std::abort();
  });
  char byte;
  if (::read(ends[0], &byte, 1) != 1) std::abort();
  writer.join();
}

}  // namespace

int main(int argc, char** argv) {
  std::string how = argc > 1 ? argv[1] : "";
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 9;
  hand_over();
  std::printf("descriptor %d, preload '%s'\n", ends[0],
              std::getenv("LD_PRELOAD") != nullptr ? std::getenv("LD_PRELOAD") : "");
  if (how == "status") return 3;
  if (how == "exit") std::exit(4);
  if (how == "_exit") ::_exit(5);
  if (how == "abort") std::abort();
  if (how == "segv") std::raise(SIGSEGV);
  if (how == "term") ::kill(::getpid(), SIGTERM);
  if (how == "sigpipe") {
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) == 1 ? 0 : 8;
  }
  if (how == "loop") {
    for (volatile unsigned turns = 0;;) turns = turns + 1;
  }
  if (how == "deadlock") {
    char byte;
    return static_cast<int>(::read(ends[0], &byte, 1));
  }
  return 0;
}

// SPDX-License-Identifier: MIT
// SIGTERM and SIGINT as something that a goroutine waits for: signals are blocked and come in
// through a signalfd, which the poller watches as it does sockets.
#pragma once

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "netpoll/file.h"

class StopSignal {
 public:
  // Before the first thread starts, or threads would not inherit the blocked signals.
  StopSignal() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) {
      std::perror("signalfd");
      std::abort();
    }
  }

  // In a goroutine, once: returns when one of the signals has come.
  netpoll::Error wait() {
    auto [file, err] = netpoll::File::adopt(fd_, "signalfd");
    if (err) return err;
    signalfd_siginfo info;
    return file.read(&info, sizeof info).err;
  }

 private:
  int fd_;
};

// SPDX-License-Identifier: MIT
//
// A program for `pollux exec`: asio::signal_set (a handler and a pipe to oneself) in two threads.
// Exits with 0 when each signal that was sent came out once, in order.
#include <unistd.h>

#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <thread>

namespace asio = boost::asio;

int main() {
  asio::io_context context;
  asio::signal_set signals(context, SIGUSR1, SIGTERM, SIGALRM);
  asio::steady_timer timer(context);
  std::atomic<int> users{0}, alarms{0}, terms{0};
  std::function<void()> send;

  std::function<void()> wait = [&] {
    signals.async_wait([&](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGTERM) {
        ++terms;
        return;  // the last one: nothing is waited for any more
      }
      ++(signal == SIGUSR1 ? users : alarms);
      if (signal == SIGALRM) {
        ::kill(::getpid(), SIGTERM);
      } else if (users == 3) {
        ::alarm(1);
      } else {
        send();  // not before: signals that are pending together are one
      }
      wait();
    });
  };
  send = [&] {
    timer.expires_after(std::chrono::milliseconds(5));
    timer.async_wait([&](const boost::system::error_code&) { ::kill(::getpid(), SIGUSR1); });
  };
  wait();
  send();
  std::thread other([&] { context.run(); });
  context.run();
  other.join();
  std::printf("%d SIGUSR1, %d SIGALRM, %d SIGTERM\n", users.load(), alarms.load(), terms.load());
  return users == 3 && alarms == 1 && terms == 1 ? 0 : 1;
}

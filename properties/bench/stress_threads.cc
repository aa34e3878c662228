// SPDX-License-Identifier: MIT
//
// What plain stress finds: a protocol of subjects/protocols.h, with or without a planted bug, again
// and again on real threads and the real kernel. Prints rounds a second, and when a round did not
// come to its end: a line each, name, value, unit.
//
//   stress_threads_PROGRAM [SECONDS]   at most so long, default 10
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "models/slot_monitor.h"
#include "pollux/world.h"
#include "subjects/protocols.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kHang = std::chrono::seconds(2);

std::atomic<uint64_t> rounds{0};
std::atomic<const char*> failed{nullptr};
Clock::time_point start;

[[noreturn]] void report(const char* how, double seconds) {
  const double done = static_cast<double>(rounds.load());
  std::printf("rounds %.0f rounds\nrounds_per_second %.0f rounds/s\n", done, done / seconds);
  std::printf("%s %.3f s\n", how, seconds);
  std::fflush(stdout);
  ::_exit(0);  // the threads of the last round may hang
}

double since_start(Clock::time_point now) {
  return std::chrono::duration<double>(now - start).count();
}

// The time of a hang is when the last round began to be the last.
void watch(double seconds_max) {
  uint64_t seen = 0;
  Clock::time_point moved = start;
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const Clock::time_point now = Clock::now();
    if (rounds.load() != seen) seen = rounds.load(), moved = now;
    if (failed.load() != nullptr) report("failed_after", since_start(now));
    if (now - moved >= kHang) report("hung_after", since_start(moved));
    if (since_start(now) >= seconds_max) report("held_for", since_start(now));
  }
}

}  // namespace

// What the protocols take from the harness.
namespace pollux {
void fail(const char* property, const std::string&) {
  failed.store(property);
  for (;;) ::pause();
}
}  // namespace pollux
namespace pollux::properties {
void watch_slots(const SlotRegion*) {}
}  // namespace pollux::properties

int main(int argc, char** argv) {
  start = Clock::now();
  std::signal(SIGABRT, [](int) { report("aborted_after", since_start(Clock::now())); });
  const double seconds = argc > 1 ? std::atof(argv[1]) : 10;
  if (seconds <= 0 || argc > 2) {
    std::fprintf(stderr, "%s: usage: %s [SECONDS], SECONDS above 0\n", argv[0], argv[0]);
    return 2;
  }
  std::thread(watch, seconds).detach();
  for (;;) {
    POLLUX_STRESSED([] {});
    rounds.fetch_add(1);
  }
}

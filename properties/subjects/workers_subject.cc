// SPDX-License-Identifier: MIT
//
// Jobs (models/jobs.h) on netpoll's scheduler.
#include <fcntl.h>
#include <netpoll/file.h>
#include <netpoll/go.h>
#include <netpoll/runtime.h>
#include <netpoll/sync.h>
#include <netpoll/time.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "src/poll_desc.h"
#include "subjects/workers.h"

namespace {

using namespace pollux::properties;
using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

constexpr Micros kTimer(10);

struct Token {
  StepKind awaited = StepKind::await;
  netpoll::Semaphore parked;
  sem_t blocked;
  int writer = -1;  // of the pipe that `file` reads from
  netpoll::File file;

  Token() { sem_init(&blocked, 0, 0); }
  ~Token() { sem_destroy(&blocked); }
};

class Program {
 public:
  Program(const Jobs& jobs, const WorkerHooks& hooks) : jobs_(jobs), hooks_(hooks) {}

  // The first goroutine.
  void main() {
    quiet_.resize(jobs_.jobs.size());
    for (size_t i = 0; i < jobs_.jobs.size(); ++i)
      for (const Step& step : jobs_.jobs[i]) prepare(step, quiet_[i]);
    hooks_.ready();
    group_.add(static_cast<int>(jobs_.jobs.size()));
    for (size_t i = 0; i < jobs_.jobs.size(); ++i) {
      netpoll::go([this, i] {
        auto quiet = quiet_[i].begin();
        for (const Step& step : jobs_.jobs[i]) {
          if (step.kind == StepKind::deadline) {
            read_until(*quiet++, Clock::now() + Micros(step.argument));
          } else {
            take(step);
          }
        }
        group_.done();
      });
    }
    group_.wait();
    for (Token& token : tokens_) {
      if (!token.file.valid()) continue;
      (void)token.file.close();
      ::close(token.writer);
    }
  }

 private:
  void must(bool holds, const char* what) {
    if (!holds) hooks_.fail("workers", what);
  }

  netpoll::File make_file(int number) {
    netpoll::Result<netpoll::File> made = netpoll::File::adopt(number, "event");
    must(!made.err, "no descriptor could be registered");
    return std::move(made.value);
  }

  // Not an eventfd: whoever reads from that makes it ready to be written, and so ends a blocking
  // poll, which may be one that sleeps too long.
  void make_pipe(Token& token) {
    int ends[2] = {-1, -1};
    must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "a pipe could not be made");
    token.writer = ends[1];
    token.file = make_file(ends[0]);
  }

  // Makes what a step needs, while no fault can refuse it.
  void prepare(const Step& step, std::vector<netpoll::File>& quiet) {
    switch (step.kind) {
      case StepKind::deadline:
        quiet.push_back(make_file(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)));
        break;
      case StepKind::read:
        make_pipe(tokens_[step.argument]);
        [[fallthrough]];
      case StepKind::await:
      case StepKind::block:
        tokens_[step.argument].awaited = step.kind;
        break;
      default:
        break;
    }
  }

  void post(Token& token) {
    switch (token.awaited) {
      case StepKind::read:
        must(::write(token.writer, "1", 1) == 1, "a byte could not be written");
        break;
      case StepKind::block:
        sem_post(&token.blocked);
        break;
      default:
        token.parked.release();
    }
  }

  void take(const Step& step) {
    const Micros time(step.argument);
    Token& token = tokens_[step.argument % kTokensMax];
    switch (step.kind) {
      case StepKind::post:
        return post(token);
      case StepKind::timer:
        timers_[step.argument] = netpoll::after_func(kTimer, [this, &token] { post(token); });
        return;
      case StepKind::await:
        return token.parked.acquire();
      case StepKind::read: {
        char value[2] = {};
        const netpoll::IoResult read = token.file.read(value, sizeof value);
        return must(!read.err && read.n == 1 && value[0] == '1',
                    "a read gave something else than what was posted");
      }
      case StepKind::block:
        while (sem_wait(&token.blocked) != 0) {
        }
        return;
      case StepKind::sleep: {
        const Clock::time_point due = Clock::now() + time;
        netpoll::sleep_for(time);
        return must(Clock::now() >= due, "a sleep ended early");
      }
      case StepKind::deadline:
        return;
      case StepKind::hold:
        ::usleep(step.argument);
        return;
      case StepKind::yield:
        return netpoll::yield();
    }
  }

  // As a server does for each operation: the deadline of the one before is moved.
  void read_until(netpoll::File& file, Clock::time_point due) {
    must(!file.set_read_deadline(Clock::now() + kTimer), "a deadline was refused");
    must(!file.set_read_deadline(due), "a deadline was not moved");
    uint64_t value;
    const netpoll::IoResult read = file.read(&value, sizeof value);
    must(read.err.code() == netpoll::Errc::deadline_exceeded, "a read ended without its deadline");
    must(Clock::now() >= due, "a deadline came early");
    must(!file.close(), "a close failed");
  }

  const Jobs& jobs_;
  const WorkerHooks& hooks_;
  Token tokens_[kTokensMax];
  std::vector<std::vector<netpoll::File>> quiet_;  // by job, for its steps with a deadline
  std::optional<netpoll::Timer> timers_[kTokensMax];
  netpoll::WaitGroup group_;
};

}  // namespace

extern "C" void pollux_subject_workers(const Jobs* jobs, const WorkerHooks* hooks) {
  netpoll::RuntimeOptions options;
  options.workers = static_cast<int>(jobs->workers);
  options.sysmon = jobs->monitor;
  options.poll_descs_max = 64;
  netpoll::Runtime runtime(options);
  netpoll::PollDescRegion region = runtime.poll_desc_region();
  hooks->watch({.base = region.base,
                .stride = region.stride,
                .count = region.count_max,
                .reader_offset = region.rg_offset,
                .writer_offset = region.wg_offset,
                .fd_offset = offsetof(netpoll::poll_desc, fd)});
  Program program(*jobs, *hooks);
  runtime.run([&] { program.main(); });
  const netpoll::RuntimeCounters counters = runtime.counters();
  auto at_rest = [&](uint64_t count, const char* what) {
    if (count != 0) hooks->fail("at-rest", what);
  };
  at_rest(counters.netpoll_waiters, "the count of goroutines that wait for a descriptor is not 0");
  at_rest(counters.live_poll_descs, "a descriptor is still registered");
  at_rest(counters.live_goroutines, "the count of goroutines is not 0");
  at_rest(counters.armed_timers, "a timer is left");
}

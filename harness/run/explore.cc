// SPDX-License-Identifier: MIT
//
// The half that waits: a child explores (explore_child.cc), this process shows how far it is, keeps
// the budget, kills it when it is stuck, and makes a plan of what it found.
#include "run/explore.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <memory>

#include "run/child.h"
#include "run/explore_child.h"
#include "run/result_code.h"

namespace pollux::run {
namespace {

using Clock = std::chrono::steady_clock;

class Exploration {
 public:
  Exploration(const ExploreRequest& request, ExploreListener& listener)
      : request_(request),
        listener_(listener),
        memory_(sizeof(ExploreShared)),
        shared_(*memory_.as<ExploreShared>()) {}

  ExploreTotals run() {
    block_signals();
    pid_t child = fork_child(output_, [this] {
      explore_here(request_, shared_);
      return 0;
    });
    int status = 0;
    Clock::time_point alive = Clock::now();
    for (uint64_t last = 0; ::waitpid(child, &status, WNOHANG) != child;) {
      auto now = Clock::now();
      uint64_t started = shared_.started.load();
      if (started != last) alive = now;
      last = started;
      if (request_.budget.count() != 0 && now - start_ >= request_.budget) shared_.stop.store(true);
      if (killed_ == Killed::no) {
        killed_ = beyond_bounds(child, alive, request_.bounds);
        if (killed_ != Killed::no) ::kill(child, SIGKILL);
      }
      listener_.on_progress(so_far());
      wait_for_event(child);
    }
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    return ended(status);
  }

 private:
  void block_signals() {
    ::sigemptyset(&set_);
    for (int signal : {SIGCHLD, SIGINT, SIGTERM}) ::sigaddset(&set_, signal);
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
  }

  void wait_for_event(pid_t child) {
    timespec tenth{0, 100'000'000};
    int signal = ::sigtimedwait(&set_, nullptr, &tenth);
    if (signal != SIGINT && signal != SIGTERM) return;
    if (interrupted_) ::kill(child, SIGKILL);  // a second one means now
    interrupted_ = true;
    shared_.stop.store(true);
  }

  ExploreTotals so_far() const {
    ExploreTotals totals;
    for (size_t n = 0; n < shared_.levels.load(); ++n) {
      const ExploreShared::Level& shared = shared_.level[n];
      ExploreLevel level = level_of(request_, n);
      level.runs = shared.runs.load();
      level.seconds = static_cast<double>(shared.nanoseconds.load()) / 1e9;
      level.complete = shared.complete.load();
      totals.runs += level.runs;
      totals.levels.push_back(level);
    }
    totals.points = shared_.points.load();
    totals.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return totals;
  }

  ExploreTotals ended(int status) {
    ExploreTotals totals = so_far();
    totals.interrupted = interrupted_;
    totals.complete = shared_.complete;
    totals.bound_runs = shared_.bound_runs;
    totals.bound_error = shared_.bound_error;
    totals.diverged = shared_.diverged;
    if (shared_.result_size != 0) {
      totals.failure = read_result(shared_.result, shared_.result_size);
    } else if (killed_ != Killed::no) {
      totals.failure = killed_run(killed_, request_.bounds, output_.tail());
      totals.failure->deviations = shared_.log.copy();
    } else if (status != 0 && !(interrupted_ && WIFSIGNALED(status))) {
      RunResult noted;
      if (shared_.note_size != 0) noted = read_result(shared_.result, shared_.note_size);
      totals.failure = crashed_run(status, output_.tail(), noted);
      if (shared_.note_size == 0) totals.failure->deviations = shared_.log.copy();
    }
    totals.plan = {request_.suite, request_.workload, {}, request_.overrides};
    if (totals.failure) totals.plan.choices = totals.failure->deviations;
    return totals;
  }

  const ExploreRequest& request_;
  ExploreListener& listener_;
  SharedMemory memory_;
  ExploreShared& shared_;
  Output output_;
  Clock::time_point start_ = Clock::now();
  sigset_t set_, before_;
  bool interrupted_ = false;
  Killed killed_ = Killed::no;
};

}  // namespace

ExploreTotals explore(const ExploreRequest& request, ExploreListener& listener) {
  return Exploration(request, listener).run();
}

}  // namespace pollux::run

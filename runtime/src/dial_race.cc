// SPDX-License-Identifier: MIT
// "Happy Eyeballs" (RFC 6555, and net/dial.go's dialParallel): the addresses of the first family
// race those of the other one, which start after a delay or as soon as the first ones have failed.
//
// Each side runs in a goroutine of its own; the dialling goroutine waits for a side to finish or
// for the delay to pass. When one side has won, the other is cancelled, and waited for: no
// goroutine outlives the dial, so whatever it uses may live on the dialling goroutine's stack, and
// a second connection that came up all the same is closed before dial returns.
#include "src/dial_race.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "netpoll/go.h"
#include "netpoll/sync.h"
#include "src/clock.h"
#include "src/dial_watch.h"
#include "src/scheduler.h"
#include "src/socket_address.h"
#include "src/waitable.h"

namespace netpoll {

namespace {

constexpr std::chrono::seconds sane_minimum{2};

Error dial_error(const Error& e, const network& net, const DialOptions& options,
                 const Address& to) {
  return address_error(e, "dial", net, options.local, to);
}

// One after the other; the first error counts.
Error dial_serial(scheduler& s, const network& net, std::span<const Address> to,
                  const DialOptions& options, const dial_limits& limits,
                  std::shared_ptr<net_fd>* out) {
  Error first;
  for (size_t i = 0; i < to.size(); i++) {
    if (Error err = interrupted(limits); err.code() == Errc::canceled) {
      return dial_error(err, net, options, to[i]);
    }
    dial_limits share = limits;
    Error err = partial_deadline(std::chrono::steady_clock::now(), limits.deadline, to.size() - i,
                                 &share.deadline);
    const bool out_of_time = static_cast<bool>(err);
    if (!err) err = dial_socket(s, net, to[i], options, share, out);
    if (!err) return Error();
    if (!first) first = dial_error(err, net, options, to[i]);
    if (out_of_time) break;
  }
  return first;
}

// All of one family, in order, and the rest.
void partition(std::span<const Address> all, std::vector<Address>* first,
               std::vector<Address>* rest) {
  for (const Address& a : all) (a.family() == all[0].family() ? first : rest)->push_back(a);
}

class dial_race {
 public:
  dial_race(scheduler& s, const network& net, const DialOptions& options, const dial_limits& limits)
      : sched_(s), net_(net), options_(options), limits_(limits), event_(s) {
    limits_.race = &stop_;
  }

  Error run(std::span<const Address> primaries, std::span<const Address> fallbacks,
            std::shared_ptr<net_fd>* out) {
    if (!event_.ok()) {
      return dial_error(Error::from_errno(nullptr, ENOMEM), net_, options_, primaries[0]);
    }
    side& primary = sides_[0];
    side& fallback = sides_[1];
    start(primary, primaries);
    event_.set_deadline(std::max<int64_t>(options_.fallback_delay.count(), 1), poll_modes::read);
    bool fallback_started = false;
    side* winner = nullptr;
    for (;;) {
      const poll_result r = event_.wait(poll_mode::read);
      // One look at both: a side that finishes after it will wake us again.
      const auto [first, second] = look();
      if (first == state::won || second == state::won) {
        winner = first == state::won ? &primary : &fallback;
        break;
      }
      if (first == state::failed && second == state::failed) break;
      if (!fallback_started && (r == poll_result::timeout || first == state::failed)) {
        event_.set_deadline(0, poll_modes::read);
        start(fallback, fallbacks);
        fallback_started = true;
      }
    }
    stop_.cancel();
    running_.wait();
    if (!winner) return primary.err;
    *out = std::move(winner->fd);
    for (side& s : sides_) {
      if (s.fd) (void)s.fd->close();
    }
    return Error();
  }

 private:
  enum class state { running, won, failed };
  struct side {
    state now = state::running;  // lock_, and so are the others while it is running
    Error err;
    std::shared_ptr<net_fd> fd;
  };

  void start(side& racer, std::span<const Address> to) {
    running_.add(1);
    go([this, &racer, to] {
      std::shared_ptr<net_fd> fd;
      Error err = dial_serial(sched_, net_, to, options_, limits_, &fd);
      {
        std::lock_guard<std::mutex> hold(lock_);
        racer.now = err ? state::failed : state::won;
        racer.err = std::move(err);
        racer.fd = std::move(fd);
      }
      event_.wake(poll_mode::read);
      running_.done();
    });
  }

  std::pair<state, state> look() {
    std::lock_guard<std::mutex> hold(lock_);
    return {sides_[0].now, sides_[1].now};
  }

  scheduler& sched_;
  const network& net_;
  const DialOptions& options_;
  dial_limits limits_;
  DialCanceller stop_;
  std::mutex lock_;
  side sides_[2];
  waitable event_;  // a side has finished; its read deadline: the fallback is due
  WaitGroup running_;
};

}  // namespace

Error partial_deadline(Deadline now, Deadline deadline, size_t left, Deadline* out) {
  *out = deadline;
  if (deadline == Deadline{}) return Error();
  const auto remaining = deadline - now;
  if (remaining.count() <= 0) return Error(Errc::timeout);
  auto share = remaining / static_cast<int64_t>(left);
  if (share < sane_minimum) share = std::min<Deadline::duration>(remaining, sane_minimum);
  *out = now + share;
  return Error();
}

Error dial_parallel(scheduler& s, const network& net, std::span<const Address> primaries,
                    std::span<const Address> fallbacks, const DialOptions& options,
                    const dial_limits& limits, std::shared_ptr<net_fd>* out) {
  dial_race race(s, net, options, limits);
  return race.run(primaries, fallbacks, out);
}

Error dial_addresses(scheduler& s, const network& net, std::span<const Address> to,
                     const DialOptions& options, std::shared_ptr<net_fd>* out) {
  dial_context context(options.context);
  const dial_limits limits{dial_deadline(options), options.canceller, &context};
  if (to.empty()) return dial_error(Error(Errc::missing_address), net, options, {});
  if (to.size() == 1) {
    return dial_error(dial_socket(s, net, to[0], options, limits, out), net, options, to[0]);
  }
  std::vector<Address> primaries, fallbacks;
  partition(to, &primaries, &fallbacks);
  if (fallbacks.empty() || options.fallback_delay.count() < 0) {
    return dial_serial(s, net, to, options, limits, out);
  }
  return dial_parallel(s, net, primaries, fallbacks, options, limits, out);
}

}  // namespace netpoll

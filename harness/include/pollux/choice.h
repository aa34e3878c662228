// SPDX-License-Identifier: MIT
//
// Choices: the one source of everything that a run leaves open.
//
// `choose(site, n)` answers a number below n. Outcome 0 is always the boring one: no fault, no
// preemption, full count, arrival order, next thread in turn. A run is therefore described by its
// non-zero outcomes, the deviations; everything else is default. A deviation is named by who chose,
// where, and for the how-manieth time, never by its index in the whole run, so that it means the
// same after other deviations are removed.
//
// Who answers is a Strategy. It is asked only when it asked to be: it returns with each answer how
// many following choices at that site are 0 without asking, so the common choice costs a decrement.
//
// Threads: one run at a time; called on the OS thread that carries the run.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pollux {

// The virtual thread that chooses, or kNetwork for choices made while nobody runs (packets,
// timers).
using Actor = uint16_t;
inline constexpr unsigned kThreadsMax = 64;
inline constexpr Actor kNetwork = kThreadsMax;
inline constexpr unsigned kActors = kThreadsMax + 1;
// Among the candidates of a point, and never a thread: the running thread is held up while time
// goes on, as when the machine is busy elsewhere. For how long is a choice of its own (point/hold).
inline constexpr Actor kNobody = kThreadsMax - 1;

// Sites: the ones of sites.def, then one per failure point of the fault catalogue.
using Site = uint16_t;
namespace site {
enum : Site {
#define POLLUX_SITE(identifier, name, boring, others) identifier,
#include "pollux/sites.def"
#undef POLLUX_SITE
  kFirstFault
};
}  // namespace site
inline constexpr unsigned kSitesMax = 192;

std::string_view site_name(Site);
// kSitesMax when there is no such site.
Site find_site(std::string_view name);

struct Deviation {
  Actor actor = 0;
  Site site = 0;
  uint32_t ordinal = 0;  // counted per (actor, site) from 0
  uint32_t outcome =
      0;  // non-zero; at kPoint and kPick: 1 + the thread that was switched to, or kNobody

  friend bool operator==(const Deviation&, const Deviation&) = default;
  friend auto operator<=>(const Deviation&, const Deviation&) = default;
};

// "t2/point#117 = run t1", "t0/posix/io/net/accept4/econnaborted#3 = yes"
std::string to_string(const Deviation&);

inline constexpr uint32_t kNeverAsk = std::numeric_limits<uint32_t>::max();

struct Answer {
  uint32_t outcome;  // < n
  uint32_t
      skip;  // so many following choices at this site, by whichever actor, are 0; kNeverAsk: all
};

struct ThreadAnswer {
  Actor thread;  // a member of the candidates, or `current`
  uint32_t skip;
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  // A run begins. Returns nothing; sets how many first choices of each site are 0 without asking.
  virtual void begin(std::span<uint32_t, kSitesMax> skip) = 0;

  // The choice `ordinal` of `actor` at `site`, with n >= 2 outcomes.
  virtual Answer choose(Actor actor, Site site, uint32_t ordinal, uint32_t n) = 0;

  // Which thread runs. `candidates` is a bit per thread and never empty. At kPoint `boring` is the
  // running thread, which may go on, and the candidates are the others that could, with kNobody
  // among them. At kPick the running thread can not go on, and `boring` is the next candidate in
  // turn. Answering `boring` is outcome 0.
  virtual ThreadAnswer choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t candidates,
                                     Actor boring) = 0;
};

// The state of the choices of one run.
class Choices {
 public:
  void begin(Strategy&);

  // Requires n >= 1.
  uint32_t choose(Site site, uint32_t n) {
    uint32_t ordinal = ordinal_[actor_][site]++;
    if (skip_[site] != 0) {
      skip_[site] -= skip_[site] != kNeverAsk;
      return 0;
    }
    return n < 2 ? 0 : ask(site, ordinal, n);
  }

  // At kPoint: `boring` is the running thread. Returns the thread to run.
  Actor choose_thread(Site site, uint64_t candidates, Actor boring) {
    uint32_t ordinal = ordinal_[actor_][site]++;
    if (candidates == 0) return boring;
    if (skip_[site] != 0) {
      skip_[site] -= skip_[site] != kNeverAsk;
      return boring;
    }
    return ask_thread(site, ordinal, candidates, boring);
  }

  // A forked process goes on with what its parent had: its choices get ordinals of their own.
  void become_child(uint32_t serial);

  Actor actor() const { return actor_; }
  // How many choices the actor has made at the site so far.
  uint32_t made(Actor actor, Site site) const { return ordinal_[actor][site]; }
  void set_actor(Actor actor) {
    actor_ = actor;
    if (actor >= threads_ && actor < kNetwork) threads_ = actor + 1;
  }

  // What was not boring so far, in the order in which it was chosen.
  const std::vector<Deviation>& deviations() const { return deviations_; }

 private:
  uint32_t ask(Site, uint32_t ordinal, uint32_t n);
  Actor ask_thread(Site, uint32_t ordinal, uint64_t candidates, Actor boring);

  Actor actor_ = 0;
  Strategy* strategy_ = nullptr;
  uint32_t skip_[kSitesMax] = {};
  uint32_t ordinal_[kActors][kSitesMax] = {};
  Actor threads_ = 1;  // rows of ordinal_ in use, not counting the network's
  std::vector<Deviation> deviations_;
};

// Random: each run draws from its seed which sites are alive at all and how often each deviates
// (swarm), and for thread switches a burst length (log-uniform), so that runs differ in kind and
// not just in detail. `fault_rates[i]` is the profile's rate of failure point i; 0 = never.
std::unique_ptr<Strategy> make_random_strategy(uint64_t seed, std::vector<double> fault_rates,
                                               double fault_swarm);

// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): random priorities, depth - 1
// priority changes among the first `length` points. Other sites behave as in the random strategy.
std::unique_ptr<Strategy> make_pct_strategy(uint64_t seed, unsigned depth, uint64_t length,
                                            std::vector<double> fault_rates, double fault_swarm);

// Partial order sampling (Yuan, Yang, Gu, CAV 2018): random priorities for what the threads are
// about to do, drawn again for what races with the step that was taken.
std::unique_ptr<Strategy> make_pos_strategy(uint64_t seed, std::vector<double> fault_rates,
                                            double fault_swarm);

// Selectively uniform random walk (Zhao et al., ASPLOS 2025): threads are drawn in proportion to
// the points that they have left. counts[t] is the number of points of thread t in a run without
// deviations.
std::unique_ptr<Strategy> make_surw_strategy(uint64_t seed, std::vector<uint32_t> counts,
                                             std::vector<double> fault_rates, double fault_swarm);

// Active random testing (Sen, PLDI 2008): threads that arrive at one of a few places of the
// program, drawn per run, are paused there while others go on.
std::unique_ptr<Strategy> make_active_strategy(uint64_t seed, std::vector<double> fault_rates,
                                               double fault_swarm);

// For comparison: even chances at each point; and turns of a fixed number of points, drawn per run.
std::unique_ptr<Strategy> make_walk_strategy(uint64_t seed, std::vector<double> fault_rates,
                                             double fault_swarm);
std::unique_ptr<Strategy> make_round_robin_strategy(uint64_t seed, std::vector<double> fault_rates,
                                                    double fault_swarm);

// Exactly these deviations, 0 everywhere else. One that can not happen (never reached, thread not
// runnable, outcome out of range) is skipped.
std::unique_ptr<Strategy> make_replay_strategy(std::vector<Deviation>);

// The answers of `first` up to scheduling point `from` of the run, those of `then` after it.
std::unique_ptr<Strategy> make_prefix_strategy(std::unique_ptr<Strategy> first, uint64_t from,
                                               std::unique_ptr<Strategy> then);

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// Dynamic partial-order reduction for the bounded search: which alternatives are worth trying.
//
// Flanagan, Godefroid: "Dynamic partial-order reduction for model checking software" (POPL 2005):
// at first each place lets the boring thread run only. When a step turns out to touch what an
// earlier step of another thread touched, and one of them wrote, their order may matter: at the
// place in front of the earlier step the later thread is to be tried, too; where it can not run
// there, all that can. Under a bound on preemptions that loses states, since the way around may
// need one preemption more than the bound has; so the same is tried at the beginning of the
// uninterrupted turn that the earlier step belongs to, where switching was free (Coons, Musuvathi,
// McKinley: "Bounded partial-order reduction", OOPSLA 2013). No sleep sets, for the same reason:
// the equivalent run that they rely on may be out of bounds.
//
// What is sound: every state in which a run of the bound ends without the reduction is reached with
// it, if what threads share without synchronisation are points (a program free of data races, or
// plain_points), and as far as a step touches what access.h is told. Each call to the kernel and
// each look at a clock depends on every other, a yield on each step of the other threads, and
// whatever makes something due later on each point at which a thread could be held up until then.
// Holds, faults and choices of whom to wake are not reduced. Threads that still run when the last
// added thread ends are out of its sight after that.
#pragma once

#include <cstdint>
#include <vector>

#include "explore/access.h"
#include "explore/bounds.h"

namespace pollux::explore {

class Reduction final : private AccessObserver {
 public:
  class Search {
   public:
    virtual ~Search() = default;
    // At this node `thread` is to run, too; if it can not, all that can.
    virtual void also_try(size_t node, Actor thread) = 0;
  };

  explicit Reduction(Search& search) : search_(search) {}

  // What is tried at a node in any case, apart from its boring thread.
  static uint64_t always_tried(const Menu&);

  void begin_run();
  // At `node` it was decided that `thread` runs; `turn`: it did not run before.
  void begin_step(size_t node, Actor thread, bool turn);
  // Whether `thread` could be held up here depended on what is due.
  void look_at_due(Actor thread) { touched(thread, kDueObject, false); }

 private:
  using Step = int32_t;  // index; -1: none
  using Id = uint32_t;   // of a thread: slots are used again, these are not
  static constexpr Step kNone = -1;

  struct StepInfo {
    Id thread;
    int32_t node;       // in front of it; kNone: nobody else could run there
    int32_t turn_node;  // in front of the first step of its turn; likewise
  };
  struct ThreadInfo {
    Actor slot;
    Id creator;
    Step created;              // the step in which it was; kNone: before the run
    std::vector<Step> before;  // by thread: the last step that lies before its next one anyway
  };
  struct Use {
    Id thread;
    Step any, write;  // its last ones
  };
  struct Location {
    Object object = kNoObject;
    uint64_t run = 0;  // in use if it is this one
    std::vector<Use> uses;
  };

  void touched(Actor, Object, bool writes) override;
  void begin_step(const StepInfo&);
  void use(Id, Object, bool writes);
  void enabled(Actor by, Actor whom) override;
  void created(Actor by, Actor whom) override;

  Step step_of(Id thread);
  void reversible(Step earlier, Id later);
  Location& location(Object);
  void grow();

  Search& search_;
  std::vector<StepInfo> steps_;
  std::vector<ThreadInfo> threads_;
  size_t thread_count_ = 0;  // of this run; the others are kept for their memory
  Id id_of_slot_[kThreadsMax] = {};
  std::vector<Location> table_ = std::vector<Location>(256);  // open addressing
  size_t used_ = 0;
  uint64_t run_ = 0;
};

}  // namespace pollux::explore

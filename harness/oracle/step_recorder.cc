// SPDX-License-Identifier: MIT
//
// A step is opened when its thread arrives at the point in front of it, done when the thread is
// through the point, and closed when the thread arrives at its next point: only then can it be seen
// what an access left in memory, since nobody else runs in between. For the same reason a value
// "before" is read when the step is done, not when its thread arrived.
//
// Memory is read through process_vm_readv: what a step accessed may be gone when it is closed.
//
// Choices that were not boring are noticed at the next event of any kind. Until then the actor that
// made one has not arrived anywhere else, so its open step is the one that the choice belongs to.
#include "oracle/step_recorder.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

#include "explore/call_stack.h"
#include "explore/check.h"
#include "explore/modules.h"
#include "explore/state.h"
#include "explore/thread_objects.h"
#include "kernel/kernel.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::oracle {
namespace {

using explore::state;

constexpr size_t kStepsMax = 2u << 20;
constexpr unsigned kFramesMax = 24;
constexpr uint32_t kNone = UINT32_MAX;
constexpr const char* kHeldUp = "waits for time (held up)";  // a choice and no wait of the step

// False: it is not mapped any more.
bool read_word(uint64_t address, size_t size, uint64_t& value) {
  value = 0;
  iovec to{&value, size}, from{reinterpret_cast<void*>(address), size};
  long self = shim::raw_system_call(SYS_getpid);
  long got = shim::raw_system_call(SYS_process_vm_readv, self, reinterpret_cast<long>(&to), 1,
                                   reinterpret_cast<long>(&from), 1, 0);
  return got == static_cast<long>(size);
}

StepKind kind_of(uint64_t where) {
  switch (static_cast<explore::Kind>(where >> 56)) {
    case explore::Kind::read:
    case explore::Kind::volatile_read:
    case explore::Kind::atomic_load:
      return StepKind::read;
    case explore::Kind::write:
    case explore::Kind::volatile_write:
    case explore::Kind::atomic_store:
      return StepKind::write;
    case explore::Kind::atomic_rmw:
      return StepKind::update;
    case explore::Kind::atomic_cas:
      return StepKind::compare;
    case explore::Kind::fence:
      return StepKind::fence;
    case explore::Kind::thread_start:
      return StepKind::begin;
    case explore::Kind::thread_end:
      return StepKind::end;
    default:
      return (where & 0xFFFFFF) < 0x10000 ? StepKind::call : StepKind::object;
  }
}

class StepRecorder final : public explore::AccessObserver, public trace::LineSink {
 public:
  void start() {
    log_ = {};
    made_.clear();
    stacks_.clear();
    texts_.clear();
    std::fill(std::begin(open_), std::end(open_), kNone);
    access_ = {};
    on_ = true;
  }
  bool on() const { return on_; }
  StepLog finish();

  void at_access(const volatile void* address, size_t size, uintptr_t code) override {
    access_ = {reinterpret_cast<uintptr_t>(address), size, explore::module_relative(code - 1)};
  }
  void at_point(Actor thread, uint64_t where, explore::Object object, bool) override {
    shim::HarnessScope scope;  // the gate is open at a point, and the unwinder takes locks
    notice_choices();
    close(thread);
    if (log_.steps.size() >= kStepsMax) drop_half();
    open_[thread] = static_cast<uint32_t>(log_.steps.size());
    Step& step = log_.steps.emplace_back();
    step.thread = thread;
    step.kind = kind_of(where);
    step.arrived = state.points + 1;
    step.ordinal = state.choices.made(thread, site::kPoint);
    step.place = where & 0xFF'FFFF'FFFF'FFFF;
    if (access_.code != 0) {
      step.address = access_.address;
      step.size = static_cast<uint8_t>(access_.size <= 8 ? access_.size : 0);
      step.place = access_.code;
    } else if (object > explore::kFenceObject) {
      step.address = object << 3;
    }
    access_ = {};
    if (step.kind == StepKind::call) step.text = intern(kernel::call_name(step.place));
    if (step.kind == StepKind::object) step.text = intern(explore::object_call_name(step.place));
    step.stack = stack();
  }
  // What time brings while a thread is held up is touched in its name, before it does its step. A
  // call is done when its line comes.
  void touched(Actor thread, explore::Object object, bool) override {
    if (open_[thread] == kNone) return;
    const Step& step = log_.steps[open_[thread]];
    if (step.address == 0 || object != explore::object_of(address_of(step))) return;
    shim::HarnessScope scope;
    done(thread);
  }
  void read_stale(uint64_t value) override {
    if (open_[state.current] == kNone) return;
    Step& step = log_.steps[open_[state.current]];
    step.before = value;
    step.stale = true;
  }
  void enabled(Actor, Actor) override {}
  void created(Actor, Actor) override {}

  void line(Actor actor, trace::What what, const char* text) override {
    notice_choices();
    if (what == trace::What::packet) return add_packet(text);
    if (actor >= kThreadsMax || open_[actor] == kNone) return;
    Step& step = log_.steps[open_[actor]];
    if (what == trace::What::call && step.kind == StepKind::call) {
      done(actor);
      step.text = intern(text);
      step.time_ns = state.timeline.now();
    } else if (what == trace::What::waits && std::strcmp(text, kHeldUp) != 0) {
      constexpr size_t kWaitsFor = sizeof "waits for " - 1;
      step.wait = intern(text + kWaitsFor);
    }
  }
  void concerns(Actor actor, int fd) override {
    if (actor >= kThreadsMax || open_[actor] == kNone) return;
    Step& step = log_.steps[open_[actor]];
    for (unsigned i = 0; i < step.fd_count; ++i) {
      if (step.fds[i] == fd) return;
    }
    if (step.fd_count < Step::kFds) step.fds[step.fd_count++] = fd;
  }

 private:
  struct Access {
    uint64_t address = 0;
    size_t size = 0;
    uint64_t code = 0;
  };

  static const volatile void* address_of(const Step& step) {
    return reinterpret_cast<const volatile void*>(step.address);
  }

  void done(Actor thread) {
    if (thread >= kThreadsMax || open_[thread] == kNone) return;
    Step& step = log_.steps[open_[thread]];
    if (step.number != 0) return;
    step.number = state.points;
    step.time_ns = state.timeline.now();
    if (step.size != 0) read_word(step.address, step.size, step.before);
  }

  void close(Actor thread) {
    if (open_[thread] == kNone) return;
    done(thread);
    Step& step = log_.steps[open_[thread]];
    bool there = step.size != 0 && read_word(step.address, step.size, step.after);
    // Whoever reads may free the memory at once.
    if (step.kind == StepKind::read && !step.stale) step.after = step.before;
    bool watched = step.address - state.watch_base < state.watch_length;
    if (there && watched && state.word_names != nullptr) name_values(step);
    open_[thread] = kNone;
  }

  static WatchedWord name_word(uintptr_t address, uint64_t value) {
    WatchedWord word = state.word_names(state.watcher_context, address, value);
    word.address = address;
    return word;
  }

  // What the network does is a step of nobody's, between those of the threads.
  void add_packet(const char* text) {
    Step& step = log_.steps.emplace_back();
    step.thread = kNetwork;
    step.kind = StepKind::packet;
    step.arrived = step.number = state.points;
    step.time_ns = state.timeline.now();
    step.text = intern(text);
  }

  void name_values(Step& step) {
    WatchedWord word = name_word(step.address, step.after);
    if (word.name.empty()) return;
    std::string text = word.name + ": ";
    if (step.before != step.after) {
      text += name_word(step.address, step.before).value +
              (step.stale ? ", stale: newest is " : " -> ");
    }
    text += word.value;
    step.text = intern(text.c_str());
    if (word.fd >= 0) {
      step.fds[0] = word.fd;
      step.fd_count = 1;
    }
  }

  void notice_choices() {
    const std::vector<Deviation>& deviations = state.choices.deviations();
    while (made_.size() < deviations.size()) {
      Actor actor = deviations[made_.size()].actor;
      uint32_t step = actor < kThreadsMax ? open_[actor] : kNone;
      made_.push_back({state.points, state.timeline.now(), step});
    }
  }

  uint32_t stack() {
    std::vector<uint64_t> key;
    key.reserve(kFramesMax);
    explore::visit_frames([&](uintptr_t code, bool exact) {
      // A return address may belong to the next line, or to the next function.
      key.push_back(explore::module_relative(code - !exact));
      return key.size() < kFramesMax;
    });
    auto [known, is_new] = stacks_.try_emplace(key, log_.frames.size());
    if (is_new) {
      log_.frames.push_back(key.size());
      log_.frames.insert(log_.frames.end(), key.begin(), key.end());
    }
    return static_cast<uint32_t>(known->second);
  }

  uint32_t intern(const char* text) {
    auto [known, is_new] = texts_.try_emplace(text, log_.texts.size());
    if (is_new) log_.texts.emplace_back(text);
    return static_cast<uint32_t>(known->second + 1);
  }

  // Whoever is not in the second half is as if it had been before the log began.
  void drop_half() {
    size_t gone = log_.steps.size() / 2;
    log_.steps.erase(log_.steps.begin(), log_.steps.begin() + static_cast<ptrdiff_t>(gone));
    log_.dropped += gone;
    auto move = [gone](uint32_t& step) {
      step = step == kNone || step < gone ? kNone : step - static_cast<uint32_t>(gone);
    };
    for (uint32_t& open : open_) move(open);
    for (ChoiceMade& made : made_) move(made.step);
  }

  bool on_ = false;
  StepLog log_;
  std::vector<ChoiceMade> made_;
  std::map<std::vector<uint64_t>, size_t> stacks_;
  std::map<std::string, size_t, std::less<>> texts_;
  uint32_t open_[kThreadsMax];
  Access access_;
};

StepLog StepRecorder::finish() {
  notice_choices();
  on_ = false;
  // The one that ran last has done what it was at; the others stand in front of something, or wait
  // within it.
  if (state.current < kThreadsMax) close(state.current);
  log_.made = std::move(made_);
  log_.modules = explore::module_paths();
  for (unsigned id = 0; id < explore::thread_count(); ++id) {
    log_.threads.emplace_back(explore::thread_info(static_cast<Actor>(id)).name);
  }
  for (uintptr_t at = 0; state.word_names != nullptr && at < state.watch_length; at += 8) {
    uintptr_t address = state.watch_base + at;
    uint64_t value = 0;
    if (!read_word(address, 8, value)) break;
    WatchedWord word = name_word(address, value);
    if (!word.name.empty()) log_.words.push_back(std::move(word));
  }
  for (const kernel::StuckDescriptor& stuck : kernel::kernel().stuck_descriptors()) {
    log_.stuck.push_back(stuck.fd);
  }
  return std::move(log_);
}

// Never destroyed: the run of a process ends inside exit handlers.
StepRecorder& step_recorder() {
  static auto* const instance = new StepRecorder;
  return *instance;
}

}  // namespace

void start_step_log() {
  POLLUX_EXPLORE_CHECK(explore::access_observer() == nullptr);
  step_recorder().start();
  explore::observe_accesses(&step_recorder());
  trace::set_line_sink(&step_recorder());
}

StepLog take_step_log() { return step_recorder().on() ? step_recorder().finish() : StepLog(); }

}  // namespace pollux::oracle

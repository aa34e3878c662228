// SPDX-License-Identifier: MIT
//
// A slot of the table goes through
//
//   free ---reserve_process---> (reserved: alive, due never) ---process_begins---> alive
//     ^                                                                              |
//     +---bury_process (its parent has waited for it)--- ended <---end_process, or it died
//
// The turn is a word that holds the slot whose turn it is, and a futex. Whoever has it may change
// anything in the table, so nothing else in there is atomic; giving the turn away is a release, and
// getting it an acquire.
//
// Who gives the turn away:
//
//   leave_carrier()  no thread of the process can run, and another process is due before anything
//                    here is (turn_is_anothers)
//   look_closer()    its slice is over: the timeline said so (slice_over) before this point
//   end_process()    for good
//
// When nobody is due any more the turn goes to the root, which then finds that nothing can happen.
//
// A process may die while it has the turn: killed, or by a fault of the machine. Those that wait
// for the turn look for that from time to time, in real time, each at its own children; the dead
// one is then ended on its behalf. How soon that is noticed does not matter to the run, in which no
// time passes meanwhile.
#include "explore/processes.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>

#include "explore/check.h"
#include "explore/lock_order.h"
#include "explore/memory_roots.h"
#include "explore/state.h"
#include "pollux/shim/raw_system_call.h"
#include "pollux/shim/window.h"

namespace pollux::explore {
namespace {

constexpr size_t kMemory = size_t{256} << 20;  // reserved; untouched pages cost nothing
constexpr size_t kLinesMax = size_t{64} << 20;
constexpr size_t kWaitsMax = 200;
// How far ahead of another process one may run.
constexpr Time kSlices[] = {20'000, 0, 5'000, 100'000, 1'000'000};

struct Table {
  std::atomic<uint32_t> turn;
  std::atomic<bool> over;
  uint64_t hash;  // of who gave the turn away, at that moment
  uint32_t serials;
  Process processes[kProcessesMax];
  char waits[kProcessesMax][kWaitsMax];  // for what those that sleep wait
  size_t lines_size;
  size_t memory_used;
  alignas(64) char memory[kMemory];
  char lines[kLinesMax];
};

Table* table = nullptr;
unsigned self = kRootProcess;
unsigned forking = kNoProcess;
ProcessEvents* events = nullptr;
Time slice_ends = kNever;  // when the timeline says that the slice is over
uint64_t slice = 0;        // which one: the entry of an older one means nothing

long real_pid() { return shim::raw_system_call(SYS_getpid); }

bool is_alive(unsigned slot) { return table->processes[slot].state == ProcessState::alive; }

// Who is due first; of several the one that comes next after this one, which is last. The root when
// nobody ever is.
unsigned first_due() {
  unsigned first = kRootProcess;
  Time due = kNever;
  for (unsigned i = 1; i <= kProcessesMax; ++i) {
    const unsigned slot = (self + i) % kProcessesMax;
    if (!is_alive(slot) || table->processes[slot].due >= due) continue;
    due = table->processes[slot].due;
    first = slot;
  }
  return first;
}

// Of the others; kNever when none of them is ever due.
Time due_of_others() {
  Time due = kNever;
  for (unsigned slot = 0; slot < kProcessesMax; ++slot) {
    if (slot != self && is_alive(slot)) due = std::min(due, table->processes[slot].due);
  }
  return due;
}

// What this process has to say goes where the root finds it.
void leave_lines() {
  for (const std::string& line : trace::recorder.lines) {
    if (table->lines_size + line.size() + 1 > kLinesMax) break;
    std::memcpy(table->lines + table->lines_size, line.data(), line.size());
    table->lines_size += line.size();
    table->lines[table->lines_size++] = '\n';
  }
  trace::recorder.lines.clear();
}

void leave_waits() {
  std::string text = describe_threads();
  text.resize(std::min(text.size(), kWaitsMax - 1));
  std::memcpy(table->waits[self], text.c_str(), text.size() + 1);
}

void give_turn(unsigned to) {
  leave_lines();
  leave_waits();
  table->hash = trace::recorder.hash;
  table->turn.store(to, std::memory_order_release);
  shim::raw_system_call(SYS_futex, reinterpret_cast<long>(&table->turn), FUTEX_WAKE,
                        static_cast<long>(kProcessesMax));
}

[[noreturn]] void exit_silently() {
  shim::raw_system_call(SYS_exit_group, exit_code::kViolation);
  __builtin_unreachable();
}

int status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xFF) << 8;
  return info.si_status & 0x7F;
}

// Ends those children that have died without a word. True: the turn was with one of them, and is
// here now.
bool look_after_children() {
  bool came = false;
  for (unsigned slot = 0; slot < kProcessesMax; ++slot) {
    const Process& child = table->processes[slot];
    const pid_t real = child.real.load();
    if (slot == self || !is_alive(slot) || child.parent != self || real == 0) continue;
    siginfo_t info{};
    long found = shim::raw_system_call(SYS_waitid, P_PID, real, reinterpret_cast<long>(&info),
                                       WEXITED | WNOHANG | WNOWAIT, 0);
    if (found != 0 || info.si_pid == 0) continue;
    // Only now is nobody else at work on the table.
    if (table->turn.load(std::memory_order_acquire) != slot) continue;
    end_other_process(slot, status_of(info));
    table->turn.store(self, std::memory_order_relaxed);
    came = true;
  }
  return came;
}

// Until it is this process's turn.
void wait_for_turn() {
  constexpr long kFirstLook = 1'000'000, kLastLook = 20'000'000;  // ns
  long patience = kFirstLook;
  const pid_t root = table->processes[kRootProcess].real.load();
  for (;;) {
    if (table->over.load(std::memory_order_acquire)) exit_silently();
    const uint32_t turn = table->turn.load(std::memory_order_acquire);
    if (turn == self) break;
    timespec timeout{0, patience};
    long woken = shim::raw_system_call(SYS_futex, reinterpret_cast<long>(&table->turn), FUTEX_WAIT,
                                       turn, reinterpret_cast<long>(&timeout));
    if (woken != -ETIMEDOUT) continue;
    patience = std::min(patience * 2, kLastLook);
    if (shim::raw_system_call(SYS_kill, root, 0) == -ESRCH) exit_silently();
    if (look_after_children()) break;
  }
}

class NobodyRuns {
 public:
  NobodyRuns() : actor_(state.choices.actor()) { state.choices.set_actor(kNetwork); }
  ~NobodyRuns() { state.choices.set_actor(actor_); }

 private:
  Actor actor_;
};

void turn_came() {
  trace::recorder.mix(table->hash);
  trace::recorder.mix(tagged(Kind::turn, table->processes[self].serial));
  trace::recorder.step();
  NobodyRuns scope;
  if (events != nullptr) events->turn_came();
}

void slice_over(void*, uint64_t number, uint64_t) {
  if (number != slice) return;
  slice_ends = kNever;
  state.slice_over = true;
  state.points_check = 0;
}

// The other threads of the process of which this is a copy are not here.
void keep_current_thread() {
  for (unsigned id = 0; id < state.thread_count; ++id) {
    if (id == state.current) continue;
    Thread& thread = state.threads[id];
    thread.destructors.clear();
    ++thread.generation;
    thread.held = thread.stopped = thread.abandoned = false;
    thread.state = ThreadState::free;
    forget_locks_of(static_cast<Actor>(id));
  }
  state.thread_count = state.current + 1u;
  state.runnable = bit(state.current);
  state.added_alive = 0;
  state.held = 0;
  signalled_threads &= bit(state.current);
  current().detached = true;  // nobody is there to join it
  state.driver.thread_pointer = shim::thread_pointer();
  shim::pollux_run_carrier = static_cast<pid_t>(shim::raw_system_call(SYS_gettid));
  recompute_candidates();
}

}  // namespace

bool forked() { return state.forked; }
unsigned own_process() { return self; }
Process& process(unsigned slot) { return table->processes[slot]; }
void set_process_events(ProcessEvents* wanted) { events = wanted; }

// --- Making one.

unsigned reserve_process(long root_id) {
  if (table == nullptr) {
    void* at = ::mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    POLLUX_EXPLORE_CHECK(at != MAP_FAILED);
    note_harness_memory(at, sizeof(Table));
    table = static_cast<Table*>(at);
    state.forked = true;
    table->turn.store(kRootProcess);
    table->serials = 1;
    Process& root = table->processes[kRootProcess];
    root.state = ProcessState::alive;
    root.parent = kNoProcess;
    root.id = root.group = root_id;
    root.real.store(static_cast<pid_t>(real_pid()));
  }
  for (unsigned slot = 0; slot < kProcessesMax; ++slot) {
    Process& child = table->processes[slot];
    if (child.state != ProcessState::free) continue;
    child.state = ProcessState::alive;
    child.told = false;
    child.parent = self;
    child.serial = table->serials++;
    child.group = table->processes[self].group;
    child.session = table->processes[self].session;
    child.due = kNever;
    child.told_at = 0;
    child.status = 0;
    child.signals = 0;
    child.real.store(0);
    return slot;
  }
  return kNoProcess;
}

void give_back_process(unsigned slot) {
  table->processes[slot].state = ProcessState::free;
  forking = kNoProcess;
}

void fork_begins(unsigned slot) { forking = slot; }
bool is_forking() { return forking != kNoProcess; }

void fork_ended_in_child() {
  const unsigned slot = forking;
  POLLUX_EXPLORE_CHECK(slot != kNoProcess);
  forking = kNoProcess;
  self = slot;
  Process& own = table->processes[self];
  own.real.store(static_cast<pid_t>(real_pid()));
  // The root goes first: it is what `pollux exec` waits for.
  if (own.parent == kRootProcess)
    shim::raw_system_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  wait_for_turn();
  trace::recorder.lines.clear();  // they are the parent's
  trace::recorder.process = own.id;
  state.choices.become_child(own.serial);
  slice_ends = kNever;
  ++slice;
  keep_current_thread();
  if (events != nullptr) events->child_began();
  turn_came();
  begin_slice();
}

void process_begins(unsigned slot, pid_t real) {
  forking = kNoProcess;
  table->processes[slot].real.store(real);
  table->processes[slot].due = state.timeline.now();
  begin_slice();
}

void* shared_memory(size_t bytes) {
  constexpr size_t kAlignment = 64;
  bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
  if (kMemory - table->memory_used < bytes) {
    end_run(Verdict::unmodelled, "more than 256 MiB of pipes between processes are not modelled");
  }
  void* at = table->memory + table->memory_used;
  table->memory_used += bytes;
  return at;
}

// --- Running.

bool turn_is_anothers() { return table != nullptr && due_of_others() < state.timeline.next(); }

void begin_slice() {
  state.slice_over = false;
  const Time due = due_of_others();
  if (due >= slice_ends) return;  // also when nobody else is ever due
  const Time length = kSlices[state.choices.choose(site::kProcessSlice, std::size(kSlices))];
  const Time ends = std::max(due + length, state.timeline.now());
  if (ends >= slice_ends) return;
  slice_ends = ends;
  state.timeline.add(ends, slice_over, nullptr, ++slice);
}

void give_turn_away(Time due) {
  Process& own = table->processes[self];
  own.due = due;
  const unsigned next = first_due();
  if (next == self) return begin_slice();
  give_turn(next);
  wait_for_turn();
  turn_came();
  begin_slice();
}

void nothing_can_happen_here() {
  table->processes[self].due = kNever;
  give_turn(kRootProcess);
  wait_for_turn();
  turn_came();
}

void tell_process(unsigned slot) {
  Process& other = table->processes[slot];
  other.told_at = state.timeline.now();
  if (slot == self) return;
  other.due = std::min(other.due, state.timeline.now());
  begin_slice();
}

void catch_up(Time when) {
  if (when > state.timeline.now()) state.timeline.spend(when - state.timeline.now());
}

void end_other_process(unsigned slot, int status) {
  Process& gone = table->processes[slot];
  if (events != nullptr) events->died(slot);
  gone.state = ProcessState::ended;
  gone.status = status;
  gone.due = kNever;
  for (Process& child : table->processes) {
    if (child.state == ProcessState::free || child.parent != slot) continue;
    child.parent = kNoProcess;
    if (child.state == ProcessState::ended) child.state = ProcessState::free;
  }
  if (gone.parent == kNoProcess) {
    gone.state = ProcessState::free;
  } else {
    tell_process(gone.parent);
  }
}

void end_process(int status) {
  end_other_process(self, status);
  give_turn(first_due());
}

void bury_process(unsigned slot) {
  Process& gone = table->processes[slot];
  int status;
  shim::raw_system_call(SYS_wait4, gone.real.load(), reinterpret_cast<long>(&status), 0, 0);
  gone.state = ProcessState::free;
}

// --- The end of the run.

void end_other_processes() {
  if (table == nullptr) return;
  table->over.store(true, std::memory_order_release);
  give_turn(kRootProcess);
}

std::string lines_of_processes() { return {table->lines, table->lines_size}; }

std::string other_processes() {
  std::string text;
  if (table == nullptr) return text;
  for (unsigned slot = 0; slot < kProcessesMax; ++slot) {
    if (slot == self || !is_alive(slot)) continue;
    text += text.empty() ? "" : "; ";
    text += "process " + std::to_string(table->processes[slot].id) + ": " + table->waits[slot];
  }
  return text;
}

}  // namespace pollux::explore

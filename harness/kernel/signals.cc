// SPDX-License-Identifier: MIT
//
// kernel/signal.c, as far as programs see it.
//
//   sent ---ignored and not blocked---> gone
//    |
//    +--> pending (of the thread, or of the process) ---read: sigwait, signalfd---> gone
//               |
//               +---a thread that does not block it takes it---> default action, or its handler
//               runs
//
// A signal for a process is for all of its threads. One that does not block it is told: which one
// is the choice signal/thread (Linux prefers the main thread). Being told means that the thread's
// bit is set and that its wait, if it waits, ends. Whoever gets to take it first has it.
//
// A thread takes signals at the border between the program and the twin, and what it finds there is
// decided like this:
//
//   before a call   it was told meanwhile. Choice signal/entry: the handlers run now, and the call
//                   may sleep for ever afterwards, or the call begins and is interrupted.
//   after a call    always. What the call sent to its own thread, or unblocked, is handled before
//                   the call returns, as POSIX wants it.
//
// A call that waits and is told comes back with -EINTR, or with kRestart when signal(7) says that
// SA_RESTART repeats it. Nothing of the call is left on the stack when a handler runs, so handlers
// may make calls, throw, or leave by siglongjmp.
//
// Several signals at once: Linux builds the handlers' frames in the order of the numbers, so the
// handler whose frame is built last runs first, unless the mask of an earlier one blocks it. The
// first frame decides whether the call is repeated. run_handler() calls itself to the same effect.
//
// Signals of the machine: SIGSEGV and its like, and SIGABRT, which abort() raises inside of libc,
// come from the real kernel. The program's actions for those are therefore set there as well, and
// its default actions are the real ones.
#include "kernel/signals.h"

#include <sys/syscall.h>
#include <ucontext.h>

#include <cerrno>
#include <cstring>

#include "explore/never_destroyed.h"
#include "explore/processes.h"
#include "explore/program_scope.h"
#include "kernel/host.h"
#include "kernel/processes.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

using explore::Interruption;

constexpr uintptr_t kDefault = 0, kIgnore = 1;

constexpr SignalSet kIgnoredByDefault =
    signal_bit(SIGCONT) | signal_bit(SIGCHLD) | signal_bit(SIGWINCH) | signal_bit(SIGURG);
constexpr SignalSet kStopByDefault =
    signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU);
// Taken first (SYNCHRONOUS_MASK).
constexpr SignalSet kSynchronous = signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) |
                                   signal_bit(SIGTRAP) | signal_bit(SIGFPE) | signal_bit(SIGSYS);
constexpr SignalSet kOfTheMachine = kSynchronous | signal_bit(SIGABRT);
constexpr int kFirstQueued = 32;  // SIGRTMIN

explore::NeverDestroyed<ThreadSignals[kThreadsMax]> thread_storage;
constexpr auto& threads = thread_storage.value;

// What the real process did on signals of the machine before the run changed it.
struct RealAction {
  bool changed = false;
  struct sigaction before = {};
};
RealAction real_actions[kSignals];

bool has(SignalSet set, int signal) { return (set & signal_bit(signal)) != 0; }

// --- Who there is.

bool is_of(unsigned host, const explore::ThreadInfo& thread) {
  return thread.alive && thread.host == host;
}

// The first thread of a process is its main thread.
template <class Visit>
void visit_threads(unsigned host, Visit visit) {
  for (unsigned id = 0; id < explore::thread_count(); ++id) {
    auto actor = static_cast<Actor>(id);
    if (is_of(host, explore::thread_info(actor))) visit(actor);
  }
}

bool takes(Actor id, int signal) { return !has(threads[id].mask, signal); }

// Somebody is told of a signal that is pending for the process; `except` has just blocked it.
void tell_one(unsigned host, int signal, Actor except = kNetwork) {
  Actor candidates[kThreadsMax];
  uint32_t count = 0;
  visit_threads(host, [&](Actor id) {
    if (id != except && takes(id, signal)) candidates[count++] = id;
  });
  if (count == 0) return;
  explore::interrupt(candidates[explore::choose(site::kSignalThread, count)]);
}

void tell_others(unsigned host, SignalSet signals, Actor except) {
  for (int signal = 1; signal <= kSignals; ++signal) {
    if (has(signals, signal)) tell_one(host, signal, except);
  }
}

unsigned host_of(Actor id) { return explore::thread_info(id).host; }

SignalSet deliverable(Actor id) {
  return (threads[id].pending.set() | host(host_of(id)).signals.pending.set()) & ~threads[id].mask;
}

// recalc_sigpending
void recalculate(Actor id) {
  if (deliverable(id) != 0) {
    explore::interrupt(id);
  } else {
    explore::calm(id);
  }
}

// --- What is done.

[[noreturn]] void die(int signal, const siginfo_t& info, const std::string& why) {
  if (explore::in_child()) {  // its parent learns of it, and may have meant it
    end_child(signal);
    shim::raw_system_call(SYS_exit_group, 128 + signal);
  }
  std::string reason = "killed by " + signal_name(signal) + ": ";
  if (!why.empty()) {
    reason += why;
  } else if (info.si_code == SI_KERNEL) {
    reason += "its timer ran out";
  } else {
    reason += "the program sent it";
  }
  explore::end_run(Verdict::crash, reason);
}

// Ends the run, or comes back when there is nothing to do.
void default_action(const siginfo_t& info, const std::string& why = "") {
  int signal = info.si_signo;
  if (has(kIgnoredByDefault, signal)) return;
  if (has(kStopByDefault, signal)) {
    unmodelled((signal_name(signal) + ", which stops the process").c_str());
  }
  // The real one: the harness notes crashes there.
  if (has(kOfTheMachine, signal)) {
    shim::raw_system_call(SYS_tgkill, shim::raw_system_call(SYS_getpid),
                          shim::raw_system_call(SYS_gettid), signal);
  }
  die(signal, info, why);
}

bool is_ignored(const SignalAction& action, int signal) {
  return action.handler == kIgnore ||
         (action.handler == kDefault && has(kIgnoredByDefault, signal));
}

// complete_signal: what kills a process does so at once, whoever would have taken it.
bool kills_at_once(unsigned host_number, int signal) {
  return action_of(host(host_number).signals, signal).handler == kDefault &&
         !has(kIgnoredByDefault | kStopByDefault | kOfTheMachine, signal);
}

void trace_signal(const siginfo_t& info, const SignalAction& action) {
  trace::recorder.mix(0x5160000000000000ull + static_cast<uint64_t>(info.si_signo));
  trace::recorder.step();
  if (!trace::recorder.text) return;
  const char* what = action.handler == kDefault ? "default action" : "handler";
  trace::line(trace::What::note, "takes %s: %s", signal_name(info.si_signo).c_str(), what);
}

Interruption take_all();

// Returns with the mask that was there before, or the one that the handler left in its context.
void run_handler(siginfo_t& info, const SignalAction& action) {
  ThreadSignals& own = own_signals();
  SignalSet before = own.has_saved_mask ? own.saved_mask : own.mask;
  own.has_saved_mask = false;
  SignalSet blocked = own.mask | action.mask;
  if ((action.flags & SA_NODEFER) == 0) blocked |= signal_bit(info.si_signo);
  set_mask(blocked & ~kUnblockable);
  take_all();  // frames on top of ours
  ucontext_t context{};
  std::memcpy(&context.uc_sigmask, &before, sizeof before);
  {
    explore::ProgramScope scope;
    if ((action.flags & SA_SIGINFO) != 0) {
      reinterpret_cast<void (*)(int, siginfo_t*, void*)>(action.handler)(info.si_signo, &info,
                                                                         &context);
    } else {
      reinterpret_cast<void (*)(int)>(action.handler)(info.si_signo);
    }
  }
  std::memcpy(&before, &context.uc_sigmask, sizeof before);  // rt_sigreturn
  set_mask(before & ~kUnblockable);
}

// The current thread takes all that it does not block.
Interruption take_all() {
  Interruption first = Interruption::none;
  siginfo_t info;
  while (take_signal(~own_signals().mask, &info)) {
    SignalAction& entry = action_of(process_signals(), info.si_signo);
    SignalAction action = entry;
    if (is_ignored(action, info.si_signo)) continue;
    trace_signal(info, action);
    if (action.handler == kDefault) {
      default_action(info);
      continue;
    }
    if ((action.flags & SA_RESETHAND) != 0) entry.handler = kDefault;
    if (first == Interruption::none) {
      first = (action.flags & SA_RESTART) != 0 ? Interruption::restart : Interruption::fail;
    }
    run_handler(info, action);
  }
  return first;
}

// A mask that a call brought along goes when the handlers have run, or none did.
Interruption take_and_restore() {
  Interruption first = take_all();
  ThreadSignals& own = own_signals();
  if (own.has_saved_mask) {
    own.has_saved_mask = false;
    set_mask(own.saved_mask);
  }
  return first;
}

class Source final : public explore::SignalSource {
 public:
  bool pending() override {
    Actor self = explore::current_thread();
    if (deliverable(self) != 0) return true;
    explore::calm(self);
    return false;
  }
  Interruption take() override { return take_and_restore(); }
  int send(Actor id, int signal) override {
    // libc keeps the first two real-time signals to itself.
    if (signal < 0 || signal > kSignals || signal == 32 || signal == 33) return EINVAL;
    if (signal != 0) send_to_thread(id, make_siginfo(signal, SI_TKILL));
    return 0;
  }
  void created(Actor creator, Actor id) override {
    SignalSet mask = creator < kThreadsMax ? threads[creator].mask : 0;
    threads[id] = ThreadSignals{};
    threads[id].mask = mask;
  }
  void ended(Actor id) override {
    unsigned number = host_of(id);
    SignalSet left = host(number).signals.pending.set() & ~threads[id].mask;
    threads[id] = ThreadSignals{};
    threads[id].mask = ~SignalSet{0};
    explore::calm(id);
    tell_others(number, left, id);
  }
};

// May be called while nobody runs.
template <class Tell>
void send(unsigned host_number, Actor target, PendingSignals& pending, const siginfo_t& info,
          Tell tell) {
  int signal = info.si_signo;
  SignalAction& action = action_of(host(host_number).signals, signal);
  bool is_blocked = has(threads[target].mask | threads[target].awaited, signal);
  if (!is_blocked && is_ignored(action, signal)) return;
  if (signal == SIGKILL) die(signal, info, "");
  if (!pending.add(info)) return;
  wake_signalfds(host_number, signal);
  tell();
}

}  // namespace

// --- Pending.

bool PendingSignals::add(const siginfo_t& info) {
  if (info.si_signo < kFirstQueued && has(set_, info.si_signo) && info.si_code != SI_TIMER)
    return false;
  set_ |= signal_bit(info.si_signo);
  queue_.push_back(info);
  return true;
}

bool PendingSignals::take(SignalSet wanted, siginfo_t* info) {
  SignalSet found = set_ & wanted;
  if (found == 0) return false;
  if ((found & kSynchronous) != 0) found &= kSynchronous;
  int signal = __builtin_ctzll(found) + 1;
  bool taken = false, more = false;
  for (size_t i = 0; i < queue_.size();) {
    if (queue_[i].si_signo != signal) {
      ++i;
    } else if (!taken) {
      taken = true;
      *info = queue_[i];
      queue_.erase(queue_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      more = true;
      break;
    }
  }
  POLLUX_KERNEL_CHECK(taken);
  if (!more) set_ &= ~signal_bit(signal);
  return true;
}

void PendingSignals::discard(SignalSet signals) {
  if ((set_ & signals) == 0) return;
  set_ &= ~signals;
  std::erase_if(queue_, [&](const siginfo_t& info) { return has(signals, info.si_signo); });
}

// --- Life.

void reset_signals() {
  static Source source;
  explore::set_signal_source(&source);
  give_back_real_actions();
}

void give_back_real_actions() {
  for (int signal = 1; signal <= kSignals; ++signal) {
    RealAction& real = real_actions[signal - 1];
    if (!real.changed) continue;
    real.changed = false;
    ::sigaction(signal, &real.before, nullptr);
  }
}

// --- Waiting and taking.

bool sleep_on(explore::Why why, const void* object, Time deadline) {
  if (explore::signal_pending()) return true;
  return explore::block(why, object, deadline);
}

TemporaryMask::TemporaryMask(const SignalSet* mask) : on_(mask != nullptr) {
  if (!on_) return;
  ThreadSignals& own = own_signals();
  own.saved_mask = own.mask;
  own.has_saved_mask = true;
  set_mask(*mask & ~kUnblockable);
}

long TemporaryMask::ends(long result) {
  ThreadSignals& own = own_signals();
  if (on_ && result != -EINTR) {  // restore_saved_sigmask_unless
    own.has_saved_mask = false;
    set_mask(own.saved_mask);
  }
  return result;
}

void take_signals_before_call() {
  if (!explore::signal_pending()) return;
  if (explore::choose(site::kSignalEntry, 2) == 0) take_and_restore();
}

bool take_signals_after_call(long* result) {
  bool restartable = *result == explore::kRestart;
  Interruption handled = take_and_restore();
  if (!restartable) return false;
  *result = -EINTR;
  return handled != Interruption::fail;
}

// --- Sending.

siginfo_t make_siginfo(int signal, int code) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = code;
  if (code != SI_KERNEL) {
    info.si_pid = static_cast<pid_t>(process_id(explore::current_host()));
    info.si_uid = static_cast<uid_t>(shim::raw_system_call(SYS_getuid));
  }
  return info;
}

void send_to_process(unsigned number, const siginfo_t& info) {
  Actor main = kNetwork;
  bool taker = false;
  visit_threads(number, [&](Actor id) {
    if (main == kNetwork) main = id;
    taker |= takes(id, info.si_signo) && !has(threads[id].awaited, info.si_signo);
  });
  if (main == kNetwork) return;  // the process is gone
  ProcessSignals& process = host(number).signals;
  send(number, main, process.pending, info, [&] {
    if (taker && kills_at_once(number, info.si_signo)) die(info.si_signo, info, "");
    tell_one(number, info.si_signo);
  });
}

bool ask_to_end(unsigned number) {
  const uintptr_t handler = action_of(host(number).signals, SIGTERM).handler;
  if (handler == kDefault || handler == kIgnore) return false;
  send_to_process(number, make_siginfo(SIGTERM, SI_USER));
  return true;
}

void send_to_thread(Actor id, const siginfo_t& info) {
  send(host_of(id), id, threads[id].pending, info, [&] {
    if (!takes(id, info.si_signo)) return;
    bool awaited = has(threads[id].awaited, info.si_signo);
    if (!awaited && kills_at_once(host_of(id), info.si_signo)) die(info.si_signo, info, "");
    explore::interrupt(id);
  });
}

void send_sigpipe(const std::string& written_to) {
  siginfo_t info = make_siginfo(SIGPIPE, SI_USER);
  const SignalAction& action = action_of(process_signals(), SIGPIPE);
  if (action.handler == kDefault && !has(own_signals().mask, SIGPIPE)) {
    die(SIGPIPE, info, "write to " + written_to);
  }
  send_to_thread(explore::current_thread(), info);
}

// --- For the calls.

ProcessSignals& process_signals() { return current().signals; }

ThreadSignals& thread_signals(Actor id) { return threads[id]; }

void set_mask(SignalSet mask) {
  Actor self = explore::current_thread();
  ThreadSignals& own = threads[self];
  SignalSet newly_blocked = mask & ~own.mask;
  own.mask = mask;
  // retarget_shared_pending
  unsigned number = explore::current_host();
  SignalSet orphaned = host(number).signals.pending.set() & newly_blocked;
  if (orphaned != 0) tell_others(number, orphaned, self);
  recalculate(self);
}

// What the process ignored before the run stays ignored, as across execve(2).
SignalAction& action_of(ProcessSignals& process, int signal) {
  SignalAction& action = process.actions[signal - 1];
  if (!has(process.known, signal)) {
    process.known |= signal_bit(signal);
    SignalAction real;
    shim::raw_system_call(SYS_rt_sigaction, signal, 0, reinterpret_cast<long>(&real),
                          kSignalSetBytes);
    action = {};
    if (real.handler == kIgnore) action.handler = kIgnore;
  }
  return action;
}

void set_action(int signal, const SignalAction& wanted) {
  ProcessSignals& process = process_signals();
  SignalAction& action = action_of(process, signal);
  action = wanted;
  action.mask &= ~kUnblockable;
  if (is_ignored(action, signal)) {
    process.pending.discard(signal_bit(signal));
    visit_threads(explore::current_host(),
                  [&](Actor id) { threads[id].pending.discard(signal_bit(signal)); });
    recalculate(explore::current_thread());
  }
  if (!has(kOfTheMachine, signal)) return;
  RealAction& real = real_actions[signal - 1];
  if (!real.changed) {
    ::sigaction(signal, nullptr, &real.before);
    real.changed = true;
  }
  struct sigaction installed = real.before;
  if (action.handler != kDefault) {
    installed = {};
    installed.sa_handler = reinterpret_cast<void (*)(int)>(action.handler);
    installed.sa_flags = static_cast<int>(action.flags & ~0x04000000ul);  // SA_RESTORER is libc's
    std::memcpy(&installed.sa_mask, &action.mask, sizeof action.mask);
  }
  ::sigaction(signal, &installed, nullptr);
}

bool take_signal(SignalSet wanted, siginfo_t* info) {
  Actor self = explore::current_thread();
  ProcessSignals& process = process_signals();
  const bool of_thread = threads[self].pending.take(wanted, info);
  if (!of_thread && !process.pending.take(wanted, info)) {
    recalculate(self);
    return false;
  }
  if (info->si_code == SI_TIMER) {
    timer_signal_taken(process.timers, explore::current_host(), info);
  } else if (!of_thread && info->si_signo == SIGALRM) {
    restart_timer(process.timer, explore::current_host());
  }
  recalculate(self);
  return true;
}

SignalSet pending_set(unsigned number) {
  Actor self = explore::current_thread();
  SignalSet set = host(number).signals.pending.set();
  return self < kThreadsMax ? set | threads[self].pending.set() : set;
}

std::string signal_name(int signal) {
  if (const char* name = sigabbrev_np(signal)) return std::string("SIG") + name;
  return "signal " + std::to_string(signal);
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// A run of several processes. Which of them runs when is the explorer's business
// (explore/processes.h); here is what Linux shows of it: ids, groups, wait, exit status, signals
// from one to another, and what a child inherits.
//
// A child has its own copy of everything, which for most of it is what fork(2) says. Where it is
// not:
//
//   pipes           are shared: see pipe.h
//   other objects   two processes that use the same socket, timer or epoll set would see each
//                   other's doing; here each has a copy. So every object that was open at a fork
//                   has a word in shared memory: who used it, or its other end, first. Another one
//                   that does ends the run, by name. To close it is not to use it.
//   the network     other hosts of the world live in the first process. An inherited socket of
//                   TCP or UDP in a child has nobody on the other side if that is one of them.
//
// As on Linux a child has the calling thread only; pending signals and timers of its parent are not
// inherited.
#include "kernel/processes.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "explore/processes.h"
#include "explore/program_scope.h"
#include "kernel/calls.h"
#include "kernel/host.h"
#include "kernel/pools.h"
#include "kernel/process_calls.h"
#include "kernel/signals.h"
#include "pollux/shim/fork.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

using explore::kNoProcess;
using explore::Process;
using explore::ProcessState;

constexpr size_t kInheritedMax = 1u << 16;
// Room for the ids of a process's threads. Ids come again after kIds processes.
constexpr long kIdStep = 128, kIds = 1500;

// By File::inherited: 1 + the serial number of the process that used it; 0: nobody has.
struct Inherited {
  uint32_t count;
  uint32_t used_by[kInheritedMax];
};
Inherited* inherited = nullptr;

// What wait4 and waitid block on.
const char children_key = 0;

Process& own() { return explore::process(explore::own_process()); }

// Everything that is open gets its word.
void number_open_files() {
  if (inherited == nullptr)
    inherited = static_cast<Inherited*>(explore::shared_memory(sizeof(Inherited)));
  pools.visit_files([](File& file) {
    if (file.references() == 0 || file.inherited != 0 || file.kind() == Kind::pipe) return;
    if (++inherited->count >= kInheritedMax) unmodelled("fork with more than 65535 open objects");
    file.inherited = inherited->count;
  });
}

bool another_host_is_there() {
  for (unsigned number = 0; number < kHosts; ++number) {
    if (number != explore::current_host() && host_used(number)) return true;
  }
  return false;
}

siginfo_t about_child(const Process& child) {
  siginfo_t info{};
  info.si_signo = SIGCHLD;
  info.si_pid = static_cast<pid_t>(child.id);
  info.si_uid = static_cast<uid_t>(shim::raw_system_call(SYS_getuid));
  if (WIFEXITED(child.status)) {
    info.si_code = CLD_EXITED;
    info.si_status = WEXITSTATUS(child.status);
  } else {
    info.si_code = CLD_KILLED;
    info.si_status = WTERMSIG(child.status);
  }
  return info;
}

// do_notify_parent
void tell_of_ended_children() {
  const SignalAction& action = action_of(process_signals(), SIGCHLD);
  const bool buries_itself =
      action.handler == reinterpret_cast<uintptr_t>(SIG_IGN) || (action.flags & SA_NOCLDWAIT) != 0;
  bool any = false;
  for (unsigned slot = 0; slot < explore::kProcessesMax; ++slot) {
    Process& child = explore::process(slot);
    if (child.state != ProcessState::ended || child.parent != explore::own_process() || child.told)
      continue;
    child.told = any = true;
    if (trace::recorder.text)
      trace::line(trace::What::note, "process %ld has ended: %#x", child.id, child.status);
    send_to_process(explore::current_host(), about_child(child));
    if (buries_itself) explore::bury_process(slot);
  }
  if (any) explore::wake_all(explore::Why::child, &children_key);
}

void take_signals_of_others() {
  Process& process = own();
  while (process.signals != 0) {
    const int signal = __builtin_ctzll(process.signals) + 1;
    process.signals &= process.signals - 1;
    siginfo_t info = make_siginfo(signal, SI_USER);
    info.si_pid = static_cast<pid_t>(process.signals_from[signal - 1]);
    send_to_process(explore::current_host(), info);
  }
}

class Events final : public explore::ProcessEvents {
 public:
  void turn_came() override {
    explore::catch_up(own().told_at);
    hear_of_pipes();
    tell_of_ended_children();
    take_signals_of_others();
    progress();
  }

  void child_began() override {
    Host& here = current();
    here.process = own().id;
    state.first_tid = own().id - explore::current_thread();
    here.signals.pending.discard(~SignalSet{0});
    set_timer(here.signals.timer, explore::current_host(), 0, 0);
    forget_timers(here.signals.timers);
    thread_signals(explore::current_thread()).pending.discard(~SignalSet{0});
    pools.visit_files([](File& file) { file.forget_waiters(); });
  }

  void died(unsigned slot) override { close_shared_ends(slot); }
};

// Which children does a wait mean?
struct Wanted {
  idtype_t type;
  long id;

  bool is(const Process& child) const {
    if (child.state == ProcessState::free || child.parent != explore::own_process()) return false;
    switch (type) {
      case P_PID:
        return child.id == id;
      case P_PGID:
        return child.group == id;
      default:
        return true;
    }
  }
};

// The slot of one that has ended; kNoProcess: none has, with *any: but may.
unsigned find_ended(const Wanted& wanted, bool* any) {
  *any = false;
  if (!explore::forked()) return kNoProcess;
  unsigned found = kNoProcess;
  uint32_t serial = UINT32_MAX;
  for (unsigned slot = 0; slot < explore::kProcessesMax; ++slot) {
    const Process& child = explore::process(slot);
    if (!wanted.is(child)) continue;
    *any = true;
    if (child.state != ProcessState::ended || child.serial > serial) continue;
    serial = child.serial;
    found = slot;
  }
  return found;
}

// do_wait: the slot, or -errno; kNothing with WNOHANG.
constexpr long kNothing = INT32_MAX;
long wait_for_child(const Wanted& wanted, int options) {
  for (;;) {
    bool any;
    const unsigned slot = find_ended(wanted, &any);
    if (slot != kNoProcess) return slot;
    if (!any) return -ECHILD;
    if ((options & WNOHANG) != 0) return kNothing;
    progress();
    sleep_on(explore::Why::child, &children_key, kNever);
    if (find_ended(wanted, &any) == kNoProcess && explore::signal_pending())
      return interrupted(kNever);
  }
}

// No part of a child's time is known apart.
long no_usage(rusage* usage) {
  if (usage == nullptr) return 0;
  if (bad_address(usage)) return -EFAULT;
  *usage = {};
  return 0;
}

}  // namespace

void reset_processes() {
  static Events events;
  explore::set_process_events(&events);
  state.forked = false;
  state.first_tid = kFirstTid;
}

void claim_shared(File* file) {
  if (file->inherited == 0) return;
  const bool network = file->kind() == Kind::tcp || file->kind() == Kind::udp;
  if (explore::in_child() && network && another_host_is_there()) {
    unmodelled(("a forked process uses a socket that it inherited, and other hosts are on the "
                "network: " +
                file->describe())
                   .c_str());
  }
  const uint32_t self = own().serial + 1;
  for (const File* used :
       {static_cast<const File*>(file), static_cast<const File*>(file->other_end())}) {
    if (used == nullptr || used->inherited == 0) continue;
    uint32_t& used_by = inherited->used_by[used->inherited];
    if (used_by == 0) used_by = self;
    if (used_by == self) continue;
    unmodelled(("two processes use one object after a fork: " + file->describe()).c_str());
  }
}

void end_child(int wait_status) { explore::end_process(wait_status); }

long call_fork(const Arguments&) {
  if (!explore::is_process_run())
    unmodelled("fork is modelled under `pollux exec` only, on virtual threads");
  const unsigned slot = explore::reserve_process(process_id(explore::current_host()));
  if (slot == kNoProcess) return -EAGAIN;
  Process& child = explore::process(slot);
  child.id = kFirstTid + kIdStep * (1 + (child.serial - 1) % kIds);
  state.forked = true;
  number_open_files();
  share_pipes(explore::current_host(), slot);
  progress();
  explore::fork_begins(slot);
  pid_t real;
  {
    explore::ProgramScope scope;  // handlers of pthread_atfork(3) are the program's
    real = shim::fork_of_libc();
  }
  if (real == 0) return 0;
  if (real < 0) {
    const int error = errno;
    close_shared_ends(slot);
    explore::give_back_process(slot);
    return -error;
  }
  if (trace::recorder.text) trace::line(trace::What::note, "forks process %ld", child.id);
  explore::process_begins(slot, real);
  return child.id;
}

long call_wait4(const Arguments& a) {
  const int id = a.integer(0), options = a.integer(2);
  if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)) != 0)
    return -EINVAL;
  if (id == INT32_MIN) return -ESRCH;
  Wanted wanted{P_ALL, 0};
  if (id < -1) wanted = {P_PGID, -static_cast<long>(id)};
  if (id == 0) wanted = {P_PGID, own_group()};
  if (id > 0) wanted = {P_PID, id};
  const long found = wait_for_child(wanted, options);
  if (found == kNothing) return 0;
  if (found < 0) return found;
  const Process& child = explore::process(static_cast<unsigned>(found));
  const long result = child.id;
  const int status = child.status;
  explore::bury_process(static_cast<unsigned>(found));
  if (long error = no_usage(a.pointer<rusage>(3)); error != 0) return error;
  if (auto* to = a.pointer<int>(1)) {
    if (bad_address(to)) return -EFAULT;
    *to = status;
  }
  return result;
}

long call_waitid(const Arguments& a) {
  const int type = a.integer(0), options = a.integer(3);
  constexpr int kWhat = WEXITED | WSTOPPED | WCONTINUED;
  if ((options & ~(kWhat | WNOHANG | WNOWAIT | __WNOTHREAD | __WCLONE | __WALL)) != 0 ||
      (options & kWhat) == 0)
    return -EINVAL;
  if (type == P_PIDFD) unmodelled("waitid(P_PIDFD)");
  if (type < P_ALL || type > P_PGID || (type == P_PID && a.integer(1) <= 0) ||
      (type == P_PGID && a.integer(1) < 0))
    return -EINVAL;
  if ((options & WEXITED) == 0) unmodelled("waitid without WEXITED");
  Wanted wanted{static_cast<idtype_t>(type), a.integer(1)};
  if (type == P_PGID && wanted.id == 0) wanted.id = own_group();
  const long found = wait_for_child(wanted, options);
  if (found < 0) return found;
  siginfo_t info{};
  if (found != kNothing) {
    info = about_child(explore::process(static_cast<unsigned>(found)));
    if ((options & WNOWAIT) == 0) explore::bury_process(static_cast<unsigned>(found));
  }
  if (long error = no_usage(a.pointer<rusage>(4)); error != 0) return error;
  if (auto* to = a.pointer<siginfo_t>(2)) {
    if (bad_address(to)) return -EFAULT;
    *to = info;
  }
  return 0;
}

// --- Signals from one to another.

unsigned find_other_process(long id) {
  for (unsigned slot = 0; explore::forked() && slot < explore::kProcessesMax; ++slot) {
    const Process& other = explore::process(slot);
    if (other.state != ProcessState::free && other.id == id && slot != explore::own_process())
      return slot;
  }
  return kNoProcess;
}

long send_to_other_process(unsigned slot, int signal) {
  Process& other = explore::process(slot);
  if (signal == 0 || other.state != ProcessState::alive) return 0;
  if (signal == SIGKILL) {
    if (slot == explore::kRootProcess) unmodelled("SIGKILL to the first process of the run");
    shim::raw_system_call(SYS_kill, other.real.load(), SIGKILL);
    explore::end_other_process(slot, SIGKILL);
    if (other.parent == explore::own_process()) tell_of_ended_children();
    return 0;
  }
  other.signals |= signal_bit(signal);
  other.signals_from[signal - 1] = own().id;
  explore::tell_process(slot);
  return 0;
}

bool send_to_group(long group, int signal) {
  bool any = false;
  for (unsigned slot = 0; explore::forked() && slot < explore::kProcessesMax; ++slot) {
    const Process& other = explore::process(slot);
    if (other.state == ProcessState::free || other.group != group || slot == explore::own_process())
      continue;
    any = true;
    send_to_other_process(slot, signal);
  }
  return any;
}

}  // namespace pollux::kernel

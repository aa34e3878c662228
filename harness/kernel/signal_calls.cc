// SPDX-License-Identifier: MIT
//
// The system calls about signals, other than timers and signalfd.
#include <cerrno>
#include <csignal>

#include "explore/processes.h"
#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/host.h"
#include "kernel/processes.h"
#include "kernel/signals.h"

namespace pollux::kernel {
namespace {

constexpr auto kSetBytes = static_cast<long>(kSignalSetBytes);

bool is_signal(int signal) { return signal >= 1 && signal <= kSignals; }

// kill takes 0 as well: is there such a process?
bool may_be_sent(int signal) { return signal == 0 || is_signal(signal); }

long own_pid() { return process_id(explore::current_host()); }

// kill and rt_sigqueueinfo: to one process, or to a group. Beside those of the run there is init.
long send_by_pid(long pid, int signal, const siginfo_t& info, const char* call) {
  if (pid == -1) unmodelled((std::string(call) + " to all processes of the machine").c_str());
  const bool is_group = pid <= 0;
  const long group = pid == 0 ? own_group() : -pid;
  bool found = is_group && send_to_group(group, signal);
  if (pid == own_pid() || (is_group && group == own_group())) {
    found = true;
    if (signal != 0) send_to_process(explore::current_host(), info);
  }
  if (found) return 0;
  if (const unsigned other = find_other_process(pid); other != explore::kNoProcess)
    return send_to_other_process(other, signal);
  return pid == 1 ? -EPERM : -ESRCH;
}

long send_to_tid(long tid, int signal, const siginfo_t& info) {
  Actor thread = thread_of_id(tid);
  if (thread == kNetwork) return -ESRCH;
  if (signal != 0) send_to_thread(thread, info);
  return 0;
}

// rt_sigqueueinfo and rt_tgsigqueueinfo: nobody may pretend to be the kernel, or kill.
long queued_info(const siginfo_t* from, int signal, siginfo_t* info) {
  if (bad_address(from)) return -EFAULT;
  *info = *from;
  info->si_signo = signal;
  return 0;
}

}  // namespace

Actor thread_of_id(long tid) {
  unsigned host = explore::current_host();
  bool main = tid == own_pid();
  for (unsigned id = 0; id < explore::thread_count(); ++id) {
    explore::ThreadInfo thread = explore::thread_info(static_cast<Actor>(id));
    if (!thread.alive || thread.host != host) continue;
    if (main || tid == state.first_tid + static_cast<long>(id)) return static_cast<Actor>(id);
  }
  return kNetwork;
}

long call_rt_sigaction(const Arguments& a) {
  int signal = a.integer(0);
  const auto* wanted = a.pointer<const SignalAction>(1);
  auto* old = a.pointer<SignalAction>(2);
  if (a[3] != kSetBytes) return -EINVAL;
  if (wanted != nullptr && bad_address(wanted)) return -EFAULT;
  if (!is_signal(signal)) return -EINVAL;
  if (wanted != nullptr && (signal_bit(signal) & kUnblockable) != 0) return -EINVAL;
  SignalAction before = action_of(process_signals(), signal);
  if (wanted != nullptr) set_action(signal, *wanted);
  if (old == nullptr) return 0;
  if (bad_address(old)) return -EFAULT;
  *old = before;
  return 0;
}

long call_rt_sigprocmask(const Arguments& a) {
  if (a[3] != kSetBytes) return -EINVAL;
  SignalSet before = own_signals().mask;
  if (const auto* set = a.pointer<const SignalSet>(1)) {
    if (bad_address(set)) return -EFAULT;
    SignalSet wanted = *set & ~kUnblockable;
    switch (a.integer(0)) {
      case SIG_BLOCK:
        set_mask(before | wanted);
        break;
      case SIG_UNBLOCK:
        set_mask(before & ~wanted);
        break;
      case SIG_SETMASK:
        set_mask(wanted);
        break;
      default:
        return -EINVAL;
    }
  }
  if (auto* old = a.pointer<SignalSet>(2)) {
    if (bad_address(old)) return -EFAULT;
    *old = before;
  }
  return 0;
}

long call_rt_sigpending(const Arguments& a) {
  if (a[1] < 0 || a[1] > kSetBytes) return -EINVAL;
  if (bad_address(a.pointer<void>(0))) return -EFAULT;
  SignalSet set = pending_set(explore::current_host()) & own_signals().mask;
  __builtin_memcpy(a.pointer<void>(0), &set, static_cast<size_t>(a[1]));
  return 0;
}

// Neither returns but for a handler, and then always with EINTR.
long call_pause(const Arguments&) {
  progress();
  while (!explore::signal_pending()) sleep_on(explore::Why::signal, nullptr, kNever);
  return -EINTR;
}

long call_rt_sigsuspend(const Arguments& a) {
  const auto* mask = a.pointer<const SignalSet>(0);
  if (a[1] != kSetBytes) return -EINVAL;
  if (bad_address(mask)) return -EFAULT;
  TemporaryMask during(mask);
  return during.ends(call_pause(a));
}

long call_rt_sigtimedwait(const Arguments& a) {  // do_sigtimedwait
  const auto* set = a.pointer<const SignalSet>(0);
  const auto* timeout = a.pointer<const timespec>(2);
  if (a[3] != kSetBytes) return -EINVAL;
  if (bad_address(set)) return -EFAULT;
  SignalSet wanted = *set & ~kUnblockable;
  Time deadline = kNever;
  if (timeout != nullptr) {
    if (bad_address(timeout)) return -EFAULT;
    if (!explore::is_valid(*timeout)) return -EINVAL;
    deadline = after(explore::duration_of(*timeout));
  }
  siginfo_t info;
  bool taken = take_signal(wanted, &info);
  bool in_time = true;
  if (!taken && deadline > now()) {
    // The thread is woken by what it waits for, and takes it itself: no handler runs.
    ThreadSignals& own = own_signals();
    SignalSet before = own.mask;
    own.awaited = before & wanted;
    set_mask(before & ~wanted);
    progress();
    in_time = sleep_on(explore::Why::signal, nullptr, late(deadline));
    own.awaited = 0;
    taken = take_signal(wanted, &info);
    set_mask(before);
  } else if (!taken) {
    count_spin("sigtimedwait", false);
    return -EAGAIN;
  }
  if (!taken) return in_time ? -EINTR : -EAGAIN;
  if (auto* to = a.pointer<siginfo_t>(1)) {
    if (bad_address(to)) return -EFAULT;
    *to = info;
  }
  return info.si_signo;
}

long call_kill(const Arguments& a) {
  int signal = a.integer(1);
  if (!may_be_sent(signal)) return -EINVAL;
  return send_by_pid(a.integer(0), signal, make_siginfo(signal, SI_USER), "kill");
}

long call_tkill(const Arguments& a) {
  int signal = a.integer(1);
  if (a.integer(0) <= 0 || !may_be_sent(signal)) return -EINVAL;
  return send_to_tid(a.integer(0), signal, make_siginfo(signal, SI_TKILL));
}

long call_tgkill(const Arguments& a) {
  int signal = a.integer(2);
  if (a.integer(0) <= 0 || a.integer(1) <= 0 || !may_be_sent(signal)) return -EINVAL;
  if (a.integer(0) != own_pid()) return -ESRCH;
  return send_to_tid(a.integer(1), signal, make_siginfo(signal, SI_TKILL));
}

long call_rt_sigqueueinfo(const Arguments& a) {
  int signal = a.integer(1);
  siginfo_t info;
  if (long error = queued_info(a.pointer<const siginfo_t>(2), signal, &info); error != 0) {
    return error;
  }
  if (!may_be_sent(signal)) return -EINVAL;
  return send_by_pid(a.integer(0), signal, info, "sigqueue");
}

long call_rt_tgsigqueueinfo(const Arguments& a) {
  int signal = a.integer(2);
  siginfo_t info;
  if (long error = queued_info(a.pointer<const siginfo_t>(3), signal, &info); error != 0) {
    return error;
  }
  if (a.integer(0) <= 0 || a.integer(1) <= 0 || !may_be_sent(signal)) return -EINVAL;
  if (a.integer(0) != own_pid()) return -ESRCH;
  return send_to_tid(a.integer(1), signal, info);
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// What the twin does with each system call. A number that is not here is unmodelled: it ends the
// run with its number.
#include <sys/syscall.h>

#include <array>

#include "kernel/calls.h"
#include "kernel/kernel.h"
#include "kernel/process_calls.h"
#include "pollux/shim/fork.h"

namespace pollux::kernel {
namespace {

using Table = std::array<Call, kCallNumbers>;

// NOLINTNEXTLINE(readability-function-size): one line per call.
constexpr Table build() {
  Table table{};
  auto set = [&](long number, const char* name, Handler handler, Route route,
                 bool is_progress = false, bool is_transfer = false, uint8_t second_fd = 0) {
    table[static_cast<size_t>(number)] = {name,        handler,   route, is_progress,
                                          is_transfer, second_fd, false};
  };
  constexpr bool kProgress = true;
#define BY_FD(call, ...) set(SYS_##call, #call, call_##call, Route::by_fd, ##__VA_ARGS__)
#define TRANSFER(call) set(SYS_##call, #call, call_##call, Route::by_fd, kProgress, true)
#define BETWEEN(call, second) \
  set(SYS_##call, #call, call_##call, Route::by_fds, kProgress, true, second)
#define TWIN(call, ...) set(SYS_##call, #call, call_##call, Route::twin, ##__VA_ARGS__)
#define BY_PATH(call, ...) set(SYS_##call, #call, call_##call, Route::by_path, ##__VA_ARGS__)
#define CLOCK(call) set(SYS_##call, #call, call_##call, Route::clock)
#define RAW(call) set(SYS_##call, #call, nullptr, Route::raw)
#define FOREIGN_FD(call) set(SYS_##call, #call, nullptr, Route::foreign_fd)
#define UNMODELLED(call) set(SYS_##call, #call, nullptr, Route::unmodelled)

  TRANSFER(read);
  TRANSFER(write);
  TRANSFER(readv);
  TRANSFER(writev);
  set(SYS_pread64, "pread", call_pread, Route::by_fd);
  set(SYS_pwrite64, "pwrite", call_pwrite, Route::by_fd);
  BY_FD(preadv);
  BY_FD(pwritev);
  BY_FD(lseek);
  TRANSFER(recvfrom);
  TRANSFER(sendto);
  TRANSFER(recvmsg);
  TRANSFER(sendmsg);
  TRANSFER(recvmmsg);
  TRANSFER(sendmmsg);
  BETWEEN(sendfile, 1);
  BETWEEN(splice, 2);
  BETWEEN(tee, 1);
  BETWEEN(copy_file_range, 2);
  TWIN(socket, kProgress);
  TWIN(socketpair, kProgress);
  BY_FD(bind, kProgress);
  BY_FD(listen, kProgress);
  BY_FD(accept4, kProgress);
  BY_FD(connect, kProgress);
  BY_FD(shutdown, kProgress);
  BY_FD(getsockname);
  BY_FD(getpeername);
  BY_FD(getsockopt);
  BY_FD(setsockopt, kProgress);
  TWIN(epoll_create1, kProgress);
  BY_FD(epoll_ctl, kProgress);
  BY_FD(epoll_pwait);
  BY_FD(epoll_pwait2);
  BY_FD(close, kProgress);
  BY_FD(dup, kProgress);
  BY_FD(dup3, kProgress);
  BY_FD(fcntl);
  BY_FD(ioctl);
  BY_PATH(openat);
  BY_PATH(unlinkat, kProgress);
  BY_PATH(newfstatat);
  BY_PATH(readlinkat);
  BY_FD(fstat);
  TWIN(eventfd2, kProgress);
  TWIN(timerfd_create, kProgress);
  BY_FD(timerfd_settime, kProgress);
  BY_FD(timerfd_gettime);
  TWIN(pipe2, kProgress);
  TWIN(close_range, kProgress);
  TWIN(ppoll);
  TWIN(pselect6);
#ifdef SYS_accept
  BY_FD(accept, kProgress);
#endif
#ifdef SYS_epoll_create
  TWIN(epoll_create, kProgress);
#endif
#ifdef SYS_epoll_wait
  BY_FD(epoll_wait);
#endif
#ifdef SYS_dup2
  BY_FD(dup2, kProgress);
#endif
#ifdef SYS_open
  BY_PATH(open);
  BY_PATH(unlink, kProgress);
  BY_PATH(readlink);
#endif
#ifdef SYS_eventfd
  TWIN(eventfd, kProgress);
#endif
#ifdef SYS_pipe
  TWIN(pipe, kProgress);
#endif
#ifdef SYS_poll
  TWIN(poll);
#endif
#ifdef SYS_select
  TWIN(select);
#endif

  CLOCK(clock_gettime);
  CLOCK(gettimeofday);
#ifdef SYS_time
  CLOCK(time);
#endif
  CLOCK(clock_getres);
  CLOCK(times);
  CLOCK(getrusage);
  CLOCK(sysinfo);
  CLOCK(uname);
  CLOCK(getcpu);
  CLOCK(getpid);
  CLOCK(getppid);
  CLOCK(getpgid);
  CLOCK(setpgid);
  CLOCK(getsid);
  CLOCK(setsid);
#ifdef SYS_getpgrp
  CLOCK(getpgrp);
#endif
  TWIN(nanosleep);
  TWIN(clock_nanosleep);

  TWIN(futex);
  CLOCK(gettid);
  TWIN(sched_yield);
  TWIN(kill, kProgress);
  TWIN(tkill, kProgress);
  TWIN(tgkill, kProgress);
  TWIN(rt_sigqueueinfo, kProgress);
  TWIN(rt_tgsigqueueinfo, kProgress);
  TWIN(rt_sigaction);
  TWIN(rt_sigprocmask);
  TWIN(rt_sigpending);
  TWIN(rt_sigsuspend);
  TWIN(rt_sigtimedwait);
  TWIN(signalfd4, kProgress);
  TWIN(setitimer, kProgress);
  TWIN(getitimer);
  TWIN(timer_create, kProgress);
  TWIN(timer_settime, kProgress);
  TWIN(timer_gettime);
  TWIN(timer_getoverrun);
  TWIN(timer_delete, kProgress);
#ifdef SYS_alarm
  TWIN(alarm, kProgress);
  TWIN(pause);
  TWIN(signalfd, kProgress);
#endif
  TWIN(wait4);
  TWIN(waitid);
  set(shim::kForkNumber, "fork", call_fork, Route::twin, kProgress);
  TWIN(getrandom);
  TWIN(io_uring_setup);
  TWIN(prlimit64);
#ifdef SYS_getrlimit
  TWIN(getrlimit);
  TWIN(setrlimit);
#endif

  // On real files these are harmless; on the twin's they are not modelled.
  FOREIGN_FD(fsync);
  FOREIGN_FD(fdatasync);
  FOREIGN_FD(ftruncate);
  FOREIGN_FD(fallocate);
  FOREIGN_FD(flock);
  FOREIGN_FD(fchmod);
  FOREIGN_FD(fchown);
  FOREIGN_FD(fstatfs);
  FOREIGN_FD(getdents64);
  FOREIGN_FD(fadvise64);
  FOREIGN_FD(statx);
  FOREIGN_FD(preadv2);
  FOREIGN_FD(pwritev2);

  // The process's own affairs; nothing of the twin's world is visible through them.
  RAW(getuid);
  RAW(geteuid);
  RAW(getgid);
  RAW(getegid);
  RAW(getgroups);
  RAW(umask);
  RAW(getcwd);
  RAW(chdir);
  RAW(prctl);
  RAW(capget);
  RAW(personality);
  RAW(mmap);
  RAW(munmap);
  RAW(mprotect);
  RAW(mremap);
  RAW(madvise);
  RAW(mincore);
  RAW(mlock);
  RAW(munlock);
  RAW(msync);
  RAW(brk);
  RAW(membarrier);
  RAW(rseq);
  RAW(set_robust_list);
  RAW(get_robust_list);
  RAW(set_tid_address);
  RAW(sigaltstack);
  RAW(rt_sigreturn);
  RAW(sched_getaffinity);
  RAW(sched_setaffinity);
  RAW(sched_getparam);
  RAW(sched_getscheduler);
  RAW(sched_setscheduler);
  RAW(sched_get_priority_max);
  RAW(sched_get_priority_min);
  RAW(getpriority);
  RAW(setpriority);
  RAW(faccessat);
  RAW(faccessat2);
  RAW(mkdirat);
  RAW(renameat2);
  RAW(execve);
  RAW(exit);
  RAW(exit_group);
#ifdef SYS_arch_prctl
  RAW(arch_prctl);
#endif
#ifdef SYS_access
  RAW(access);
  RAW(stat);
  RAW(lstat);
  RAW(mkdir);
  RAW(rmdir);
  RAW(rename);
#endif

  // Named, so that the verdict says what it was.
  UNMODELLED(vmsplice);
  UNMODELLED(inotify_init1);
  UNMODELLED(clone);
  UNMODELLED(clone3);
  UNMODELLED(io_uring_enter);
  UNMODELLED(io_uring_register);
  UNMODELLED(clock_settime);
  UNMODELLED(settimeofday);
  UNMODELLED(memfd_create);
  UNMODELLED(pidfd_open);
  UNMODELLED(io_setup);
  UNMODELLED(io_submit);
#undef BY_FD
#undef TRANSFER
#undef BETWEEN
#undef TWIN
#undef BY_PATH
#undef CLOCK
#undef RAW
#undef FOREIGN_FD
#undef UNMODELLED
  // By number: to compare functions is no constant expression with -fsanitize=undefined.
  for (long number : {SYS_socket, SYS_accept, SYS_accept4, SYS_dup, SYS_dup3, SYS_epoll_create1,
                      SYS_eventfd2, SYS_timerfd_create, SYS_signalfd4}) {
    table[static_cast<size_t>(number)].makes_fd = true;
  }
#ifdef SYS_dup2  // the old ones, which new machines do not have
  for (long number : {SYS_dup2, SYS_epoll_create, SYS_eventfd, SYS_signalfd}) {
    table[static_cast<size_t>(number)].makes_fd = true;
  }
#endif
  return table;
}

constexpr Table kTable = build();

}  // namespace

const Call* const call_table = kTable.data();

bool is_modelled(long number) {
  return static_cast<unsigned long>(number) < kCallNumbers &&
         kTable[static_cast<size_t>(number)].route != Route::unmodelled;
}

}  // namespace pollux::kernel

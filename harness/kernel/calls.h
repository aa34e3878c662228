// SPDX-License-Identifier: MIT
//
// The system calls of the twin, one function per call or per family, by the file that has them.
// Each takes the kernel's own arguments and answers a result or -errno.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/buffers.h"
#include "kernel/socket.h"

namespace pollux::kernel {

struct Arguments {
  long a[6];

  long operator[](unsigned i) const { return a[i]; }
  int integer(unsigned i) const { return static_cast<int>(a[i]); }
  template <class T>
  T* pointer(unsigned i) const {
    return reinterpret_cast<T*>(a[i]);
  }
};

using Handler = long (*)(const Arguments&);

enum class Route : uint8_t {
  unmodelled,  // ends the run, whatever its arguments
  raw,         // harmless: always the real kernel, invisible to the run
  twin,        // always the twin
  by_fd,       // the twin when argument 0 is one of its descriptors, else the real kernel
  by_fds,      // the same when argument 0 or `second_fd` is one
  by_path,     // the twin when the path names a device or a socket of it, else the real kernel
  clock,       // the twin, cheaply: no scheduling point
  foreign_fd,  // like raw, but unmodelled on a descriptor of the twin
};

struct Call {
  const char* name = nullptr;
  Handler handler = nullptr;
  Route route = Route::unmodelled;
  bool is_progress = false;  // a success changes something: whoever polls is not spinning
  bool is_transfer = false;  // ... if the result is not 0
  uint8_t second_fd = 0;     // of by_fds: 1 or 2
  bool makes_fd = false;     // its result is a new descriptor
};

inline constexpr unsigned long kCallNumbers = 512;
// What the twin does with each system call; entries without a name are unmodelled.
extern const Call* const call_table;

inline bool is_twin_fd(long fd) {
  return static_cast<unsigned long>(static_cast<unsigned>(fd)) - 64ul < 16384ul;
}

// --- What several files of calls need.

File* get_file(int fd);  // of the current host; null when not open
// Transfers with waiting, faults and signals; `flags` are MSG_* bits.
long read_file(File*, const Buffers&, int flags);
long write_file(File*, const Buffers&, int flags);
// The same for a message and what it carries.
long receive_message(Socket*, const Buffers&, int flags, Envelope*);
long send_message(Socket*, const Buffers&, int flags, const Envelope*);
// A socket, or an errno.
long socket_of(int fd, Socket** socket);
// move_addr_to_kernel, move_addr_to_user: the latter copies as much as fits and tells the length.
long name_from(const void* address, int length, SocketName* name);
long name_to(const SocketName& name, void* address, socklen_t* length);
// Gives the file a descriptor and drops the caller's interest in it: -EMFILE releases it.
long install(File*, bool close_on_exec);
// Must be asked before an object is made: is there a number for it? Also where EMFILE is injected.
bool no_descriptor_free();
// One more return of a polling call. Ends the run when there were too many without progress.
void count_spin(const char* call, bool something_ready);

// Does this call with a path name a file that lives in the twin?
bool names_twin(long number, const Arguments&);

// --- read_write.cc
long call_read(const Arguments&);
long call_write(const Arguments&);
long call_readv(const Arguments&);
long call_writev(const Arguments&);
long call_pread(const Arguments&);
long call_pwrite(const Arguments&);
long call_preadv(const Arguments&);
long call_pwritev(const Arguments&);
long call_lseek(const Arguments&);
// --- splice_calls.cc
long call_sendfile(const Arguments&);
long call_splice(const Arguments&);
long call_tee(const Arguments&);
long call_copy_file_range(const Arguments&);
// --- message_calls.cc
long call_recvfrom(const Arguments&);
long call_sendto(const Arguments&);
long call_recvmsg(const Arguments&);
long call_sendmsg(const Arguments&);
long call_recvmmsg(const Arguments&);
long call_sendmmsg(const Arguments&);
// --- socket_calls.cc
long call_socket(const Arguments&);
long call_socketpair(const Arguments&);
long call_bind(const Arguments&);
long call_listen(const Arguments&);
long call_accept(const Arguments&);
long call_accept4(const Arguments&);
long call_connect(const Arguments&);
long call_shutdown(const Arguments&);
long call_getsockname(const Arguments&);
long call_getpeername(const Arguments&);
// --- socket_options.cc
long call_getsockopt(const Arguments&);
long call_setsockopt(const Arguments&);
// --- epoll_calls.cc
long call_epoll_create(const Arguments&);
long call_epoll_create1(const Arguments&);
long call_epoll_ctl(const Arguments&);
long call_epoll_wait(const Arguments&);
long call_epoll_pwait(const Arguments&);
long call_epoll_pwait2(const Arguments&);
// --- fd_calls.cc
long call_close(const Arguments&);
long call_close_range(const Arguments&);
long call_dup(const Arguments&);
long call_dup2(const Arguments&);
long call_dup3(const Arguments&);
long call_fcntl(const Arguments&);
long call_ioctl(const Arguments&);
long call_open(const Arguments&);
long call_openat(const Arguments&);
long call_fstat(const Arguments&);
long call_newfstatat(const Arguments&);
long call_readlink(const Arguments&);
long call_readlinkat(const Arguments&);
long call_unlink(const Arguments&);
long call_unlinkat(const Arguments&);
long call_eventfd(const Arguments&);
long call_eventfd2(const Arguments&);
long call_timerfd_create(const Arguments&);
long call_timerfd_settime(const Arguments&);
long call_timerfd_gettime(const Arguments&);
long call_pipe(const Arguments&);
long call_pipe2(const Arguments&);
// --- poll.cc, select.cc
long call_poll(const Arguments&);
long call_ppoll(const Arguments&);
long call_select(const Arguments&);
long call_pselect6(const Arguments&);
// --- time_calls.cc
long call_clock_gettime(const Arguments&);
long call_clock_getres(const Arguments&);
long call_gettimeofday(const Arguments&);
long call_time(const Arguments&);
long call_nanosleep(const Arguments&);
long call_clock_nanosleep(const Arguments&);
// --- signal_calls.cc, interval_timer.cc, signalfd.cc
long call_rt_sigaction(const Arguments&);
long call_rt_sigprocmask(const Arguments&);
long call_rt_sigpending(const Arguments&);
long call_rt_sigsuspend(const Arguments&);
long call_rt_sigtimedwait(const Arguments&);
long call_rt_sigqueueinfo(const Arguments&);
long call_rt_tgsigqueueinfo(const Arguments&);
long call_kill(const Arguments&);
long call_tkill(const Arguments&);
long call_tgkill(const Arguments&);
long call_pause(const Arguments&);
long call_alarm(const Arguments&);
long call_timer_create(const Arguments&);
long call_timer_settime(const Arguments&);
long call_timer_gettime(const Arguments&);
long call_timer_getoverrun(const Arguments&);
long call_timer_delete(const Arguments&);
long call_setitimer(const Arguments&);
long call_getitimer(const Arguments&);
long call_signalfd(const Arguments&);
long call_signalfd4(const Arguments&);
// --- misc_calls.cc
long call_futex(const Arguments&);
long call_gettid(const Arguments&);
long call_sched_yield(const Arguments&);
long call_getrandom(const Arguments&);
long call_io_uring_setup(const Arguments&);
long call_setitimer(const Arguments&);
long call_getrlimit(const Arguments&);
long call_setrlimit(const Arguments&);
long call_prlimit64(const Arguments&);

}  // namespace pollux::kernel

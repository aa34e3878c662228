// SPDX-License-Identifier: MIT
//
// Entry points that make, duplicate, configure and close descriptors other than sockets.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>

#include "shim/entry.h"

using namespace pollux::shim;

extern "C" [[noreturn]] void __chk_fail() noexcept;

// The word behind the named parameters, as the kernel will read it.
#define POLLUX_LAST_WORD(after)      \
  ({                                 \
    va_list list;                    \
    va_start(list, after);           \
    long value = va_arg(list, long); \
    va_end(list);                    \
    value;                           \
  })

// --- Closing and duplicating

POLLUX_ENTRY int close(int fd) { return result(call_on(__func__, SYS_close, fd)); }
POLLUX_ENTRY int __close(int) __attribute__((alias("close")));

POLLUX_ENTRY int close_range(unsigned first, unsigned last, int flags) noexcept {
  return result(call(SYS_close_range, first, last, flags));
}

POLLUX_ENTRY void closefrom(int lowest) noexcept {
  call(SYS_close_range, lowest < 0 ? 0 : lowest, ~0u, 0);
}

POLLUX_ENTRY int dup(int fd) noexcept { return result(call_on(__func__, SYS_dup, fd)); }

POLLUX_ENTRY int dup3(int fd, int wanted, int flags) noexcept {
  return result(call_on(__func__, SYS_dup3, fd, wanted, flags));
}

POLLUX_ENTRY int dup2(int fd, int wanted) noexcept {
  // dup3 refuses equal numbers, dup2 returns them when they are open (dup(2)).
  if (fd == wanted) {
    long flags = call_on(__func__, SYS_fcntl, fd, F_GETFD, 0);
    return flags < 0 ? result(flags) : fd;
  }
  return result(call_on(__func__, SYS_dup3, fd, wanted, 0));
}

// --- Configuring

POLLUX_ENTRY int fcntl64(int fd, int command, ...) {
  long argument = POLLUX_LAST_WORD(command);
  return result(call_on("fcntl", SYS_fcntl, fd, command, argument));
}
POLLUX_ENTRY int fcntl(int fd, int command, ...) {
  long argument = POLLUX_LAST_WORD(command);
  return result(call_on(__func__, SYS_fcntl, fd, command, argument));
}
POLLUX_ENTRY int __fcntl(int fd, int command, ...) __attribute__((alias("fcntl")));

POLLUX_ENTRY int ioctl(int fd, unsigned long request, ...) noexcept {
  long argument = POLLUX_LAST_WORD(request);
  return result(call_on(__func__, SYS_ioctl, fd, request, argument));
}

POLLUX_ENTRY int isatty(int fd) noexcept {
  char settings[64];  // the kernel's termios; TCGETS fills 36 bytes of it
  return result(call_on(__func__, SYS_ioctl, fd, TCGETS, settings)) == 0;
}

POLLUX_ENTRY int fstat(int fd, struct stat* status) noexcept {
  return result(call_on(__func__, SYS_fstat, fd, status));
}
POLLUX_ENTRY int fstat64(int fd, struct stat64* status) noexcept {
  return result(call_on(__func__, SYS_fstat, fd, status));
}

POLLUX_ENTRY off_t lseek(int fd, off_t offset, int whence) noexcept {
  return result<off_t>(call_on(__func__, SYS_lseek, fd, offset, whence));
}
POLLUX_ENTRY off64_t lseek64(int fd, off64_t offset, int whence) noexcept {
  return result<off64_t>(call_on(__func__, SYS_lseek, fd, offset, whence));
}

POLLUX_ENTRY int fsync(int fd) { return result(call_on(__func__, SYS_fsync, fd)); }
POLLUX_ENTRY int fdatasync(int fd) { return result(call_on(__func__, SYS_fdatasync, fd)); }
POLLUX_ENTRY int ftruncate(int fd, off_t length) noexcept {
  return result(call_on(__func__, SYS_ftruncate, fd, length));
}
POLLUX_ENTRY int ftruncate64(int fd, off64_t length) noexcept {
  return result(call_on(__func__, SYS_ftruncate, fd, length));
}

// --- Opening. "/" and "/dev/null" too belong into the run's table: libuv keeps such a descriptor
// in reserve and closes it to get out of EMFILE.

static int open_at(const char* name, int directory, const char* path, int flags, unsigned mode) {
  return result(call_on(name, SYS_openat, directory, path, flags, mode));
}

// A mode is passed only with these flags (open(2)); reading one that is not there is undefined.
static bool has_mode(int flags) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

POLLUX_ENTRY int open(const char* path, int flags, ...) {
  unsigned mode = has_mode(flags) ? static_cast<unsigned>(POLLUX_LAST_WORD(flags)) : 0;
  return open_at(__func__, AT_FDCWD, path, flags, mode);
}
POLLUX_ENTRY int open64(const char* path, int flags, ...) {
  unsigned mode = has_mode(flags) ? static_cast<unsigned>(POLLUX_LAST_WORD(flags)) : 0;
  return open_at(__func__, AT_FDCWD, path, flags, mode);
}
// Weak: libc.a has a strong one of its own.
POLLUX_ENTRY __attribute__((weak)) int __open64(const char* path, int flags, ...) {
  unsigned mode = has_mode(flags) ? static_cast<unsigned>(POLLUX_LAST_WORD(flags)) : 0;
  return open_at("open64", AT_FDCWD, path, flags, mode);
}
POLLUX_ENTRY int openat(int directory, const char* path, int flags, ...) {
  unsigned mode = has_mode(flags) ? static_cast<unsigned>(POLLUX_LAST_WORD(flags)) : 0;
  return open_at(__func__, directory, path, flags, mode);
}
POLLUX_ENTRY int openat64(int directory, const char* path, int flags, ...) {
  unsigned mode = has_mode(flags) ? static_cast<unsigned>(POLLUX_LAST_WORD(flags)) : 0;
  return open_at(__func__, directory, path, flags, mode);
}
POLLUX_ENTRY int creat(const char* path, mode_t mode) {
  return open_at(__func__, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
POLLUX_ENTRY int creat64(const char* path, mode_t mode) {
  return open_at(__func__, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

// The fortified ones have no mode, and refuse flags that would need it.
static int open_without_mode(const char* name, int directory, const char* path, int flags) {
  if (has_mode(flags)) __chk_fail();
  return open_at(name, directory, path, flags, 0);
}
POLLUX_ENTRY int __open_2(const char* path, int flags) {
  return open_without_mode("open", AT_FDCWD, path, flags);
}
POLLUX_ENTRY int __open64_2(const char* path, int flags) {
  return open_without_mode("open", AT_FDCWD, path, flags);
}
POLLUX_ENTRY int __openat_2(int directory, const char* path, int flags) {
  return open_without_mode("openat", directory, path, flags);
}
POLLUX_ENTRY int __openat64_2(int directory, const char* path, int flags) {
  return open_without_mode("openat", directory, path, flags);
}

// --- Pipes, eventfd, timerfd

POLLUX_ENTRY int pipe2(int* ends, int flags) noexcept {
  return result(call(SYS_pipe2, ends, flags));
}
POLLUX_ENTRY int pipe(int* ends) noexcept { return result(call(SYS_pipe2, ends, 0)); }

POLLUX_ENTRY int eventfd(unsigned value, int flags) noexcept {
  return result(call(SYS_eventfd2, value, flags));
}

// Whole, because libc reads and writes inside of them.
POLLUX_ENTRY int eventfd_read(int fd, eventfd_t* value) {
  return result(call_on(__func__, SYS_read, fd, value, sizeof *value)) == sizeof *value ? 0 : -1;
}
POLLUX_ENTRY int eventfd_write(int fd, eventfd_t value) {
  return result(call_on(__func__, SYS_write, fd, &value, sizeof value)) == sizeof value ? 0 : -1;
}

POLLUX_ENTRY int timerfd_create(int clock, int flags) noexcept {
  return result(call(SYS_timerfd_create, clock, flags));
}
POLLUX_ENTRY int timerfd_settime(int fd, int flags, const itimerspec* next,
                                 itimerspec* previous) noexcept {
  return result(call_on(__func__, SYS_timerfd_settime, fd, flags, next, previous));
}
POLLUX_ENTRY int timerfd_gettime(int fd, itimerspec* left) noexcept {
  return result(call_on(__func__, SYS_timerfd_gettime, fd, left));
}

// --- Limits: a host of the run has its own RLIMIT_NOFILE.

static int limit(pid_t process, int resource, const void* next, void* previous) {
  return result(call(SYS_prlimit64, process, resource, next, previous));
}

POLLUX_ENTRY int getrlimit(__rlimit_resource_t resource, rlimit* value) noexcept {
  return limit(0, resource, nullptr, value);
}
POLLUX_ENTRY int getrlimit64(__rlimit_resource_t resource, rlimit64* value) noexcept {
  return limit(0, resource, nullptr, value);
}
POLLUX_ENTRY int setrlimit(__rlimit_resource_t resource, const rlimit* value) noexcept {
  return limit(0, resource, value, nullptr);
}
POLLUX_ENTRY int setrlimit64(__rlimit_resource_t resource, const rlimit64* value) noexcept {
  return limit(0, resource, value, nullptr);
}
POLLUX_ENTRY int prlimit(pid_t process, __rlimit_resource resource, const rlimit* next,
                         rlimit* previous) noexcept {
  return limit(process, resource, next, previous);
}
POLLUX_ENTRY int prlimit64(pid_t process, __rlimit_resource resource, const rlimit64* next,
                           rlimit64* previous) noexcept {
  return limit(process, resource, next, previous);
}

// --- Between two descriptors

POLLUX_ENTRY ssize_t sendfile(int out, int in, off_t* offset, size_t size) noexcept {
  return result<ssize_t>(call_on(__func__, SYS_sendfile, out, in, offset, size));
}
POLLUX_ENTRY ssize_t sendfile64(int out, int in, off64_t* offset, size_t size) noexcept {
  return result<ssize_t>(call_on("sendfile", SYS_sendfile, out, in, offset, size));
}
POLLUX_ENTRY ssize_t splice(int in, off64_t* in_offset, int out, off64_t* out_offset, size_t size,
                            unsigned flags) {
  return result<ssize_t>(
      call_on(__func__, SYS_splice, in, in_offset, out, out_offset, size, flags));
}
POLLUX_ENTRY ssize_t tee(int in, int out, size_t size, unsigned flags) {
  return result<ssize_t>(call_on(__func__, SYS_tee, in, out, size, flags));
}
POLLUX_ENTRY ssize_t vmsplice(int fd, const iovec* pieces, size_t count, unsigned flags) {
  return result<ssize_t>(call_on(__func__, SYS_vmsplice, fd, pieces, count, flags));
}
POLLUX_ENTRY ssize_t copy_file_range(int in, off64_t* in_offset, int out, off64_t* out_offset,
                                     size_t size, unsigned flags) {
  return result<ssize_t>(
      call_on(__func__, SYS_copy_file_range, in, in_offset, out, out_offset, size, flags));
}

// --- Descriptors that report signals and file changes

POLLUX_ENTRY int signalfd(int fd, const sigset_t* mask, int flags) noexcept {
  return result(call(SYS_signalfd4, fd, mask, _NSIG / 8, flags));
}
POLLUX_ENTRY int inotify_init1(int flags) noexcept {
  return result(call(SYS_inotify_init1, flags));
}
POLLUX_ENTRY int inotify_init() noexcept { return result(call(SYS_inotify_init1, 0)); }

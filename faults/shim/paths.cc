// SPDX-License-Identifier: MIT
//
// Entry points on paths, as far as a path may name a socket of the run, or the run itself in /proc.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/entry.h"

using namespace pollux::shim;

POLLUX_ENTRY int unlinkat(int directory, const char* path, int flags) noexcept {
  return result(call_on(__func__, SYS_unlinkat, directory, path, flags));
}

POLLUX_ENTRY int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }

// Files and directories (remove(3)).
POLLUX_ENTRY int remove(const char* path) noexcept {
  int before = errno;
  if (unlinkat(AT_FDCWD, path, 0) == 0) return 0;
  if (errno != EISDIR) return -1;
  errno = before;
  return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static int status_of(const char* path, void* status, int flags) {
  return result(call(SYS_newfstatat, AT_FDCWD, path, status, flags));
}

POLLUX_ENTRY int stat(const char* path, struct stat* status) noexcept {
  return status_of(path, status, 0);
}
POLLUX_ENTRY int stat64(const char* path, struct stat64* status) noexcept {
  return status_of(path, status, 0);
}
POLLUX_ENTRY int lstat(const char* path, struct stat* status) noexcept {
  return status_of(path, status, AT_SYMLINK_NOFOLLOW);
}
POLLUX_ENTRY int lstat64(const char* path, struct stat64* status) noexcept {
  return status_of(path, status, AT_SYMLINK_NOFOLLOW);
}

extern "C" [[noreturn]] void __chk_fail() noexcept;

POLLUX_ENTRY ssize_t readlinkat(int directory, const char* path, char* text, size_t size) noexcept {
  return result<ssize_t>(call(SYS_readlinkat, directory, path, text, size));
}
POLLUX_ENTRY ssize_t readlink(const char* path, char* text, size_t size) noexcept {
  return readlinkat(AT_FDCWD, path, text, size);
}
POLLUX_ENTRY ssize_t __readlinkat_chk(int directory, const char* path, char* text, size_t size,
                                      size_t room) noexcept {
  if (size > room) __chk_fail();
  return readlinkat(directory, path, text, size);
}
POLLUX_ENTRY ssize_t __readlink_chk(const char* path, char* text, size_t size,
                                    size_t room) noexcept {
  return __readlinkat_chk(AT_FDCWD, path, text, size, room);
}

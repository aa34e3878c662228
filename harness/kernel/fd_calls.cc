// SPDX-License-Identifier: MIT
//
// Calls that make, duplicate, close and adjust descriptors other than sockets.
#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/device.h"
#include "kernel/eventfd.h"
#include "kernel/fault_points.h"
#include "kernel/host.h"
#include "kernel/interfaces.h"
#include "kernel/pipe.h"
#include "kernel/processes.h"
#include "kernel/tcp.h"
#include "kernel/timerfd.h"
#include "kernel/udp.h"
#include "kernel/unix_socket.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {

File* get_file(int fd) {
  File* file = current().fds.get(fd);
  claim(file);
  return file;
}

bool no_descriptor_free() {
  FdTable& fds = current().fds;
  if (!fds.full() && fault(faults::k_posix_io_fd_emfile)) fds.squeeze();
  return fds.full();
}

long install(File* file, bool close_on_exec) {
  file->hold();
  long fd = current().fds.install(file, close_on_exec);
  file->drop();  // without a descriptor it goes again
  return fd;
}

namespace {

#ifdef SYS_open
constexpr long kOpen = SYS_open;
#else
constexpr long kOpen = -1;
#endif

// Takes what fcntl, dup3 and friends say about a descriptor number to use.
long duplicate(int fd, int from, bool close_on_exec) {
  File* file = get_file(fd);
  if (file == nullptr) return -EBADF;
  if (no_descriptor_free()) return -EMFILE;
  return current().fds.install(file, close_on_exec, from);
}

long duplicate_at(const Arguments& a, bool close_on_exec) {
  int fd = a.integer(0);
  int wanted = a.integer(1);
  if (!is_twin_fd(fd) || !is_twin_fd(wanted)) {
    if (wanted < 0 || wanted >= current().fds.limit()) return -EBADF;
    unmodelled("dup2 between descriptors of the twin and of the real kernel");
  }
  if (wanted >= current().fds.limit()) return -EBADF;
  File* file = get_file(fd);
  if (file == nullptr) return -EBADF;
  current().fds.install_at(wanted, file, close_on_exec);
  return wanted;
}

long file_flags(const File* file) {
  long mode = file->readable_mode ? (file->writable_mode ? O_RDWR : O_RDONLY) : O_WRONLY;
  return mode | (file->non_blocking ? O_NONBLOCK : 0);
}

long bytes_readable(File* file, int* count) {
  switch (file->kind()) {
    case Kind::tcp: {
      auto* socket = static_cast<TcpSocket*>(file);
      if (socket->state == TcpSocket::State::listen) return -EINVAL;
      *count = static_cast<int>(socket->readable_bytes());
      if (*count != 0) socket->observed = socket->in->arrived;
      return 0;
    }
    case Kind::udp:
      *count = static_cast<int>(static_cast<UdpSocket*>(file)->first_size());
      return 0;
    case Kind::unix_stream:
    case Kind::unix_packet:
      if (static_cast<UnixSocket*>(file)->state() == UnixSocket::State::listening) return -EINVAL;
      *count = static_cast<int>(static_cast<UnixSocket*>(file)->readable_bytes());
      return 0;
    case Kind::pipe:
      *count = static_cast<int>(static_cast<PipeEnd*>(file)->bytes());
      return 0;
    default:
      return -ENOTTY;
  }
}

long bytes_unsent(File* file, int* count) {
  switch (file->kind()) {
    case Kind::tcp: {
      auto* socket = static_cast<TcpSocket*>(file);
      if (socket->state == TcpSocket::State::listen) return -EINVAL;
      *count = static_cast<int>(socket->queued_bytes());
      return 0;
    }
    case Kind::udp:
      *count = 0;
      return 0;
    case Kind::unix_stream:
    case Kind::unix_packet:
      *count = static_cast<int>(static_cast<UnixSocket*>(file)->queued_cost());
      return 0;
    default:
      return -ENOTTY;
  }
}

// The names of the network's interfaces (dev_ifname, dev_ioctl).
long interface_request(const File* file, unsigned request, ifreq* data) {
  if (!file->is_socket()) return -ENOTTY;
  if (bad_address(data)) return -EFAULT;
  if (request == SIOCGIFINDEX) {
    int index = interface_named({data->ifr_name, strnlen(data->ifr_name, IFNAMSIZ - 1)});
    if (index == 0) return -ENODEV;
    data->ifr_ifindex = index;
    return 0;
  }
  const char* name = name_of_interface(data->ifr_ifindex);
  if (name == nullptr) return -ENODEV;
  std::strncpy(data->ifr_name, name, IFNAMSIZ);
  return 0;
}

// The device that a path names, when it must live in the twin.
bool device_of(const char* path, Device::What* what) {
  static constexpr struct {
    const char* path;
    Device::What what;
  } kDevices[] = {{"/dev/null", Device::What::null},
                  {"/dev/urandom", Device::What::random},
                  {"/dev/random", Device::What::random},
                  {"/", Device::What::directory}};
  for (const auto& [name, kind] : kDevices) {
    if (std::strcmp(path, name) != 0) continue;
    *what = kind;
    return true;
  }
  return false;
}

long status_to(struct stat* status, mode_t mode) {
  if (bad_address(status)) return -EFAULT;
  *status = {};
  status->st_mode = mode;
  status->st_nlink = 1;
  status->st_blksize = 4096;
  return 0;
}

long open_device(Device::What what, int flags) {
  if (what == Device::What::directory && (flags & O_ACCMODE) != O_RDONLY) return -EISDIR;
  if (what != Device::What::directory && (flags & O_DIRECTORY) != 0) return -ENOTDIR;
  if (no_descriptor_free()) return -EMFILE;
  Device* device = Device::create(explore::current_host(), what);
  device->readable_mode = (flags & O_ACCMODE) != O_WRONLY;
  device->writable_mode = (flags & O_ACCMODE) != O_RDONLY;
  device->non_blocking = (flags & O_NONBLOCK) != 0;
  return install(device, (flags & O_CLOEXEC) != 0);
}

}  // namespace

bool names_twin(long number, const Arguments& a) {
  bool second = number == SYS_openat || number == SYS_unlinkat || number == SYS_newfstatat ||
                number == SYS_readlinkat;
  const char* path = a.pointer<const char>(second ? 1 : 0);
  if (number == SYS_newfstatat && is_twin_fd(a.integer(0))) return true;
  if (bad_address(path)) return false;
  if (number == SYS_openat || number == kOpen) {
    Device::What what;
    if (device_of(path, &what)) return true;
  }
  return current().unix_names.has_path(path);
}

long call_newfstatat(const Arguments& a) {
  const char* path = a.pointer<const char>(1);
  if (is_twin_fd(a.integer(0))) {
    bool itself = (a.integer(3) & AT_EMPTY_PATH) != 0 && !bad_address(path) && path[0] == '\0';
    if (!itself) unmodelled("fstatat relative to a descriptor of the twin");
    return call_fstat({{a[0], a[2], 0, 0, 0, 0}});
  }
  return status_to(a.pointer<struct stat>(2), S_IFSOCK | 0755);
}

// A socket is no symbolic link.
long call_readlinkat(const Arguments&) { return -EINVAL; }
long call_readlink(const Arguments&) { return -EINVAL; }

long call_unlinkat(const Arguments& a) {
  if ((a.integer(2) & ~AT_REMOVEDIR) != 0) return -EINVAL;
  if ((a.integer(2) & AT_REMOVEDIR) != 0) return -ENOTDIR;
  current().unix_names.unlink(a.pointer<const char>(1));
  return 0;
}

long call_unlink(const Arguments& a) { return call_unlinkat({{AT_FDCWD, a[0], 0, 0, 0, 0}}); }

long call_close(const Arguments& a) { return current().fds.close(a.integer(0)); }

long call_close_range(const Arguments& a) {
  const auto first = static_cast<uint32_t>(a[0]), last = static_cast<uint32_t>(a[1]);
  const auto flags = static_cast<unsigned>(a[2]);
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 || first > last) return -EINVAL;
  if ((flags & CLOSE_RANGE_UNSHARE) != 0) unmodelled("close_range with CLOSE_RANGE_UNSHARE");
  // A process of the program has no real descriptors but its own. Elsewhere some are the harness's.
  constexpr uint32_t kLastReal = kFdBase - 1;
  if (first <= kLastReal && explore::is_process_run())
    shim::raw_system_call(SYS_close_range, first, std::min(last, kLastReal), a[2]);
  FdTable& fds = current().fds;
  for (uint32_t at = std::max<uint32_t>(first, kFdBase); at <= last; ++at) {
    const int fd = static_cast<int>(at);
    if (fd >= fds.end()) break;
    if (fds.get(fd) == nullptr) continue;
    if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
      fds.set_close_on_exec(fd, true);
    } else {
      fds.close(fd);
    }
  }
  return 0;
}

long call_dup(const Arguments& a) { return duplicate(a.integer(0), kFdBase, false); }

long call_dup2(const Arguments& a) {
  if (a.integer(0) == a.integer(1)) {
    return get_file(a.integer(0)) == nullptr ? -EBADF : a[1];
  }
  return duplicate_at(a, false);
}

long call_dup3(const Arguments& a) {
  if ((a.integer(2) & ~O_CLOEXEC) != 0) return -EINVAL;
  if (a.integer(0) == a.integer(1)) return -EINVAL;
  return duplicate_at(a, (a.integer(2) & O_CLOEXEC) != 0);
}

long call_fcntl(const Arguments& a) {
  int fd = a.integer(0);
  File* file = get_file(fd);
  if (file == nullptr) return -EBADF;
  FdTable& fds = current().fds;
  switch (a.integer(1)) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (a.integer(2) < 0 || a.integer(2) >= fds.limit()) return -EINVAL;
      return duplicate(fd, a.integer(2), a.integer(1) == F_DUPFD_CLOEXEC);
    case F_GETFD:
      return fds.close_on_exec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      fds.set_close_on_exec(fd, (a.integer(2) & FD_CLOEXEC) != 0);
      return 0;
    case F_GETFL:
      return file_flags(file);
    case F_SETFL:
      file->non_blocking = (a.integer(2) & O_NONBLOCK) != 0;
      return 0;
    case F_GETPIPE_SZ:
      if (file->kind() != Kind::pipe) return -EBADF;
      return static_cast<PipeEnd*>(file)->size();
    case F_SETPIPE_SZ:
      if (file->kind() != Kind::pipe) return -EBADF;
      return static_cast<PipeEnd*>(file)->set_size(a.integer(2));
    default: {
      // Commands that exist are F_LINUX_SPECIFIC_BASE and some, or small; others are EINVAL.
      int command = a.integer(1);
      bool may_exist = (command >= 0 && command < 64) || (command >= 1024 && command < 1088);
      if (!may_exist) return -EINVAL;
      unmodelled("fcntl with another command");
    }
  }
}

long call_ioctl(const Arguments& a) {
  int fd = a.integer(0);
  File* file = get_file(fd);
  if (file == nullptr) return -EBADF;
  switch (static_cast<unsigned>(a[1])) {
    case FIONBIO:
      if (bad_address(a.pointer<void>(2))) return -EFAULT;
      file->non_blocking = *a.pointer<int>(2) != 0;
      return 0;
    case FIOCLEX:
      current().fds.set_close_on_exec(fd, true);
      return 0;
    case FIONCLEX:
      current().fds.set_close_on_exec(fd, false);
      return 0;
    case FIONREAD:    // also SIOCINQ
    case TIOCOUTQ: {  // also SIOCOUTQ
      int count = 0;
      bool in = static_cast<unsigned>(a[1]) == FIONREAD;
      long error = in ? bytes_readable(file, &count) : bytes_unsent(file, &count);
      if (error != 0) return error;
      if (bad_address(a.pointer<void>(2))) return -EFAULT;
      *a.pointer<int>(2) = count;
      return 0;
    }
    case SIOCGIFINDEX:
    case SIOCGIFNAME:
      return interface_request(file, static_cast<unsigned>(a[1]), a.pointer<ifreq>(2));
    case FIOASYNC:
    case FIOQSIZE:
      unmodelled("ioctl with another request");
    default:
      // Sockets have requests of their own (SIOC..., 0x89xx); nothing else here has any.
      if ((a[1] >> 8 & 0xFF) == 0x89) unmodelled("ioctl with a request of sockets");
      return -ENOTTY;
  }
}

long call_openat(const Arguments& a) {
  Device::What what;
  if (!device_of(a.pointer<const char>(1), &what)) return -ENXIO;  // a socket (open(2))
  return open_device(what, a.integer(2));
}

long call_open(const Arguments& a) { return call_openat({{AT_FDCWD, a[0], a[1], a[2], 0, 0}}); }

long call_fstat(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  mode_t mode = 0600;  // an anonymous inode has no type
  switch (file->kind()) {
    case Kind::tcp:
    case Kind::udp:
    case Kind::unix_stream:
    case Kind::unix_packet:
      mode = S_IFSOCK | 0777;
      break;
    case Kind::pipe:
      mode = S_IFIFO | 0600;
      break;
    case Kind::device:
      mode = static_cast<Device*>(file)->what == Device::What::directory ? S_IFDIR | 0755
                                                                         : S_IFCHR | 0666;
      break;
    default:
      break;
  }
  return status_to(a.pointer<struct stat>(1), mode);
}

// --- eventfd, timerfd, pipe

long call_eventfd2(const Arguments& a) {
  int flags = a.integer(1);
  if ((flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) != 0) return -EINVAL;
  if (no_descriptor_free()) return -EMFILE;
  EventFd* file = EventFd::create(explore::current_host(), static_cast<uint32_t>(a[0]),
                                  (flags & EFD_SEMAPHORE) != 0);
  file->non_blocking = (flags & EFD_NONBLOCK) != 0;
  return install(file, (flags & EFD_CLOEXEC) != 0);
}

long call_eventfd(const Arguments& a) { return call_eventfd2({{a[0], 0, 0, 0, 0, 0}}); }

long call_timerfd_create(const Arguments& a) {
  int clock = a.integer(0);
  int flags = a.integer(1);
  if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0) return -EINVAL;
  switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_REALTIME:
    case CLOCK_BOOTTIME:
      break;
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
      return -EPERM;  // without CAP_WAKE_ALARM
    default:
      return -EINVAL;
  }
  if (no_descriptor_free()) return -EMFILE;
  TimerFd* file = TimerFd::create(explore::current_host(), clock);
  file->non_blocking = (flags & TFD_NONBLOCK) != 0;
  return install(file, (flags & TFD_CLOEXEC) != 0);
}

long call_timerfd_settime(const Arguments& a) {  // the order of checks is do_timerfd_settime's
  const auto* value = a.pointer<const itimerspec>(2);
  int flags = a.integer(1);
  if (bad_address(value)) return -EFAULT;
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0 ||
      !explore::is_valid(value->it_value) || !explore::is_valid(value->it_interval)) {
    return -EINVAL;
  }
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if (file->kind() != Kind::timerfd) return -EINVAL;
  file->make_known();
  itimerspec copy = *value;  // old and new may be the same memory
  static_cast<TimerFd*>(file)->set(flags, copy, a.pointer<itimerspec>(3));
  return 0;
}

long call_timerfd_gettime(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  if (file->kind() != Kind::timerfd) return -EINVAL;
  if (bad_address(a.pointer<void>(1))) return -EFAULT;
  static_cast<TimerFd*>(file)->get(a.pointer<itimerspec>(1));
  return 0;
}

long call_pipe2(const Arguments& a) {
  int* numbers = a.pointer<int>(0);
  int flags = a.integer(1);
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0) return -EINVAL;
  if ((flags & O_DIRECT) != 0) unmodelled("pipe2(O_DIRECT)");
  if (bad_address(numbers)) return -EFAULT;
  if (no_descriptor_free()) return -EMFILE;
  PipeEnd *reader, *writer;
  PipeEnd::create(explore::current_host(), &reader, &writer);
  reader->non_blocking = writer->non_blocking = (flags & O_NONBLOCK) != 0;
  bool close_on_exec = (flags & O_CLOEXEC) != 0;
  writer->hold();
  long first = install(reader, close_on_exec);
  long second = install(writer, close_on_exec);
  writer->drop();
  if (second < 0) {
    current().fds.close(static_cast<int>(first));
    return second;
  }
  numbers[0] = static_cast<int>(first);
  numbers[1] = static_cast<int>(second);
  return 0;
}

long call_pipe(const Arguments& a) { return call_pipe2({{a[0], 0, 0, 0, 0, 0}}); }

}  // namespace pollux::kernel

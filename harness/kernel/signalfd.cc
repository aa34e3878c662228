// SPDX-License-Identifier: MIT
#include "kernel/signalfd.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>

#include "kernel/calls.h"
#include "kernel/pools.h"
#include "kernel/signals.h"

namespace pollux::kernel {
namespace {

// signalfd_copyinfo
signalfd_siginfo record_of(const siginfo_t& info) {
  signalfd_siginfo record{};
  record.ssi_signo = static_cast<uint32_t>(info.si_signo);
  record.ssi_errno = info.si_errno;
  record.ssi_code = info.si_code;
  if (info.si_code != SI_KERNEL) {
    record.ssi_pid = static_cast<uint32_t>(info.si_pid);
    record.ssi_uid = info.si_uid;
  }
  if (info.si_signo == SIGCHLD) {
    record.ssi_status = info.si_status;
    record.ssi_utime = static_cast<uint64_t>(info.si_utime);
    record.ssi_stime = static_cast<uint64_t>(info.si_stime);
  } else if (info.si_code == SI_QUEUE) {
    record.ssi_int = info.si_int;
    record.ssi_ptr = reinterpret_cast<uint64_t>(info.si_ptr);
  }
  return record;
}

}  // namespace

SignalFd* SignalFd::create(unsigned host, uint64_t mask) {
  SignalFd* file = pools.signalfds.take();
  file->begin(host);
  file->mask_ = mask;
  file->open_ = true;
  return file;
}

void SignalFd::release() {
  open_ = false;
  pools.signalfds.give(this);
}

std::string SignalFd::describe() {
  std::string text = "signalfd for";
  for (int signal = 1; signal <= kSignals; ++signal) {
    if ((mask_ & signal_bit(signal)) == 0) continue;
    text += ' ' + signal_name(signal);
    if ((pending_set(host) & signal_bit(signal)) != 0) text += " (pending)";
  }
  return text;
}

uint32_t SignalFd::poll() { return (pending_set(host) & mask_) != 0 ? uint32_t{EPOLLIN} : 0; }

void SignalFd::set_mask(uint64_t mask) {
  mask_ = mask;
  wake(0);
}

long SignalFd::read(const Buffers& buffers, size_t limit, int) {
  size_t room = limit / sizeof(signalfd_siginfo);
  if (room == 0) return -EINVAL;
  size_t done = 0;
  siginfo_t info;
  for (; done < room && (pending_set(host) & mask_) != 0; ++done) {
    if (buffers.faulty()) return -EFAULT;
    if (!take_signal(mask_, &info)) break;
    signalfd_siginfo record = record_of(info);
    buffers.copy_from(done * sizeof record, reinterpret_cast<const char*>(&record), sizeof record);
  }
  if (done == 0) return -EAGAIN;
  ever_read = true;
  return static_cast<long>(done * sizeof(signalfd_siginfo));
}

void wake_signalfds(unsigned host, int signal) {
  pools.signalfds.visit_used([&](SignalFd& file) {
    if (file.is_open() && file.host == host && (file.mask() & signal_bit(signal)) != 0) {
      file.wake(EPOLLIN);
    }
  });
}

long call_signalfd4(const Arguments& a) {
  int fd = a.integer(0);
  const auto* mask = a.pointer<const SignalSet>(1);
  int flags = a.integer(3);
  if (a[2] != static_cast<long>(kSignalSetBytes)) return -EINVAL;
  if (bad_address(mask)) return -EFAULT;
  SignalSet wanted = *mask & ~kUnblockable;
  if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) != 0) return -EINVAL;
  if (fd != -1) {
    if (fd >= 0 && !is_twin_fd(fd)) unmodelled("signalfd on a descriptor of the real kernel");
    File* file = get_file(fd);
    if (file == nullptr) return -EBADF;
    if (file->kind() != Kind::signalfd) return -EINVAL;
    static_cast<SignalFd*>(file)->set_mask(wanted);
    return fd;
  }
  if (no_descriptor_free()) return -EMFILE;
  SignalFd* file = SignalFd::create(explore::current_host(), wanted);
  file->non_blocking = (flags & SFD_NONBLOCK) != 0;
  return install(file, (flags & SFD_CLOEXEC) != 0);
}

long call_signalfd(const Arguments& a) { return call_signalfd4({{a[0], a[1], a[2], 0, 0, 0}}); }

}  // namespace pollux::kernel

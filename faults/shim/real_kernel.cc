// SPDX-License-Identifier: MIT
//
// Failure points on the real kernel: what fiu_enable*(), fiu-run and fiu-ctrl turn on in a live
// program.
//
// The real kernel's state is not ours, so a fault is injected here only where no state has to be
// made true: every lie; the documented interruptions; an aborted connection, by accepting it and
// resetting it; an epoll_wait that was about to block and is interrupted; a batch that is smaller
// or in another order. The other legal ones (a read that finds its data still in flight) exist on
// the twin only, and enabling them does nothing here. A point is asked only in the state that its
// row of the catalogue needs, so that enabling all of posix/io/* at once leaves the program's
// start-up files alone.
//
// Called only while manual_control is on and no run is. Asking may take libfiu's lock and allocate:
// the price of control by hand; a program that is not under it pays one load.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "pollux/faults/catalogue.h"
#include "shim/entry.h"

namespace pollux::shim {
namespace {

using namespace faults;

using Words = long[6];

long really(long number, const Words& a) {
  return raw_system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

template <typename T>
T* pointer(long value) {
  return reinterpret_cast<T*>(value);
}

// Sockets and pipes, where transfers can be short, interrupted and would block.
bool is_stream(long fd) {
  struct stat status;
  if (raw_system_call(SYS_fstat, fd, word(&status)) != 0) return false;
  if (S_ISFIFO(status.st_mode)) return true;
  int type = 0;
  socklen_t length = sizeof type;
  return S_ISSOCK(status.st_mode) &&
         raw_system_call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, word(&type), word(&length)) ==
             0 &&
         type == SOCK_STREAM;
}

bool is_non_blocking(long fd) {
  long flags = raw_system_call(SYS_fcntl, fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

// The points of one direction.
struct Transfer {
  PointId eagain_lie, eintr, eintr_lie, short_lie;
};
constexpr Transfer kRead = {k_posix_io_rw_read_eagain_lie, k_posix_io_rw_read_eintr,
                            k_posix_io_rw_read_eintr_lie, k_posix_io_rw_read_short_lie};
constexpr Transfer kWrite = {k_posix_io_rw_write_eagain_lie, k_posix_io_rw_write_eintr,
                             k_posix_io_rw_write_eintr_lie, k_posix_io_rw_write_short_lie};

long half(size_t size) { return static_cast<long>(size / 2); }

// The vector cut to about half of its bytes: fewer pieces, or half of the only one, which needs
// `piece` to live in.
void cut_vector(iovec*& pieces, size_t& count, iovec* piece) {
  if (count >= 2) {
    count = count / 2;
  } else if (count == 1 && pieces[0].iov_len >= 2) {
    *piece = {pieces[0].iov_base, pieces[0].iov_len / 2};
    pieces = piece;
  }
}

long transfer_half(long number, const Words& a) {
  iovec piece;
  switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_recvfrom:
    case SYS_sendto:
      return raw_system_call(number, a[0], a[1], a[2] >= 2 ? half(a[2]) : a[2], a[3], a[4], a[5]);
    case SYS_readv:
    case SYS_writev: {
      iovec* pieces = pointer<iovec>(a[1]);
      size_t count = a[2];
      cut_vector(pieces, count, &piece);
      return raw_system_call(number, a[0], word(pieces), word(count));
    }
    case SYS_recvmsg:
    case SYS_sendmsg: {
      msghdr* message = pointer<msghdr>(a[1]);
      msghdr cut = *message;
      cut_vector(cut.msg_iov, cut.msg_iovlen, &piece);
      long transferred = raw_system_call(number, a[0], word(&cut), a[2]);
      if (number == SYS_recvmsg && transferred >= 0) {
        message->msg_namelen = cut.msg_namelen;
        message->msg_controllen = cut.msg_controllen;
        message->msg_flags = cut.msg_flags;
      }
      return transferred;
    }
    default:  // recvmmsg, sendmmsg: fewer messages are no short transfer
      return really(number, a);
  }
}

long transfer(const Transfer& points, long number, const Words& a) {
  if (!is_stream(a[0])) return really(number, a);
  if (fails(points.eintr) || fails(points.eintr_lie)) return -EINTR;
  if (is_non_blocking(a[0]) && fails(points.eagain_lie)) return -EAGAIN;
  if (fails(points.short_lie)) return transfer_half(number, a);
  return really(number, a);
}

// Closes the connection so that its peer sees a reset.
void reset_connection(long fd) {
  linger at_once = {1, 0};
  raw_system_call(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, word(&at_once), sizeof at_once);
  raw_system_call(SYS_close, fd);
}

long accept_connection(long number, const Words& a) {
  if (fails(k_posix_io_net_accept4_eintr) || fails(k_posix_io_net_accept4_eintr_lie)) return -EINTR;
  if (fails(k_posix_io_net_accept4_econnaborted_lie)) return -ECONNABORTED;
  if (is_non_blocking(a[0]) && fails(k_posix_io_net_accept4_eagain_lie)) return -EAGAIN;
  long accepted = really(number, a);
  if (accepted >= 0 && fails(k_posix_io_net_accept4_econnaborted)) {
    reset_connection(accepted);
    return -ECONNABORTED;
  }
  return accepted;
}

// The same wait without blocking.
long look(long number, const Words& a) {
  timespec none = {0, 0};
  long timeout = number == SYS_epoll_pwait2 ? word(&none) : 0;
  return raw_system_call(number, a[0], a[1], a[2], timeout, a[4], a[5]);
}

bool may_block(long number, const Words& a) {
  if (number != SYS_epoll_pwait2) return static_cast<int>(a[3]) != 0;
  const auto* timeout = pointer<const timespec>(a[3]);
  return timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
}

long wait_for_events(long number, const Words& words) {
  if (fails(k_linux_io_epoll_wait_eintr_lie)) return -EINTR;
  Words a;
  std::copy(std::begin(words), std::end(words), a);
  if (a[2] >= 2 && fails(k_linux_io_epoll_partial)) a[2] = 1;
  long count = look(number, a);
  if (count == 0 && may_block(number, a)) {
    // Nothing is ready, so it is about to sleep: here a signal can interrupt it.
    if (fails(k_linux_io_epoll_wait_eintr)) return -EINTR;
    count = really(number, a);
  }
  auto* events = pointer<epoll_event>(a[1]);
  if (count >= 2 && fails(k_linux_io_epoll_reorder)) std::reverse(events, events + count);
  if (count >= 1 && fails(k_linux_io_epoll_epollerr_lie)) events[0].events |= EPOLLERR;
  return count;
}

}  // namespace

long call_with_faults(long number, long a0, long a1, long a2, long a3, long a4, long a5) {
  const Words a = {a0, a1, a2, a3, a4, a5};
  switch (number) {
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
      return transfer(kRead, number, a);
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
      return transfer(kWrite, number, a);
#ifdef SYS_accept
    case SYS_accept:
#endif
    case SYS_accept4:
      return accept_connection(number, a);
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
      return wait_for_events(number, a);
    default:
      return really(number, a);
  }
}

}  // namespace pollux::shim

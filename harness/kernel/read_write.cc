// SPDX-License-Identifier: MIT
//
// read, write and their relatives: waiting, faults and SIGPIPE around what the files do.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "kernel/calls.h"
#include "kernel/clocks.h"
#include "kernel/fault_points.h"
#include "kernel/signals.h"
#include "kernel/tcp.h"
#include "kernel/unix_packet.h"
#include "trace/recorder.h"

namespace pollux::kernel {
namespace {

constexpr int kIovMax = 1024;

TcpSocket* as_tcp(File* file) {
  return file->kind() == Kind::tcp ? static_cast<TcpSocket*>(file) : nullptr;
}

bool is_stream(const File* file) {
  return file->kind() == Kind::tcp || file->kind() == Kind::unix_stream ||
         file->kind() == Kind::pipe;
}

Time receive_deadline(File* file) {
  Socket* socket = as_socket(file);
  bool forever = socket == nullptr || socket->receive_timeout == 0;
  return forever ? kNever : late(after(socket->receive_timeout));
}

Time send_deadline(File* file) {
  Socket* socket = as_socket(file);
  bool forever = socket == nullptr || socket->send_timeout == 0;
  return forever ? kNever : late(after(socket->send_timeout));
}

// One attempt; only a socket has an envelope.
long attempt_read(File* file, const Buffers& buffers, size_t limit, int flags, Envelope* envelope) {
  if (__builtin_expect(envelope == nullptr, 1)) return file->read(buffers, limit, flags);
  return static_cast<Socket*>(file)->receive(buffers, limit, flags, envelope);
}

long attempt_write(File* file, const Buffers& buffers, size_t limit, int flags,
                   const Envelope* envelope) {
  if (__builtin_expect(envelope == nullptr, 1)) return file->write(buffers, limit, flags);
  return static_cast<Socket*>(file)->transmit(buffers, limit, flags, envelope);
}

// A blocking receive of messages ends with 0 when nothing more will be looked for; one that does
// not block says EAGAIN (__skb_wait_for_more_packets).
bool ends_at_shutdown(const File* file) {
  bool messages = file->kind() == Kind::udp || file->kind() == Kind::unix_packet;
  return messages && static_cast<const Socket*>(file)->shut_read;
}

bool wait_for_room(File* file, Time deadline) {
  if (file->kind() != Kind::unix_packet) return file->wait(deadline);
  return static_cast<UnixPacketSocket*>(file)->wait_for_room(deadline);
}

// A digest of the bytes by folded multiplication (wyhash): what the recorder's own mixing would
// wait for word after word, sixteen bytes at a time.
uint64_t digest(const char* at, size_t size) {
  uint64_t sum = size * 0x9E3779B97F4A7C15ull;
  for (; size >= 16; size -= 16, at += 16) {
    uint64_t words[2];
    std::memcpy(words, at, 16);
    unsigned __int128 product = static_cast<unsigned __int128>(words[0] ^ 0xA0761D6478BD642Full) *
                                (words[1] ^ 0xE7037ED1A0B428DBull);
    sum = (sum << 7 | sum >> 57) + static_cast<uint64_t>(product) +
          static_cast<uint64_t>(product >> 64);
  }
  uint64_t words[2] = {};
  std::memcpy(words, at, size);
  unsigned __int128 product =
      static_cast<unsigned __int128>(words[0] ^ sum) * (words[1] ^ 0x8EBC6AF09C88C6E3ull);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ words[0];
}

void mix_data(const Buffers& buffers, long size) {
  if (size <= 0) return;
  buffers.visit(0, static_cast<size_t>(size),
                [](const char* at, size_t piece) { trace::recorder.mix(digest(at, piece)); });
}

// What is left of the buffers after `done` bytes.
Buffers rest_of(const Buffers& buffers, size_t done, std::vector<iovec>& storage) {
  storage.clear();
  buffers.visit(done, buffers.total - done, [&](char* at, size_t piece) {
    storage.push_back({at, piece});
  });
  return {storage.data(), storage.size(), buffers.total - done};
}

// How much of `whole` >= 2 bytes a short transfer moves.
size_t part_of(size_t whole) {
  switch (explore::choose(site::kNetSplit, 4)) {
    case 1:
      return 1;
    case 2:
      return whole - whole / 4;
    case 3:
      return whole - 1;
    default:
      return whole / 2;
  }
}

// Asks the points of reading where their needs hold. Zero: no fault; negative: the call's result.
// May lower `limit`; then `hide_rest` says that the rest is to go back into flight.
long read_faults(File* file, bool non_blocking, int flags, size_t* limit, bool* hide_rest) {
  using namespace faults;
  if (armed_points[k_posix_io_rw_read_eintr_lie] != 0 && fault(k_posix_io_rw_read_eintr_lie)) {
    return -EINTR;
  }
  if (!is_stream(file)) return 0;
  if (armed_points[k_posix_io_rw_read_eintr] != 0 && fault(k_posix_io_rw_read_eintr)) return -EINTR;
  if (armed_points[k_posix_io_rw_read_eagain_lie] != 0 && non_blocking &&
      (file->poll() & EPOLLIN) != 0 && fault(k_posix_io_rw_read_eagain_lie)) {
    return -EAGAIN;
  }
  if (TcpSocket* tcp = as_tcp(file); tcp != nullptr && tcp->may_hide()) {
    if (non_blocking && fault(k_posix_io_rw_read_eagain)) {
      tcp->hide();
      return -EAGAIN;
    }
    size_t whole = std::min<size_t>(tcp->readable_bytes(), *limit);
    if (whole >= 2 && (flags & (MSG_PEEK | MSG_WAITALL)) == 0 && fault(k_posix_io_rw_read_short)) {
      *limit = part_of(whole);
      *hide_rest = true;
      return 0;
    }
  }
  if (*limit >= 2 && (flags & MSG_WAITALL) == 0 && fault(k_posix_io_rw_read_short_lie)) {
    *limit = part_of(*limit);
  }
  return 0;
}

long write_faults(File* file, bool non_blocking, size_t* limit, bool* squeeze_after) {
  using namespace faults;
  if (armed_points[k_posix_io_rw_write_eintr_lie] != 0 && fault(k_posix_io_rw_write_eintr_lie)) {
    return -EINTR;
  }
  if (!is_stream(file)) return 0;
  if (armed_points[k_posix_io_rw_write_eintr] != 0 && fault(k_posix_io_rw_write_eintr)) {
    return -EINTR;
  }
  if (!non_blocking) return 0;
  if (armed_points[k_posix_io_rw_write_eagain_lie] != 0 && (file->poll() & EPOLLOUT) != 0 &&
      fault(k_posix_io_rw_write_eagain_lie)) {
    return -EAGAIN;
  }
  if (TcpSocket* tcp = as_tcp(file); tcp != nullptr && tcp->may_squeeze() && *limit != 0) {
    if (fault(k_posix_io_rw_write_eagain)) {
      tcp->squeeze();
      return -EAGAIN;
    }
    size_t whole = std::min(tcp->room(), *limit);
    if (whole >= 2 && fault(k_posix_io_rw_write_short)) {
      *limit = part_of(whole);
      *squeeze_after = true;
      return 0;
    }
  }
  if (*limit >= 2 && fault(k_posix_io_rw_write_short_lie)) *limit = part_of(*limit);
  return 0;
}

bool buffers_from(const iovec* vector, long count, Buffers* buffers, long* error) {
  *error = 0;
  if (count < 0 || count > kIovMax) {
    *error = -EINVAL;
    return false;
  }
  if (count == 0) return true;
  if (bad_address(vector)) {
    *error = -EFAULT;
    return false;
  }
  size_t total = 0;
  for (long i = 0; i < count; ++i) {
    if (static_cast<ssize_t>(vector[i].iov_len) < 0) {
      *error = -EINVAL;
      return false;
    }
    total = std::min(total + vector[i].iov_len, kTransferMax);
  }
  *buffers = {vector, static_cast<size_t>(count), total};
  return true;
}

long read_with(File* file, const Buffers& buffers, int flags, Envelope* envelope) {
  if (!file->readable_mode) return -EBADF;
  bool non_blocking = file->non_blocking || (flags & MSG_DONTWAIT) != 0;
  size_t limit = buffers.total;
  bool hide_rest = false;
  if (long injected = read_faults(file, non_blocking, flags, &limit, &hide_rest); injected != 0) {
    return injected;
  }
  long result = attempt_read(file, buffers, limit, flags, envelope);
  if (__builtin_expect(hide_rest, 0)) {
    auto* tcp = static_cast<TcpSocket*>(file);
    if (result > 0 && tcp->may_hide()) tcp->hide();
  }
  bool wait_all = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0 && is_stream(file);
  bool wants_more = wait_all && result > 0 && static_cast<size_t>(result) < limit;
  if (!non_blocking && (result == -EAGAIN || wants_more)) {
    FileReference reference(file);
    Time deadline = receive_deadline(file);
    size_t done = result > 0 ? static_cast<size_t>(result) : 0;
    std::vector<iovec> storage;
    for (;;) {
      if (ends_at_shutdown(file)) return 0;
      bool woken = file->wait(deadline);
      Buffers rest = done == 0 ? buffers : rest_of(buffers, done, storage);
      result = attempt_read(file, rest, limit - done, flags, envelope);
      if (result > 0) {
        done += static_cast<size_t>(result);
        if (!wait_all || done == limit || explore::signal_pending()) break;
      } else if (result != -EAGAIN || !woken) {
        break;
      } else if (explore::signal_pending()) {
        result = interrupted(deadline);
        break;
      }
    }
    if (done != 0) result = static_cast<long>(done);
  }
  if (result != -EAGAIN) file->learn();
  if ((flags & MSG_TRUNC) == 0) mix_data(buffers, result);
  return result;
}

long write_with(File* file, const Buffers& buffers, int flags, const Envelope* envelope) {
  if (!file->writable_mode) return -EBADF;
  bool non_blocking = file->non_blocking || (flags & MSG_DONTWAIT) != 0;
  // A message that is too long is refused for that.
  if (is_stream(file) && !all_there(buffers)) return -EFAULT;
  size_t limit = buffers.total;
  bool squeeze_after = false;
  if (long injected = write_faults(file, non_blocking, &limit, &squeeze_after); injected != 0) {
    return injected;
  }
  // Also if it fails. A thread that has to wait in here does nothing that could be learnt of.
  file->make_known();
  long result = attempt_write(file, buffers, limit, flags, envelope);
  if (__builtin_expect(squeeze_after, 0) && result > 0) static_cast<TcpSocket*>(file)->squeeze();
  bool wants_more = is_stream(file) && result > 0 && static_cast<size_t>(result) < limit;
  if (!non_blocking && (result == -EAGAIN || wants_more)) {
    FileReference reference(file);
    Time deadline = send_deadline(file);
    size_t done = result > 0 ? static_cast<size_t>(result) : 0;
    std::vector<iovec> storage;
    for (;;) {
      bool woken = wait_for_room(file, deadline);
      Buffers rest = done == 0 ? buffers : rest_of(buffers, done, storage);
      result = attempt_write(file, rest, limit - done, flags, envelope);
      if (result > 0) {
        done += static_cast<size_t>(result);
        if (done == limit || !is_stream(file) || explore::signal_pending()) break;
      } else if (result != -EAGAIN || !woken) {
        break;
      } else if (explore::signal_pending()) {
        result = interrupted(deadline);
        break;
      }
    }
    if (done != 0) result = static_cast<long>(done);
  }
  // MSG_NOSIGNAL exists for sockets only, and only they are written to with flags. Of them only
  // streams raise it (sk_stream_error, unix_stream_sendmsg).
  if (result == -EPIPE && (flags & MSG_NOSIGNAL) == 0 && is_stream(file)) {
    send_sigpipe(file->describe());
  }
  mix_data(buffers, result);
  return result;
}

}  // namespace

long read_file(File* file, const Buffers& buffers, int flags) {
  return read_with(file, buffers, flags, nullptr);
}

long write_file(File* file, const Buffers& buffers, int flags) {
  return write_with(file, buffers, flags, nullptr);
}

long receive_message(Socket* socket, const Buffers& buffers, int flags, Envelope* envelope) {
  return read_with(socket, buffers, flags, envelope);
}

long send_message(Socket* socket, const Buffers& buffers, int flags, const Envelope* envelope) {
  return write_with(socket, buffers, flags, envelope);
}

long call_read(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr || !file->readable_mode) return -EBADF;
  if (!access_ok(a.pointer<void>(1), static_cast<size_t>(a[2]))) return -EFAULT;
  iovec vector{a.pointer<void>(1), std::min(static_cast<size_t>(a[2]), kTransferMax)};
  // sock_read_iter: a read of nothing; a recv of nothing waits for something.
  if (vector.iov_len == 0 && file->is_socket()) return 0;
  return read_file(file, {&vector, 1, vector.iov_len}, 0);
}

long call_write(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr || !file->writable_mode) return -EBADF;
  if (!access_ok(a.pointer<void>(1), static_cast<size_t>(a[2]))) return -EFAULT;
  iovec vector{a.pointer<void>(1), std::min(static_cast<size_t>(a[2]), kTransferMax)};
  return write_file(file, {&vector, 1, vector.iov_len}, 0);
}

long call_readv(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  Buffers buffers;
  long error;
  if (!buffers_from(a.pointer<const iovec>(1), a.integer(2), &buffers, &error)) return error;
  return buffers.total == 0 ? 0 : read_file(file, buffers, 0);
}

long call_writev(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  Buffers buffers;
  long error;
  if (!buffers_from(a.pointer<const iovec>(1), a.integer(2), &buffers, &error)) return error;
  return buffers.total == 0 ? 0 : write_file(file, buffers, 0);
}

// Files with a position: only the devices have one, and it does not matter to them.
long call_pread(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  return file->kind() == Kind::device ? call_read(a) : -ESPIPE;
}

long call_pwrite(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  return file->kind() == Kind::device ? call_write(a) : -ESPIPE;
}

long call_preadv(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  return file->kind() == Kind::device ? call_readv(a) : -ESPIPE;
}

long call_pwritev(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  return file->kind() == Kind::device ? call_writev(a) : -ESPIPE;
}

long call_lseek(const Arguments& a) {
  File* file = get_file(a.integer(0));
  if (file == nullptr) return -EBADF;
  return is_stream(file) || file->is_socket() ? -ESPIPE : 0;  // noop_llseek
}

}  // namespace pollux::kernel

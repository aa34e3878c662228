// SPDX-License-Identifier: MIT
// A descriptor that goroutines may use together: system calls first, waiting only on EAGAIN,
// deadlines, and a close that is safe at any time.
//
//   poll_fd.cc          life, deadlines, read, write, accept
//   poll_fd_vector.cc   readv, writev
//   poll_fd_message.cc  datagrams and control messages
//   poll_fd_control.cc  calls that only need the descriptor to stay open
//   send_file.cc, splice.cc   bulk transfers between two of them
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "netpoll/error.h"
#include "netpoll/sync.h"
#include "src/fd_mutex.h"
#include "src/poll_desc.h"
#include "src/sys.h"

namespace netpoll {

struct socket_address;

enum class fd_type : uint8_t { stream, seqpacket, dgram, file };

// No single read or write on a stream asks for more: some kernels fail or truncate beyond it.
inline constexpr size_t chunk_max_default = size_t{1} << 30;

// What recvmsg brought: n bytes of data, oob_n bytes of control messages, MSG_ flags.
struct message_sizes {
  size_t n = 0;
  size_t oob_n = 0;
  int flags = 0;
};

// Owns the descriptor: destroyed when it has been closed and the last operation has left.
// Errors carry no operation; the caller adds it. Reading calls exclude each other, so do writing
// calls. On error n is 0, but for write, writev and pwrite, which say how far they came.
class poll_fd {
 public:
  poll_fd(scheduler& s, int sysfd, fd_type type) : sched_(s), sysfd_(sysfd), type_(type) {}
  ~poll_fd();  // closes, if nobody has
  poll_fd(const poll_fd&) = delete;
  poll_fd& operator=(const poll_fd&) = delete;

  // Registers with the poller. On error the descriptor works as a blocking one and can be closed.
  Error init();

  // Reading. n == 0 without an error only for len == 0 or an empty datagram.
  IoResult read(void* buf, size_t len);
  IoResult readv(std::span<const iovec> v);
  IoResult read_from(void* buf, size_t len, socket_address* from);
  Error read_msg(std::span<const iovec> v, void* oob, size_t oob_len, int flags,
                 socket_address* from, message_sizes* sizes);
  // The new descriptor in *sysfd.
  Error accept(int* sysfd);

  // Writing. All of it, or an error.
  IoResult write(const void* buf, size_t len);
  // Uses `v` up: afterwards it is what has not been written (and the entries are changed).
  IoResult writev(std::span<iovec>& v);
  IoResult write_to(const void* buf, size_t len, const socket_address& to);
  // `to` may be null, for a connected socket. Control messages go with the first byte.
  IoResult write_msg(std::span<const iovec> v, const void* oob, size_t oob_len,
                     const socket_address* to);

  // Hand `f` the descriptor until it returns true, waiting in between; it must not block.
  Error raw_read(const std::function<bool(int)>& f);
  Error raw_write(const std::function<bool(int)>& f);

  // These need no lock, so they also work while others read and write.
  IoResult pread(void* buf, size_t len, int64_t offset);
  IoResult pwrite(const void* buf, size_t len, int64_t offset);
  Error raw_control(const std::function<void(int)>& f);  // once, whatever the deadlines
  Error dup(int* sysfd);                                 // close-on-exec, O_NONBLOCK in common
  Error shutdown(int how);
  // From here on operations block their worker, and close does not wait for them.
  Error set_blocking();
  Error set_option(int level, int name, int value);
  Error set_option(int level, int name, const void* value, uint32_t len);
  Error set_deadline(std::chrono::steady_clock::time_point t, poll_modes modes);

  // Waits for writability; for connect, before anybody else has the descriptor.
  Error wait_write();
  // Everything in progress ends with Errc::net_closing or its result; returns when the descriptor
  // is closed (for one that is not pollable: at once). The error of close(2) if it was ours to
  // call.
  Error close();

  scheduler& sched() const { return sched_; }
  int sysfd() const { return sysfd_; }
  fd_type type() const { return type_; }
  const fd_mutex& mutex() const { return mutex_; }
  // For tests: chunks smaller than 1 GiB. Before the first use.
  void set_chunk_max(size_t n) { chunk_max_ = n; }

 private:
  friend class fd_use;
  friend class splicer;
  friend class file_sender;
  bool is_stream() const { return type_ == fd_type::stream || type_ == fd_type::file; }
  bool is_socket() const { return type_ != fd_type::file; }
  bool zero_read_is_eof() const { return type_ != fd_type::dgram; }
  size_t chunk(size_t len) const { return is_stream() && len > chunk_max_ ? chunk_max_ : len; }
  Error closing() const { return Error(is_socket() ? Errc::net_closing : Errc::file_closing); }
  Error to_error(poll_result r) const;

  Error prepare(poll_mode mode);
  Error prepare_read();        // for read: see poll_fd.cc
  Error prepare_other_read();  // for all other reading calls
  Error wait(poll_mode mode);
  ssize_t write_once(const void* buf, size_t len);
  int destroy();

  // Calls `call`, which returns a result or -errno, until it neither was interrupted nor would
  // block. A result < 0 comes with *err set: the poller's error, or the errno's under `name`.
  template <class Call>
  ssize_t retry(poll_mode mode, const char* name, Error* err, Call call) {
    for (;;) {
      const ssize_t n = call();
      if (n >= 0) return n;
      if (n == -EINTR) continue;
      if (n == -EAGAIN && pd_) {
        *err = wait(mode);
        if (!*err) continue;
      } else {
        *err = Error::from_errno(name, static_cast<int>(-n));
      }
      return n;
    }
  }

  scheduler& sched_;
  int sysfd_;  // -1 once closed
  const fd_type type_;
  std::atomic<bool> is_blocking_{false};  // only ever becomes true
  bool drained_ = false;                  // the last read emptied the socket; read lock
  poll_desc* pd_ = nullptr;               // null: not pollable
  size_t chunk_max_ = chunk_max_default;
  fd_mutex mutex_;
  Semaphore closed_;  // one token, when the descriptor has been destroyed
};

}  // namespace netpoll

// SPDX-License-Identifier: MIT
// Errors as values. An Error is 40 bytes and cheap to return; the default value means success. It
// has the parts of Go's OpError: the operation, the network, the two addresses where they are
// known, and the innermost cause. A connection's errors share one description of the connection, so
// that even a failing operation allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "netpoll/address.h"

namespace netpoll {

enum class Errc : uint8_t {
  none = 0,
  eof,                 // a read met the end of the stream; carries no operation, as in Go
  net_closing,         // used after close(), or closed while the operation waited
  deadline_exceeded,   // the deadline set by set_*deadline passed
  not_pollable,        // a read on a descriptor about which epoll reported an error, nothing else
  sys,                 // a system call failed: sys_errno() and syscall() say how
  unexpected_eof,      // a write made no progress and gave no reason
  canceled,            // the dial's DialCanceller was triggered
  timeout,             // the dial's timeout or deadline passed
  cannot_wait,         // raw_read or raw_write must wait, and epoll does not take the descriptor
  no_deadline,         // a deadline was set on a descriptor that cannot have one
  file_closing,        // net_closing, of a File
  closed_pipe,         // an end of pipe() was closed: the own one, or for writes the other one
  write_to_connected,  // write_to on a connected socket: use write
  missing_address,     // write_to or dial without an address
  non_ipv4_address,    // the socket is IPv4, address() is not
  non_ipv6_address,    // the socket is IPv6, address() is not
  address_type,        // the address is of a kind that the network does not have
};

// What an operation was about. Shared and immutable; made once for each connection.
struct OpContext {
  std::string net;  // "tcp", "unix", ...; for a File its name
  Address local;
  Address remote;
};

class [[nodiscard]] Error {
 public:
  constexpr Error() = default;
  constexpr explicit Error(Errc code) : code_(code) {}

  // A failed system call; `syscall` must be a string literal or null.
  static Error from_errno(const char* syscall, int sys_errno) {
    Error e(Errc::sys);
    e.syscall_ = syscall;
    e.sys_errno_ = sys_errno;
    return e;
  }

  // Whether address() is the remote or the local one; source() exists with the remote one only.
  enum class Subject : uint8_t { remote, local };

  // The same error, attributed to an operation ("read", "accept", ...; a string literal).
  // Success and end of stream stay bare.
  Error with_op(const char* op, std::shared_ptr<const OpContext> context,
                Subject subject = Subject::remote) const {
    Error e = *this;
    if (code_ == Errc::none || code_ == Errc::eof) return e;
    e.op_ = op;
    e.context_ = std::move(context);
    e.subject_ = subject;
    return e;
  }

  Errc code() const { return code_; }
  bool ok() const { return code_ == Errc::none; }
  // True when there IS an error, as Go's `err != nil`.
  explicit operator bool() const { return code_ != Errc::none; }
  // The errno of a failed system call, else 0.
  int sys_errno() const { return sys_errno_; }
  // The failed system call ("connect", "accept4", ...), else empty.
  std::string_view syscall() const { return syscall_ ? syscall_ : ""; }
  // The operation of the caller's ("dial", "read", ...); empty for success and end of stream.
  std::string_view op() const { return op_ ? op_ : ""; }
  std::string_view net() const { return context_ ? context_->net : std::string_view(); }
  Address source() const;   // none when there is none
  Address address() const;  // none when there is none

  // A deadline or a dial timeout passed, or the kernel reported EAGAIN or ETIMEDOUT.
  bool timeout() const;
  // Trying again later may succeed: timeout(), EINTR, EMFILE and ENFILE.
  bool temporary() const;
  // As Go prints it: "read tcp 127.0.0.1:5->127.0.0.1:6: i/o timeout"; "" for success.
  std::string message() const;

 private:
  std::string cause() const;

  const char* op_ = nullptr;
  const char* syscall_ = nullptr;
  std::shared_ptr<const OpContext> context_;
  int sys_errno_ = 0;
  Errc code_ = Errc::none;
  Subject subject_ = Subject::remote;
};

// What a read or a write did. `n` bytes were transferred; for a write also when `err` is set.
struct [[nodiscard]] IoResult {
  size_t n = 0;
  Error err;
};

// A value, or the error that prevented it (then the value is an empty handle).
template <class T>
struct [[nodiscard]] Result {
  T value;
  Error err;
};

}  // namespace netpoll

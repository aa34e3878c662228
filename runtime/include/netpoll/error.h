// SPDX-License-Identifier: MIT
// Errors as values. An Error is 40 bytes, needs no allocation and is cheap to return; the default
// value means success. It has the parts of Go's OpError: the operation, the two addresses where
// they are known, and the innermost cause.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace netpoll {

// An IPv4 address and port, both in host byte order. Port 0 asks listen_tcp for any free port.
struct Ipv4Endpoint {
  uint32_t address_host_order = 0;
  uint16_t port = 0;

  static constexpr Ipv4Endpoint loopback(uint16_t port) { return {0x7f000001u, port}; }
  static constexpr Ipv4Endpoint any(uint16_t port) { return {0, port}; }
  friend constexpr bool operator==(const Ipv4Endpoint&, const Ipv4Endpoint&) = default;
  std::string to_string() const;  // "127.0.0.1:80"
};

enum class Errc : uint8_t {
  none = 0,
  eof,                // a read met the end of the stream; carries no operation, as in Go
  net_closing,        // used after close(), or closed while the operation waited
  deadline_exceeded,  // the deadline set by set_*deadline passed
  not_pollable,       // a read on a descriptor about which epoll reported an error and nothing else
  sys,                // a system call failed: sys_errno() and syscall() say how
  unexpected_eof,     // a write made no progress and gave no reason
  canceled,           // the dial's DialCanceller was triggered
  timeout,            // the dial's timeout passed
  no_deadline,        // a deadline was set on a descriptor that cannot have one
};

class [[nodiscard]] Error {
 public:
  constexpr Error() = default;
  constexpr explicit Error(Errc code) : code_(code) {}

  // A failed system call; `syscall` must be a string literal.
  static constexpr Error from_errno(const char* syscall, int sys_errno) {
    Error e(Errc::sys);
    e.syscall_ = syscall;
    e.sys_errno_ = sys_errno;
    return e;
  }

  // The same error, attributed to an operation ("read", "accept", ...; a string literal).
  // Success and end of stream stay bare.
  constexpr Error with_op(const char* op, Ipv4Endpoint source = {},
                          Ipv4Endpoint address = {}) const {
    Error e = *this;
    if (code_ == Errc::none || code_ == Errc::eof) return e;
    e.op_ = op;
    e.source_ = source;
    e.address_ = address;
    return e;
  }

  constexpr Errc code() const { return code_; }
  constexpr bool ok() const { return code_ == Errc::none; }
  // True when there IS an error, as Go's `err != nil`.
  constexpr explicit operator bool() const { return code_ != Errc::none; }
  // The errno of a failed system call, else 0.
  constexpr int sys_errno() const { return sys_errno_; }
  // The failed system call ("connect", "accept4", ...), else empty.
  constexpr std::string_view syscall() const { return syscall_ ? syscall_ : ""; }
  // The operation of the caller's ("dial", "read", ...); empty for success and end of stream.
  constexpr std::string_view op() const { return op_ ? op_ : ""; }
  constexpr Ipv4Endpoint source() const { return source_; }    // zero when there is none
  constexpr Ipv4Endpoint address() const { return address_; }  // zero when there is none

  // A deadline or a dial timeout passed, or the kernel reported EAGAIN or ETIMEDOUT.
  bool timeout() const;
  // Trying again later may succeed: timeout(), EINTR, EMFILE and ENFILE.
  bool temporary() const;
  // "read tcp 127.0.0.1:5->127.0.0.1:6: i/o timeout"; "" for success.
  std::string message() const;

 private:
  const char* op_ = nullptr;
  const char* syscall_ = nullptr;
  Ipv4Endpoint source_;
  Ipv4Endpoint address_;
  int sys_errno_ = 0;
  Errc code_ = Errc::none;
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

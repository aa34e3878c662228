// SPDX-License-Identifier: MIT
#include "netpoll/error.h"

#include <cctype>
#include <cerrno>
#include <system_error>

namespace netpoll {

namespace {

// As Go's table of errnos, which was made from the same texts: "Bad file" -> "bad file", but
// "RFS specific error" stays.
std::string errno_text(int sys_errno) {
  std::string s = std::generic_category().message(sys_errno);
  const auto byte = [&s](size_t i) { return static_cast<unsigned char>(s[i]); };
  if (s.size() > 1 && std::isupper(byte(0)) && std::islower(byte(1))) {
    s[0] = static_cast<char>(std::tolower(byte(0)));
  }
  return s;
}

}  // namespace

Address Error::source() const {
  return context_ && subject_ == Subject::remote ? context_->local : Address();
}

Address Error::address() const {
  if (!context_) return Address();
  return subject_ == Subject::remote ? context_->remote : context_->local;
}

bool Error::timeout() const {
  switch (code_) {
    case Errc::deadline_exceeded:
    case Errc::timeout:
      return true;
    case Errc::sys:
      return sys_errno_ == EAGAIN || sys_errno_ == ETIMEDOUT;
    default:
      return false;
  }
}

bool Error::temporary() const {
  if (timeout()) return true;
  return code_ == Errc::sys &&
         (sys_errno_ == EINTR || sys_errno_ == EMFILE || sys_errno_ == ENFILE);
}

std::string Error::cause() const {
  switch (code_) {
    case Errc::none:
      return "";
    case Errc::eof:
      return "EOF";
    case Errc::net_closing:
      return "use of closed network connection";
    case Errc::deadline_exceeded:
    case Errc::timeout:
      return "i/o timeout";
    case Errc::not_pollable:
      return "not pollable";
    case Errc::sys:
      return (syscall_ ? std::string(syscall_) + ": " : "") + errno_text(sys_errno_);
    case Errc::unexpected_eof:
      return "unexpected EOF";
    case Errc::canceled:
      return "operation was canceled";
    case Errc::cannot_wait:
      return "waiting for unsupported file type";
    case Errc::no_deadline:
      return "file type does not support deadline";
    case Errc::file_closing:
      return "use of closed file";
    case Errc::closed_pipe:
      return "io: read/write on closed pipe";
    case Errc::write_to_connected:
      return "use of WriteTo with pre-connected connection";
    case Errc::missing_address:
      return "missing address";
    case Errc::non_ipv4_address:
      return "address " + address().host() + ": non-IPv4 address";
    case Errc::non_ipv6_address:
      return "address " + address().host() + ": non-IPv6 address";
    case Errc::address_type:
      return "address " + address().to_string() + ": unexpected address type";
  }
  return "";
}

std::string Error::message() const {
  if (!op_) return cause();
  std::string s = op_;
  if (context_ && !context_->net.empty()) s += " " + context_->net;
  const Address from = source();
  const Address to = address();
  if (!from.empty()) s += " " + from.to_string();
  if (!to.empty()) s += (from.empty() ? " " : "->") + to.to_string();
  return s + ": " + cause();
}

}  // namespace netpoll

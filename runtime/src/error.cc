// SPDX-License-Identifier: MIT
#include "netpoll/error.h"

#include <cerrno>
#include <system_error>

namespace netpoll {

std::string Ipv4Endpoint::to_string() const {
  std::string s;
  for (int shift = 24; shift >= 0; shift -= 8) {
    s += std::to_string(address_host_order >> shift & 0xff);
    s += shift > 0 ? '.' : ':';
  }
  return s + std::to_string(port);
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

std::string Error::message() const {
  std::string cause;
  switch (code_) {
    case Errc::none:
      return "";
    case Errc::eof:
      return "EOF";
    case Errc::net_closing:
      cause = "use of closed network connection";
      break;
    case Errc::deadline_exceeded:
    case Errc::timeout:
      cause = "i/o timeout";
      break;
    case Errc::not_pollable:
      cause = "not pollable";
      break;
    case Errc::sys:
      if (syscall_) cause = std::string(syscall_) + ": ";
      cause += std::generic_category().message(sys_errno_);
      break;
    case Errc::unexpected_eof:
      cause = "unexpected EOF";
      break;
    case Errc::canceled:
      cause = "operation was canceled";
      break;
    case Errc::no_deadline:
      cause = "the descriptor does not support deadlines";
      break;
  }
  if (!op_) return cause;
  std::string s = std::string(op_) + " tcp";
  const bool has_source = source_ != Ipv4Endpoint{};
  if (has_source) s += " " + source_.to_string();
  if (address_ != Ipv4Endpoint{}) s += (has_source ? "->" : " ") + address_.to_string();
  return s + ": " + cause;
}

}  // namespace netpoll

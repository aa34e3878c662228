// SPDX-License-Identifier: MIT
//
// What sockets of all families have in common, and what a message carries besides its bytes.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "kernel/file.h"

namespace pollux::kernel {

// For the order of threads: the flow of all datagrams, which may go anywhere.
inline constexpr char kDatagrams = 0;

// A sockaddr of any family. Length 0: there is none.
struct SocketName {
  socklen_t length = 0;
  sockaddr_storage address;
};

// The part of a msghdr that is not bytes.
struct Envelope {
  Envelope() = default;
  ~Envelope() {
    for (File* file : rights) file->drop();
  }
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

  void copy_rights(const std::vector<File*>& from) {
    rights = from;
    for (File* file : rights) file->hold();
  }

  SocketName name;            // sending: to whom, none: to the peer; received: from whom
  int flags = 0;              // received: MSG_TRUNC and the like
  std::vector<File*> rights;  // SCM_RIGHTS; a reference to each
  bool has_packet_info = false;
  in_pktinfo packet_info{};  // received: IP_PKTINFO, if the socket asked for it
};

class Socket : public File {
 public:
  // Transfers a message without waiting, -EAGAIN when that is not possible; `flags` are MSG_* bits.
  // Either envelope may be null. A kind that has no use for envelopes reads and writes.
  virtual long receive(const Buffers& buffers, size_t limit, int flags, Envelope*) {
    return read(buffers, limit, flags);
  }
  virtual long transmit(const Buffers& buffers, size_t limit, int flags, const Envelope*) {
    return write(buffers, limit, flags);
  }

  // SO_ERROR: the pending errno, and clears it.
  long take_error() {
    int value = error;
    error = 0;
    return value;
  }

  bool shut_read = false, shut_write = false;  // sk_shutdown
  bool reuse_address = false, reuse_port = false, keep_alive = false, broadcast = false;
  bool linger_on = false;
  int linger_seconds = 0;
  int error = 0;  // sk_err
  uint32_t send_buffer = 0, receive_buffer = 0;
  int64_t receive_timeout = 0, send_timeout = 0;  // ns, 0: none

 protected:
  explicit Socket(Kind kind) : File(kind) {}
  // A new life out of the pool.
  void begin_socket(unsigned host_number, uint32_t send_bytes, uint32_t receive_bytes) {
    begin(host_number);
    shut_read = shut_write = false;
    reuse_address = reuse_port = keep_alive = broadcast = linger_on = false;
    linger_seconds = error = 0;
    send_buffer = send_bytes;
    receive_buffer = receive_bytes;
    receive_timeout = send_timeout = 0;
  }
};

// The socket, or null for any other file.
inline Socket* as_socket(File* file) {
  return file->is_socket() ? static_cast<Socket*>(file) : nullptr;
}

}  // namespace pollux::kernel

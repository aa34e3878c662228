// SPDX-License-Identifier: MIT
//
// Unix sockets: names, listening, connecting, ends. What the kinds do with bytes is in
// unix_stream.h and unix_packet.h.
//
// There is no network between them: a connection exists at once, accepted or not, and what is
// written can be read at once. A send buffer counts what socket buffers (skb) cost, not bytes,
// until the reader is done with them.
#pragma once

#include <map>
#include <string>

#include "kernel/socket.h"

namespace pollux::kernel {

class UnixSocket : public Socket {
 public:
  enum class State : uint8_t { closed, listening, connected };

  // `type` is SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.
  static UnixSocket* create(unsigned host, int type);
  static void create_pair(unsigned host, int type, UnixSocket** a, UnixSocket** b);

  void release() override;
  const void* outflow() const override { return peer_; }
  File* other_end() const override { return peer_; }
  std::string describe() override;

  // --- System calls, after the descriptor was looked up and the address copied in.
  long bind(const SocketName&);
  long listen(int backlog);
  long connect(const SocketName&);  // may wait; AF_UNSPEC: a datagram socket lets go of its peer
  long accept(UnixSocket** child);  // may wait
  long shutdown(int how);

  const SocketName& name() const { return name_; }  // length 0: none
  // Whom it is connected to, also when that one has gone; length 0: to nobody.
  SocketName peer_name() const;

  // FIONREAD and TIOCOUTQ.
  virtual size_t readable_bytes() const = 0;
  uint32_t queued_cost() const { return cost_; }

  int type() const { return type_; }
  State state() const { return state_; }
  // What whoever waits for a turn at this socket blocks on.
  const void* waiting_senders() const { return &senders_; }
  // SO_PEERCRED has something to tell.
  bool has_credentials() const { return has_credentials_; }

 protected:
  explicit UnixSocket(Kind kind) : Socket(kind) {}
  void begin_unix(unsigned host_number, int type);

  // Throws away what was not read; true when there was something.
  virtual bool drop_queue() = 0;

  bool is_writable() const {  // unix_writable
    return state_ != State::listening && cost_ * 4ull <= send_buffer;
  }
  // What `cost` stood for was read (sock_wfree, unix_write_space).
  void give_back(uint32_t cost);
  uint32_t common_poll() const;
  bool connection_based() const { return type_ != SOCK_DGRAM; }
  void set_peer(UnixSocket*);
  void leave_peer();
  // Nobody blocks on a full queue of this socket in vain.
  void wake_waiting_senders();

  UnixSocket* peer_ = nullptr;
  uint32_t cost_ = 0;  // of what others have not read yet (sk_wmem_alloc)
  State state_ = State::closed;
  bool peer_gone_ = false;   // closed; a datagram socket has not been told yet
  bool wants_room_ = false;  // the peer's queue was full when somebody looked

 private:
  friend class UnixNames;
  bool backlog_full() const { return queue_length_ > backlog_; }
  long find_listener(const SocketName&, UnixSocket**) const;
  void depart();

  SocketName name_, departed_name_;
  bool in_names_ = false, has_credentials_ = false;
  bool queued_ = false;  // connected, but not accepted yet
  int type_ = SOCK_STREAM;
  uint32_t backlog_ = 0, queue_length_ = 0;
  UnixSocket *queue_first_ = nullptr, *queue_last_ = nullptr, *queue_next_ = nullptr;
  // Datagram sockets that have this one as their peer.
  UnixSocket *senders_ = nullptr, *next_sender_ = nullptr, **sender_link_ = nullptr;
};

// The names of one host's unix sockets. Paths are the world's own: one that is bound exists here
// and in no file system, in whatever directory, until it is unlinked.
class UnixNames {
 public:
  // -EADDRINUSE, or takes the name.
  long bind(UnixSocket*, const SocketName&);
  // A name of five digits that nobody has.
  void bind_to_any(UnixSocket*);
  // -ENOENT, -ECONNREFUSED: nobody is there; -EPROTOTYPE: somebody of another type.
  long find(const SocketName&, int type, UnixSocket**) const;
  // The socket is gone; its path stays.
  void forget(UnixSocket*);

  bool has_path(const char* path) const { return names_.find(path) != names_.end(); }
  void unlink(const char* path);

  void reset();

 private:
  std::map<std::string, UnixSocket*, std::less<>> names_;  // null: its socket is gone
  uint32_t next_number_ = 0;
};

// unix_validate_addr: zero or -EINVAL.
long check_unix_name(const SocketName&);

}  // namespace pollux::kernel

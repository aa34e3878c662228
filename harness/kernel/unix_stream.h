// SPDX-License-Identifier: MIT
//
// socketpair(AF_UNIX, SOCK_STREAM).
//
// No network: what is written can be read at once. The send buffer counts what a socket buffer
// (skb) costs, not bytes, and each buffer that the reader finishes may raise a write edge.
#pragma once

#include <vector>

#include "kernel/socket.h"

namespace pollux::kernel {

class UnixStream final : public Socket {
 public:
  UnixStream() : Socket(Kind::unix_stream) {}
  static void create_pair(unsigned host, UnixStream** a, UnixStream** b);

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  long write(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override { return "unix stream"; }
  std::string describe() override;

  long shutdown(int how);
  size_t readable_bytes() const { return written_ - read_; }
  uint32_t queued_cost() const { return cost_; }

 private:
  struct Piece {
    uint64_t end;  // position after its last byte
    uint32_t cost;
  };
  bool is_writable() const { return cost_ * 4ull <= send_buffer; }  // unix_writable
  void free_pieces();

  // The receive queue of this end.
  ByteRing ring_;
  uint64_t read_ = 0, written_ = 0;
  std::vector<Piece> pieces_;
  size_t first_piece_ = 0;

  UnixStream* peer_ = nullptr;
  uint32_t cost_ = 0;  // of what this end has in the peer's queue (sk_wmem_alloc)
};

}  // namespace pollux::kernel

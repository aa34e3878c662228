// SPDX-License-Identifier: MIT
//
// Unix sockets of bytes (SOCK_STREAM). Each buffer that the reader finishes may raise a write edge.
#pragma once

#include <vector>

#include "kernel/unix_socket.h"

namespace pollux::kernel {

class UnixStream final : public UnixSocket {
 public:
  UnixStream() : UnixSocket(Kind::unix_stream) {}
  void begin_life(unsigned host);

  uint32_t poll() override;
  long read(const Buffers& buffers, size_t limit, int flags) override {
    return receive(buffers, limit, flags, nullptr);
  }
  long write(const Buffers& buffers, size_t limit, int flags) override {
    return transmit(buffers, limit, flags, nullptr);
  }
  long receive(const Buffers&, size_t limit, int flags, Envelope*) override;
  long transmit(const Buffers&, size_t limit, int flags, const Envelope*) override;
  void release() override;
  const char* kind_name() const override { return "unix stream"; }
  size_t readable_bytes() const override { return written_ - read_; }

 private:
  struct Piece {
    uint64_t end;  // position after its last byte
    uint32_t cost;
  };
  // Files that came with the bytes [begin, end).
  struct Passed {
    uint64_t begin, end;
    std::vector<File*> files;
  };
  bool drop_queue() override;
  void free_pieces();
  size_t with_rights(size_t size, bool peek, Envelope*);

  // The receive queue of this end.
  ByteRing ring_;
  uint64_t read_ = 0, written_ = 0;
  std::vector<Piece> pieces_;
  size_t first_piece_ = 0;
  std::vector<Passed> passed_;
};

}  // namespace pollux::kernel

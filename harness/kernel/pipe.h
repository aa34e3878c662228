// SPDX-License-Identifier: MIT
//
// pipe(2): slots of a page, sixteen unless the program asked for more or fewer (fs/pipe.c).
#pragma once

#include <memory>
#include <vector>

#include "kernel/file.h"

namespace pollux::kernel {

class PipeEnd;

struct Pipe {
  static constexpr size_t kPage = 4096;
  static constexpr uint32_t kSlots = 16;  // of a new one

  struct Slot {
    uint32_t offset, length;
  };
  std::unique_ptr<char[]> pages;  // one for each slot
  std::vector<Slot> slots;
  uint32_t head = 0, tail = 0;  // slots [tail, head) are in use, modulo the number of slots
  bool polled = false;          // poll_usage
  PipeEnd* reader = nullptr;
  PipeEnd* writer = nullptr;

  uint32_t size() const { return static_cast<uint32_t>(slots.size()); }
  bool empty() const { return head == tail; }
  bool full() const { return head - tail >= size(); }
  size_t bytes() const;
  Slot& slot(uint32_t at) { return slots[at % size()]; }
  char* page(uint32_t at) { return pages.get() + at % size() * kPage; }
  // A power of two, at least as many as are in use; what is in the pipe stays.
  void resize(uint32_t count);
};

class PipeEnd final : public File {
 public:
  PipeEnd() : File(Kind::pipe) {}
  static void create(unsigned host, PipeEnd** reader, PipeEnd** writer);

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  long write(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override { return is_reader_ ? "pipe reader" : "pipe writer"; }
  const void* inflow() const override { return pipe_; }
  const void* outflow() const override { return pipe_; }
  std::string describe() override;

  size_t bytes() const { return pipe_->bytes(); }
  bool is_reader() const { return is_reader_; }
  bool same_pipe(const PipeEnd& other) const { return pipe_ == other.pipe_; }
  bool other_end_closed() const { return (is_reader_ ? pipe_->writer : pipe_->reader) == nullptr; }
  // What whole pages still take.
  size_t free_bytes() const { return (pipe_->size() - (pipe_->head - pipe_->tail)) * Pipe::kPage; }
  // The first `size` bytes, which stay; there must be so many.
  void peek(char* to, size_t size) const;
  // F_GETPIPE_SZ, F_SETPIPE_SZ (pipe_set_size).
  long size() const { return static_cast<long>(pipe_->size() * Pipe::kPage); }
  long set_size(long wanted);

 private:
  Pipe* pipe_ = nullptr;
  bool is_reader_ = false;
};

}  // namespace pollux::kernel

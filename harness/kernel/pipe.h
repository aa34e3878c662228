// SPDX-License-Identifier: MIT
//
// pipe(2): sixteen slots of a page (fs/pipe.c).
#pragma once

#include "kernel/file.h"

namespace pollux::kernel {

class PipeEnd;

struct Pipe {
  static constexpr size_t kPage = 4096;
  static constexpr uint32_t kSlots = 16;

  struct Slot {
    uint32_t offset, length;
  };
  std::unique_ptr<char[]> pages;  // kSlots pages
  Slot slots[kSlots] = {};
  uint32_t head = 0, tail = 0;  // slots [tail, head) are in use
  bool polled = false;          // poll_usage
  PipeEnd* reader = nullptr;
  PipeEnd* writer = nullptr;

  bool empty() const { return head == tail; }
  bool full() const { return head - tail >= kSlots; }
  size_t bytes() const;
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

 private:
  Pipe* pipe_ = nullptr;
  bool is_reader_ = false;
};

}  // namespace pollux::kernel

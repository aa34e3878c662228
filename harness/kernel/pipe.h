// SPDX-License-Identifier: MIT
//
// pipe(2): slots of a page, sixteen unless the program asked for more or fewer (fs/pipe.c).
//
// A pipe that is open while the process forks is from then on in memory that the processes of the
// run share, and each of them has File objects of its own for the ends that it has open.
#pragma once

#include <memory>

#include "kernel/file.h"

namespace pollux::kernel {

class PipeEnd;

// What is in a pipe.
struct Ring {
  static constexpr size_t kPage = 4096;

  struct Slot {
    uint32_t offset, length;
  };
  char* pages = nullptr;  // one for each slot
  Slot* slots = nullptr;
  uint32_t size = 0;
  uint32_t head = 0, tail = 0;  // slots [tail, head) are in use, modulo the number of slots
  bool polled = false;          // poll_usage

  bool empty() const { return head == tail; }
  bool full() const { return head - tail >= size; }
  size_t bytes() const;
  Slot& slot(uint32_t at) { return slots[at % size]; }
  char* page(uint32_t at) { return pages + at % size * kPage; }
};

// A ring in shared memory, and who has which end of it open: a bit per process.
struct SharedRing {
  Ring ring;
  uint64_t open[2] = {};       // readers, writers
  uint32_t news[2] = {};       // goes up with what the readers, the writers are to be told
  int64_t news_at[2] = {};     // when it last did
  SharedRing* next = nullptr;  // of all of the run
};

struct Pipe {
  static constexpr size_t kPage = Ring::kPage;
  static constexpr uint32_t kSlots = 16;  // of a new one

  Ring own;
  std::unique_ptr<char[]> own_memory;
  Ring* ring = &own;
  SharedRing* shared = nullptr;
  PipeEnd* ends[2] = {};  // reader, writer of this process
  uint32_t seen[2] = {};  // of shared->news

  // Is the other end of that one open, here or elsewhere?
  bool has_other(bool is_reader) const;
  // The other end of that one is told.
  void wake_other(bool is_reader, uint32_t key);
  // A power of two, at least as many as are in use; what is in the pipe stays.
  void resize(uint32_t count);
};

class PipeEnd final : public File {
 public:
  PipeEnd() : File(Kind::pipe) {}
  static void create(unsigned host, PipeEnd** reader, PipeEnd** writer);

  // The process is about to fork `child`, which will have the same ends open.
  void share_with(unsigned child);
  // What other processes have done to it since is told to who waits here.
  void hear();
  // False: it was given back.
  bool is_open() const { return pipe_ != nullptr && pipe_->ends[side()] == this; }

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  long write(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override { return is_reader_ ? "pipe reader" : "pipe writer"; }
  const void* inflow() const override { return pipe_; }
  const void* outflow() const override { return pipe_; }
  std::string describe() override;

  size_t bytes() const { return pipe_->ring->bytes(); }
  bool is_reader() const { return is_reader_; }
  bool same_pipe(const PipeEnd& other) const { return pipe_ == other.pipe_; }
  bool other_end_closed() const { return !pipe_->has_other(is_reader_); }
  // What whole pages still take.
  size_t free_bytes() const {
    const Ring& ring = *pipe_->ring;
    return (ring.size - (ring.head - ring.tail)) * Pipe::kPage;
  }
  // The first `size` bytes, which stay; there must be so many.
  void peek(char* to, size_t size) const;
  // F_GETPIPE_SZ, F_SETPIPE_SZ (pipe_set_size).
  long size() const { return static_cast<long>(pipe_->ring->size * Pipe::kPage); }
  long set_size(long wanted);

 private:
  unsigned side() const { return is_reader_ ? 0 : 1; }
  Pipe* pipe_ = nullptr;
  bool is_reader_ = false;
};

// The process is about to fork `child`: all pipes of the host that are open here.
void share_pipes(unsigned host, unsigned child);
// The turn has come: PipeEnd::hear for all.
void hear_of_pipes();
// A process is gone: what it had open of shared pipes is closed.
void close_shared_ends(unsigned process);

}  // namespace pollux::kernel

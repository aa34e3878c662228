// SPDX-License-Identifier: MIT
//
// An open file description: what several descriptors may refer to, and what epoll watches.
//
// Life: alive while a descriptor or a call in progress refers to it (Linux's struct file count).
// A registration in an epoll set does not keep it alive: when the last reference goes, the
// registrations go first, silently, and then the object itself (eventpoll_release in __fput).
//
// Who waits on a file is in three places, woken in this order as on a Linux wait queue:
//   items    its registrations in epoll sets; newest first, EPOLLEXCLUSIVE ones last
//   pollers  threads inside poll or select
//   blocked  threads inside a blocking read, write, accept or connect, which look again when woken
#pragma once

#include <cstdint>
#include <string>

#include "explore/kernel_order.h"
#include "kernel/buffers.h"
#include "kernel/check.h"

namespace pollux::kernel {

class File;
struct EpollItem;

// Sockets first; is_socket() counts on it.
enum class Kind : uint8_t {
  tcp,
  udp,
  unix_stream,
  unix_packet,
  pipe,
  eventfd,
  timerfd,
  signalfd,
  epoll,
  device
};

// One file that a thread inside poll or select waits for; lives on that thread's stack or heap.
struct PollEntry {
  File* file = nullptr;
  uint32_t events = 0;            // wakes with other keys are not for us
  const void* sleeper = nullptr;  // the object that the thread blocks on
  PollEntry* next = nullptr;
  PollEntry** link = nullptr;  // what points to us
};

class File {
 public:
  virtual ~File() = default;

  // --- What kinds of files do differently.

  // EPOLL* bits that hold now. May note that somebody wants to know about space (TCP).
  virtual uint32_t poll() = 0;
  // Transfers at most `limit` bytes of the buffers without waiting; `flags` are MSG_* bits. -EAGAIN
  // when it would have to wait.
  virtual long read(const Buffers&, size_t limit, int flags);
  virtual long write(const Buffers&, size_t limit, int flags);
  // The last reference is gone: undo what the object is to others, and give it back.
  virtual void release() = 0;
  virtual const char* kind_name() const = 0;
  // What a read learns of and what a write makes known, for the order of threads
  // (explore/kernel_order.h). Null: nobody is there.
  virtual const void* inflow() const { return this; }
  virtual const void* outflow() const { return this; }
  // The other end of a connection, in this process; null: there is none.
  virtual File* other_end() const { return nullptr; }
  // One line for people.
  virtual std::string describe() { return kind_name(); }

  // --- For everybody.

  void hold() { ++references_; }
  void drop() {
    if (--references_ == 0) last_reference_gone();
  }
  uint32_t references() const { return references_; }

  // Something happened; `key` says what as EPOLL* bits, 0: anything may have changed.
  void wake(uint32_t key) {
    if (items_ != nullptr || pollers_ != nullptr || blocked_ != 0) wake_somebody(key);
  }

  // The calling thread learns of what others wrote; makes known what it did.
  void learn() const {
    if (explore::keeps_order) explore::kernel_acquire(inflow());
  }
  void make_known() const {
    if (explore::keeps_order) explore::kernel_release(outflow());
  }

  // The calling thread waits until wake() or `deadline`; false: deadline. The caller holds a
  // reference.
  bool wait(int64_t deadline);

  void add_poller(PollEntry*);
  static void remove_poller(PollEntry*);

  void add_item(EpollItem*);
  void remove_item(EpollItem*);
  // Whoever waited is gone with the stack that the entries were on.
  void forget_waiters() {
    pollers_ = nullptr;
    blocked_ = 0;
  }
  // Its host went down: beside that, what the timeline still has for it comes to nothing.
  void abandon() {
    forget_waiters();
    ++generation;
  }
  EpollItem* items() const { return items_; }

  Kind kind() const { return kind_; }
  bool is_socket() const { return kind_ < Kind::pipe; }

  bool non_blocking = false;
  bool readable_mode = true;  // O_RDONLY or O_RDWR
  bool writable_mode = true;
  bool wants_output = false;  // the last write could not take everything
  bool ever_read = false;     // the program does take what is there
  uint8_t host = 0;
  uint32_t reported = 0;    // bits that the program has been told about
  uint64_t generation = 0;  // goes up when the object begins a new life
  uint32_t inherited = 0;   // its number among what was open at a fork; 0: it was not

 protected:
  explicit File(Kind kind) : kind_(kind) {}
  // A new life out of the pool.
  void begin(unsigned host_number);

 private:
  void wake_somebody(uint32_t key);
  void last_reference_gone();

  Kind kind_;
  uint32_t references_ = 0;
  uint32_t blocked_ = 0;
  EpollItem* items_ = nullptr;
  EpollItem* last_item_ = nullptr;
  PollEntry* pollers_ = nullptr;
};

// Keeps a file alive while a call waits.
class FileReference {
 public:
  explicit FileReference(File* file) : file_(file) { file_->hold(); }
  ~FileReference() { file_->drop(); }
  FileReference(const FileReference&) = delete;
  FileReference& operator=(const FileReference&) = delete;

 private:
  File* file_;
};

}  // namespace pollux::kernel

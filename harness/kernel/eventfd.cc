// SPDX-License-Identifier: MIT
//
// fs/eventfd.c. Each write wakes readers and each read wakes writers whether or not readiness
// changed: edge-triggered wakers that never read (Asio, mio) live on that.
#include "kernel/eventfd.h"

#include <sys/epoll.h>

#include <cerrno>

#include "kernel/pools.h"

namespace pollux::kernel {

EventFd* EventFd::create(unsigned host, uint64_t value, bool semaphore) {
  EventFd* file = pools.eventfds.take();
  file->begin(host);
  file->count_ = value;
  file->semaphore_ = semaphore;
  return file;
}

void EventFd::release() { pools.eventfds.give(this); }

std::string EventFd::describe() { return "eventfd, count " + std::to_string(count_); }

uint32_t EventFd::poll() {
  uint32_t mask = 0;
  if (count_ > 0) mask |= EPOLLIN;
  if (count_ < UINT64_MAX - 1) mask |= EPOLLOUT;
  if (count_ == UINT64_MAX) mask |= EPOLLERR;
  return mask;
}

long EventFd::read(const Buffers& buffers, size_t limit, int) {
  if (limit < sizeof(uint64_t)) return -EINVAL;
  if (count_ == 0) return -EAGAIN;
  if (buffers.faulty()) return -EFAULT;
  uint64_t value = semaphore_ ? 1 : count_;
  count_ -= value;
  buffers.copy_from(0, reinterpret_cast<const char*>(&value), sizeof value);
  ever_read = true;
  wants_output = false;
  wake(EPOLLOUT);
  return sizeof value;
}

long EventFd::write(const Buffers& buffers, size_t limit, int) {
  if (limit < sizeof(uint64_t)) return -EINVAL;
  if (buffers.faulty()) return -EFAULT;
  uint64_t value;
  buffers.copy_to(0, reinterpret_cast<char*>(&value), sizeof value);
  if (value == UINT64_MAX) return -EINVAL;
  if (UINT64_MAX - count_ <= value) {
    wants_output = true;
    return -EAGAIN;
  }
  count_ += value;
  wake(EPOLLIN);
  return sizeof value;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
// Descriptors that are not sockets: pipes, terminals, signalfd, timerfd, regular files.
#pragma once

#include <cstdint>
#include <string_view>

#include "netpoll/descriptor.h"

namespace netpoll {

// What epoll accepts is set to O_NONBLOCK, and waits as a socket does. What it does not (regular
// files, directories) keeps blocking its worker for the time of each call; it has no deadlines
// (Errc::no_deadline), and close does not wait for calls in progress.
class File : public Descriptor {
 public:
  File() = default;
  explicit File(std::shared_ptr<net_fd> fd) : Descriptor(std::move(fd)) {}
  // Takes `fd` over. `name` is for messages.
  static Result<File> adopt(int fd, std::string_view name);

  // At an offset, without moving the file's own. pread returns what there is, Errc::eof at the end;
  // pwrite writes all.
  IoResult pread(void* buf, size_t len, int64_t offset);
  IoResult pwrite(const void* buf, size_t len, int64_t offset);

  // Clears O_NONBLOCK, for good: from here on calls block their worker, and close does not wait
  // for them. For handing the descriptor to code that expects a blocking one.
  Error set_blocking();
};

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// eventfd(2).
#pragma once

#include "kernel/file.h"

namespace pollux::kernel {

class EventFd final : public File {
 public:
  EventFd() : File(Kind::eventfd) {}
  static EventFd* create(unsigned host, uint64_t value, bool semaphore);

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  long write(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override { return "eventfd"; }
  std::string describe() override;

 private:
  uint64_t count_ = 0;
  bool semaphore_ = false;
};

}  // namespace pollux::kernel

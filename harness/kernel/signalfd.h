// SPDX-License-Identifier: MIT
//
// signalfd(2). It has no signals of its own: reading takes those that are pending for the reading
// thread or its process, and it is readable for whom there are some.
#pragma once

#include "kernel/file.h"

namespace pollux::kernel {

class SignalFd final : public File {
 public:
  SignalFd() : File(Kind::signalfd) {}
  static SignalFd* create(unsigned host, uint64_t mask);

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override { return "signalfd"; }
  std::string describe() override;

  void set_mask(uint64_t mask);
  uint64_t mask() const { return mask_; }
  bool is_open() const { return open_; }

 private:
  uint64_t mask_ = 0;
  bool open_ = false;
};

}  // namespace pollux::kernel

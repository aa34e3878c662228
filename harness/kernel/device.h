// SPDX-License-Identifier: MIT
//
// The few files that a program opens by name and that must live in the twin's descriptor table:
// /dev/null, /dev/urandom, and the root directory (libuv keeps it as a reserve descriptor).
#pragma once

#include "kernel/file.h"

namespace pollux::kernel {

class Device final : public File {
 public:
  enum class What : uint8_t { null, random, directory };

  Device() : File(Kind::device) {}
  static Device* create(unsigned host, What);

  uint32_t poll() override;
  long read(const Buffers&, size_t limit, int flags) override;
  long write(const Buffers&, size_t limit, int flags) override;
  void release() override;
  const char* kind_name() const override;

  What what = What::null;
};

// Fills with bytes that are a choice (site random/bytes).
void random_bytes(char* target, size_t size);

}  // namespace pollux::kernel

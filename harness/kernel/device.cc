// SPDX-License-Identifier: MIT
#include "kernel/device.h"

#include <sys/epoll.h>

#include <cerrno>

#include "kernel/pools.h"
#include "kernel/state.h"

namespace pollux::kernel {

Device* Device::create(unsigned host, What what) {
  Device* file = pools.devices.take();
  file->begin(host);
  file->what = what;
  return file;
}

void Device::release() { pools.devices.give(this); }

const char* Device::kind_name() const {
  switch (what) {
    case What::null:
      return "/dev/null";
    case What::random:
      return "/dev/urandom";
    case What::directory:
      return "/";
  }
  return "?";
}

uint32_t Device::poll() { return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM; }

long Device::read(const Buffers& buffers, size_t limit, int) {
  switch (what) {
    case What::null:
      return 0;
    case What::directory:
      return -EISDIR;
    case What::random:
      break;
  }
  if (buffers.faulty()) return -EFAULT;
  buffers.visit(0, limit, random_bytes);
  return static_cast<long>(limit);
}

long Device::write(const Buffers&, size_t limit, int) {
  return what == What::directory ? -EBADF : static_cast<long>(limit);
}

void random_bytes(char* target, size_t size) {
  // One choice seeds the whole request: outcome 0 is a fixed pattern that still differs from
  // request to request.
  uint64_t word = (state.random_requests++ << 32) + 0x9E3779B97F4A7C15ull;
  word += static_cast<uint64_t>(explore::choose(site::kRandom, UINT32_MAX)) * 0xD1B54A32D192ED03ull;
  for (size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) {  // splitmix64
      word += 0x9E3779B97F4A7C15ull;
    }
    uint64_t mixed = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
    target[i] = static_cast<char>((mixed ^ (mixed >> 31)) >> (i % 8 * 8));
  }
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
#include "explore/lasting_memory.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstdint>

#include "explore/check.h"
#include "explore/memory_roots.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::explore {
namespace {

constexpr size_t kChunk = 1 << 20;
constexpr size_t kAlignment = 64;

constinit char* next = nullptr;
constinit size_t left = 0;

char* map(size_t bytes) {
  long at = shim::raw_system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  POLLUX_EXPLORE_CHECK(at > 0);
  auto* memory = reinterpret_cast<char*>(at);
  note_harness_memory(memory, bytes);
  return memory;
}

}  // namespace

void* lasting_memory(size_t bytes) {
  bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
  if (bytes > kChunk / 4) return map(bytes);
  if (bytes > left) {
    next = map(kChunk);
    left = kChunk;
  }
  void* at = next;
  next += bytes;
  left -= bytes;
  return at;
}

}  // namespace pollux::explore

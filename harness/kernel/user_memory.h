// SPDX-License-Identifier: MIT
//
// The program's addresses, as the kernel sees them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pollux::kernel {

struct Buffers;

// TASK_SIZE_MAX: with page tables of four levels the last page is the kernel's.
#if defined(__x86_64__)
inline constexpr uintptr_t kAddressEnd = 0x7FFFFFFFF000;
#else
inline constexpr uintptr_t kAddressEnd = uintptr_t{1} << 48;
#endif
inline constexpr size_t kTransferMax = 0x7FFFF000;  // MAX_RW_COUNT

// What Linux answers EFAULT for without looking further: below the first page, or the kernel's.
inline bool bad_address(const void* address) {
  return reinterpret_cast<uintptr_t>(address) - 4096 >= kAddressEnd - 4096;
}

// access_ok: could all of it be the program's?
inline bool access_ok(const void* address, size_t size) {
  return size <= kAddressEnd && reinterpret_cast<uintptr_t>(address) <= kAddressEnd - size;
}

// Is the last byte of each piece there? Of transfers of ordinary size that is taken for granted.
// Linux may have copied some of it before it finds out; here it is all or nothing, or the layout of
// the program's memory would decide how much.
bool all_there(const Buffers&);

}  // namespace pollux::kernel

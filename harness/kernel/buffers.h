// SPDX-License-Identifier: MIT
//
// The program's buffers of one call, and a ring of bytes to copy them to and from.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "kernel/user_memory.h"

namespace pollux::kernel {

// What read, readv, recvmsg ... and their counterparts pass.
struct Buffers {
  const iovec* vector = nullptr;
  size_t count = 0;
  size_t total = 0;

  // A non-empty element that can not be an address.
  bool faulty() const {
    for (size_t i = 0; i < count; ++i) {
      if (vector[i].iov_len != 0 && bad_address(vector[i].iov_base)) return true;
    }
    return false;
  }

  // Calls visit(pointer, length) for the pieces of bytes [from, from + size).
  template <class Visit>
  void visit(size_t from, size_t size, Visit visit) const {
    for (size_t i = 0; i < count && size != 0; ++i) {
      size_t length = vector[i].iov_len;
      if (from >= length) {
        from -= length;
        continue;
      }
      size_t piece = length - from < size ? length - from : size;
      visit(static_cast<char*>(vector[i].iov_base) + from, piece);
      from = 0;
      size -= piece;
    }
  }

  void copy_to(size_t from, char* to, size_t size) const {
    visit(from, size, [&](const char* at, size_t piece) {
      std::memcpy(to, at, piece);
      to += piece;
    });
  }
  void copy_from(size_t from, const char* source, size_t size) const {
    visit(from, size, [&](char* at, size_t piece) {
      std::memcpy(at, source, piece);
      source += piece;
    });
  }
};

// A power-of-two ring addressed by ever growing positions. Who owns it knows which positions are
// live.
class ByteRing {
 public:
  // Makes room for the positions [begin, end), of which [begin, live_end) hold bytes.
  void reserve(uint64_t begin, uint64_t live_end, uint64_t end) {
    if (begin == live_end) origin_ = begin;  // empty: start over with the memory that is in cache
    if (end - begin > capacity_) grow(begin, live_end, end - begin);
  }

  // Copies bytes [from, from + size) of `source` to `position`.
  void put(uint64_t position, const Buffers& source, size_t from, size_t size) {
    while (size != 0) {
      size_t piece = contiguous(position, size);
      source.copy_to(from, data_.get() + index(position), piece);
      position += piece;
      from += piece;
      size -= piece;
    }
  }

  void get(uint64_t position, const Buffers& target, size_t from, size_t size) const {
    while (size != 0) {
      size_t piece = contiguous(position, size);
      target.copy_from(from, data_.get() + index(position), piece);
      position += piece;
      from += piece;
      size -= piece;
    }
  }

 private:
  size_t index(uint64_t position) const { return (position - origin_) & (capacity_ - 1); }

  size_t contiguous(uint64_t position, size_t size) const {
    size_t until_wrap = capacity_ - index(position);
    return size < until_wrap ? size : until_wrap;
  }

  void grow(uint64_t begin, uint64_t live_end, size_t needed) {
    size_t capacity = capacity_ == 0 ? 512 : capacity_;
    while (capacity < needed) capacity *= 2;
    std::unique_ptr<char[]> data(new char[capacity]);
    for (uint64_t at = begin; at != live_end;) {
      size_t piece = contiguous(at, live_end - at);
      std::memcpy(data.get() + (at - begin), data_.get() + index(at), piece);
      at += piece;
    }
    data_ = std::move(data);
    capacity_ = capacity;
    origin_ = begin;
  }

  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  uint64_t origin_ = 0;  // the position at index 0
};

}  // namespace pollux::kernel

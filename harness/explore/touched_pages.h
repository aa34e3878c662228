// SPDX-License-Identifier: MIT
//
// Which pages of this process's memory have anything in them. Those that nobody has touched hold
// nothing, may be very many, and could not even be read behind the end of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "explore/memory_range.h"

namespace pollux::explore {

// A file of /proc, read past the twin.
class ProcFile {
 public:
  explicit ProcFile(const char* path);
  ~ProcFile();
  ProcFile(const ProcFile&) = delete;
  ProcFile& operator=(const ProcFile&) = delete;

  // 0 at the end, and when there is no such file.
  size_t read(void* to, size_t size, uint64_t offset) const;
  std::string read_all() const;
  long descriptor() const { return fd_; }

 private:
  long fd_;
};

class TouchedPages {
 public:
  TouchedPages();
  // False: the system does not say (it wants /proc). All pages count as touched then.
  bool are_known() const { return are_known_; }
  // By address.
  std::vector<MemoryRange> in(MemoryRange) const;

 private:
  bool scan(MemoryRange, std::vector<MemoryRange>&) const;
  void look_at_each(MemoryRange, std::vector<MemoryRange>&) const;

  ProcFile map_;
  bool are_known_;
};

}  // namespace pollux::explore

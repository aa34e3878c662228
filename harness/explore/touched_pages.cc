// SPDX-License-Identifier: MIT
#include "explore/touched_pages.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

#include "pollux/shim/raw_system_call.h"

namespace pollux::explore {
namespace {

constexpr uintptr_t kPage = 4096;

// linux/fs.h since Linux 6.7. A region is passed over as a whole when nothing is mapped in it,
// which reading an entry for each page is not.
struct PageRegion {
  uint64_t start, end, categories;
};
struct PageScan {
  uint64_t size, flags, start, end, walk_end, regions, regions_max, pages_max;
  uint64_t inverted, all_of, any_of, returned;
};
constexpr unsigned long kPageScan = _IOWR('f', 16, PageScan);
constexpr uint64_t kIsPresent = 1 << 3, kIsSwapped = 1 << 4;

// What is left of [low, high) within `range`, joined to what touches it.
void add(uintptr_t low, uintptr_t high, MemoryRange range, std::vector<MemoryRange>& touched) {
  low = std::max(low, range.low);
  high = std::min(high, range.high);
  if (!touched.empty() && touched.back().high == low) {
    touched.back().high = high;
  } else {
    touched.push_back({low, high});
  }
}

}  // namespace

ProcFile::ProcFile(const char* path)
    : fd_(shim::raw_system_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path),
                                O_RDONLY | O_CLOEXEC, 0)) {}

ProcFile::~ProcFile() {
  if (fd_ >= 0) shim::raw_system_call(SYS_close, fd_);
}

size_t ProcFile::read(void* to, size_t size, uint64_t offset) const {
  if (fd_ < 0) return 0;
  long got = shim::raw_system_call(SYS_pread64, fd_, reinterpret_cast<long>(to),
                                   static_cast<long>(size), static_cast<long>(offset));
  return got > 0 ? static_cast<size_t>(got) : 0;
}

std::string ProcFile::read_all() const {
  constexpr size_t kStep = 64 << 10;
  std::string text;
  for (size_t size = 0;;) {
    text.resize(size + kStep);
    size_t got = read(text.data() + size, kStep, size);
    size += got;
    if (got == 0) {
      text.resize(size);
      return text;
    }
  }
}

TouchedPages::TouchedPages() : map_("/proc/self/pagemap") {
  uint64_t entry;
  const uintptr_t here = reinterpret_cast<uintptr_t>(this) / kPage;
  are_known_ = map_.read(&entry, sizeof entry, here * sizeof entry) == sizeof entry;
}

std::vector<MemoryRange> TouchedPages::in(MemoryRange range) const {
  if (!are_known_) return {range};
  std::vector<MemoryRange> touched;
  if (!scan(range, touched)) {
    touched.clear();
    look_at_each(range, touched);
  }
  return touched;
}

// False: this kernel can not.
bool TouchedPages::scan(MemoryRange range, std::vector<MemoryRange>& touched) const {
  PageRegion regions[256];
  PageScan scan = {};
  scan.size = sizeof scan;
  scan.start = range.low & ~(kPage - 1);
  scan.end = (range.high + kPage - 1) & ~(kPage - 1);
  scan.regions = reinterpret_cast<uint64_t>(regions);
  scan.regions_max = std::size(regions);
  scan.any_of = scan.returned = kIsPresent | kIsSwapped;
  while (scan.start < scan.end) {
    long found = shim::raw_system_call(SYS_ioctl, map_.descriptor(), static_cast<long>(kPageScan),
                                       reinterpret_cast<long>(&scan));
    if (found < 0) return false;
    for (long i = 0; i < found; ++i) add(regions[i].start, regions[i].end, range, touched);
    if (scan.walk_end <= scan.start) return false;
    scan.start = scan.walk_end;
  }
  return true;
}

// Documentation/admin-guide/mm/pagemap.rst
void TouchedPages::look_at_each(MemoryRange range, std::vector<MemoryRange>& touched) const {
  constexpr uint64_t kPresentOrSwapped = uint64_t{3} << 62;
  uint64_t entries[512];
  for (uintptr_t page = range.low & ~(kPage - 1); page < range.high;) {
    size_t wanted =
        std::min<size_t>(std::size(entries), (range.high - page + kPage - 1) / kPage) * 8;
    size_t got = map_.read(entries, wanted, page / kPage * 8) / 8;
    if (got == 0) return;
    for (size_t i = 0; i < got; ++i, page += kPage) {
      if ((entries[i] & kPresentOrSwapped) != 0) add(page, page + kPage, range, touched);
    }
  }
}

}  // namespace pollux::explore

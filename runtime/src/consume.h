// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace netpoll {

// Takes the first n bytes off `v`: drops whole parts (which become empty, so that nothing in the
// caller's array points to what has been sent), then cuts the head. Empty parts at the front go
// too, even for n == 0.
void consume(std::span<iovec>& v, size_t n);

}  // namespace netpoll

// SPDX-License-Identifier: MIT
//
// Choices that are read from a string of bytes, as a fuzzer that is guided by coverage makes it up
// (docs/fuzzing.md).
//
// The run asks, and each answer takes the next byte, whatever the site:
//
//   0 to 127    boring, and so is what comes before the G-th choice from here at this site: G is
//               (16 + byte % 16) * 2^(byte / 16) / 16, from 1 to 248
//   128 to 255  not boring. Which of the other outcomes: (byte - 128) modulo how many there are. Of
//               more than 128, further bytes belong to the number, which is then
//               (byte - 128) + 128 * next + 128 * 256 * next ...
//   none left   boring from here on
//
// Where a thread is chosen, the others count in their order, each sevenfold, and then nobody, once.
//
// So any string is a run, no bytes are the boring run, and a string with more bytes behind it
// begins as the same run.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pollux/choice.h"

namespace pollux {

std::unique_ptr<Strategy> make_bytes_strategy(std::vector<uint8_t> bytes);

}  // namespace pollux

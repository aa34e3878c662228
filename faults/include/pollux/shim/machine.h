// SPDX-License-Identifier: MIT
//
// The machine that every run has, as far as both the shim and the backend tell of it.
#pragma once

namespace pollux::shim {

inline constexpr int kProcessors = 4;

}  // namespace pollux::shim

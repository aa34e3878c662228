// SPDX-License-Identifier: MIT
//
// State of the harness that static destructors leave alone: in process mode (`pollux exec`) the
// program's exit handlers run within the run, and the verdict is taken after ours.
#pragma once

namespace pollux::explore {

template <typename T>
union NeverDestroyed {
  constexpr NeverDestroyed() : value() {}
  ~NeverDestroyed() {}
  T value;
};

}  // namespace pollux::explore

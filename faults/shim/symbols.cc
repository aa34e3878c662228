// SPDX-License-Identifier: MIT
#include "pollux/shim/symbols.h"

#include <sys/syscall.h>

#include "pollux/shim/fork.h"

namespace pollux::shim {

std::span<const Symbol> symbols() {
  static constexpr Symbol kSymbols[] = {
#define POLLUX_SYMBOL(name, kind, number) {#name, SymbolKind::kind, number},
#include "shim/symbols.def"
#undef POLLUX_SYMBOL
  };
  return kSymbols;
}

}  // namespace pollux::shim

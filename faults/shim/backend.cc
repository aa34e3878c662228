// SPDX-License-Identifier: MIT
#include "pollux/shim/backend.h"

namespace pollux::shim {
namespace {

constinit Backend installed;

}  // namespace

void install_backend(const Backend& value) { installed = value; }

const Backend& backend() { return installed; }

}  // namespace pollux::shim

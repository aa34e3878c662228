// SPDX-License-Identifier: MIT
//
// The profiles of this folder as text, by name.
#pragma once

#include <span>
#include <string_view>

namespace pollux::faults {

struct BuiltInProfile {
  std::string_view name;
  std::string_view text;
};

std::span<const BuiltInProfile> built_in_texts();

}  // namespace pollux::faults

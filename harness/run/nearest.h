// SPDX-License-Identifier: MIT
//
// Which of the known names was probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pollux::run {

// The nearest by Levenshtein distance; empty when `names` is.
std::string_view nearest(std::string_view given, const std::vector<std::string_view>& names);

// ": did you mean 'netpoll'?", or ": known are a, b, c" when none is near; empty without names.
std::string did_you_mean(std::string_view given, const std::vector<std::string_view>& names);

std::vector<std::string_view> suite_names();

}  // namespace pollux::run

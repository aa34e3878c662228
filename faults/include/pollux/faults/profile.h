// SPDX-License-Identifier: MIT
//
// A profile says which faults a run may meet and how often. Read from faults/profiles/NAME.toml or
// from a path; the files are documented in faults/profiles/README.md.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pollux/faults/point.h"

namespace pollux::faults {

struct ProfileFault {
  PointId point;
  double rate;  // 0 < rate <= 1: share of the visits at which it happens, when the run's swarm has
                // it on
};

struct Profile {
  std::string name;
  std::string description;
  double swarm = 1.0;  // share of the faults that one run has on; each run draws its own subset
  std::vector<ProfileFault> faults;
};

// What was wrong, where, and what would be right; one line.
struct ProfileError {
  std::string message;
};

// `name_or_path`: a built-in profile ("calm", "legal", "documented", "lies", ...) or a file ending
// in .toml.
std::variant<Profile, ProfileError> load_profile(std::string_view name_or_path);

// The same from text; `origin` is used in messages.
std::variant<Profile, ProfileError> parse_profile(std::string_view text, std::string_view origin);

std::vector<std::string_view> built_in_profiles();

}  // namespace pollux::faults

// SPDX-License-Identifier: MIT
#include "pollux/faults/profile.h"

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "catalogue/nearest.h"
#include "pollux/faults/catalogue.h"
#include "profiles/built_in.h"

namespace pollux::faults {
namespace {

constexpr std::array<std::string_view, 5> kKeys = {"base", "description", "swarm", "grades",
                                                   "faults"};
constexpr std::array<std::string_view, 3> kGrades = {"legal", "documented", "lie"};

// Thrown inside this file only, so that a check deep in a table stays one line.
struct Refused {
  std::string message;
};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

template <typename Range>
std::string unknown(std::string_view what, std::string_view word, const Range& known) {
  return "unknown " + std::string(what) + ' ' + quoted(word) + ", did you mean " +
         quoted(nearest(word, known)) + '?';
}

std::vector<std::string_view> point_names() {
  std::vector<std::string_view> names;
  for (const Point& point : points()) names.push_back(point.name);
  return names;
}

class Reader {
 public:
  explicit Reader(std::string_view origin) : origin_(origin) {}

  Profile read(const toml::table& file) {
    Profile profile;
    profile.name = name_of_origin();
    if (const toml::node* node = file.get("base")) profile.swarm = read_base(*node).swarm;
    for (auto&& [key, node] : file) {
      if (key.str() == "description") {
        const auto* text = node.as_string();
        if (text == nullptr) refuse(node, "\"description\" must be a text");
        profile.description = text->get();
      } else if (key.str() == "swarm") {
        profile.swarm = share(key.str(), node);
        if (profile.swarm == 0) refuse(node, "\"swarm\" must be above 0: calm has no faults");
      } else if (key.str() == "grades") {
        read_grades(table(key.str(), node));
      } else if (key.str() == "faults") {
        read_faults(table(key.str(), node));
      } else if (key.str() != "base") {
        refuse(node, unknown("key", key.str(), kKeys));
      }
    }
    profile.faults = resolve();
    return profile;
  }

 private:
  [[noreturn]] void refuse(const toml::node& where, const std::string& what) const {
    std::ostringstream line;
    line << origin_ << ':' << where.source().begin.line << ": " << what;
    throw Refused{line.str()};
  }

  // "legal" for "legal" and for "some/where/legal.toml".
  std::string name_of_origin() const {
    std::string_view name = origin_;
    if (size_t slash = name.rfind('/'); slash != name.npos) name.remove_prefix(slash + 1);
    if (name.ends_with(".toml")) name.remove_suffix(5);
    return std::string(name);
  }

  const toml::table& table(std::string_view key, const toml::node& node) const {
    const toml::table* value = node.as_table();
    if (value == nullptr) refuse(node, quoted(key) + " must be a table");
    return *value;
  }

  double share(std::string_view key, const toml::node& node) const {
    std::optional<double> value = node.is_number() ? node.value<double>() : std::nullopt;
    // Written so that a NaN is refused too.
    if (!value || !(*value >= 0 && *value <= 1)) {
      refuse(node, quoted(key) + " must be a share between 0 and 1");
    }
    return *value;
  }

  // What the file does not say is as in this one.
  Profile read_base(const toml::node& node) {
    const auto* name = node.as_string();
    if (name == nullptr) refuse(node, "\"base\" must be the name of a built-in profile");
    for (const BuiltInProfile& known : built_in_texts()) {
      if (known.name != name->get()) continue;
      Profile base = std::get<Profile>(parse_profile(known.text, known.name));
      for (const ProfileFault& fault : base.faults) of_base_[fault.point] = fault.rate;
      return base;
    }
    refuse(node, unknown("profile", name->get(), built_in_profiles()));
  }

  void read_grades(const toml::table& grades) {
    for (auto&& [key, node] : grades) {
      auto at = std::find(kGrades.begin(), kGrades.end(), key.str());
      if (at == kGrades.end()) refuse(node, unknown("grade", key.str(), kGrades));
      of_grade_[static_cast<size_t>(at - kGrades.begin())] = share(key.str(), node);
    }
  }

  void read_faults(const toml::table& faults) {
    for (auto&& [key, node] : faults) {
      const Point* point = find_point(key.str());
      if (point == nullptr) refuse(node, unknown("failure point", key.str(), point_names()));
      of_point_[point] = share(key.str(), node);
    }
  }

  // A point's own rate, or else its grade's, or else that of the base, in catalogue order.
  std::vector<ProfileFault> resolve() const {
    std::vector<ProfileFault> faults;
    for (const Point& point : points()) {
      auto own = of_point_.find(&point);
      const auto id = static_cast<PointId>(&point - points().data());
      auto base = of_base_.find(id);
      double rate = base != of_base_.end() ? base->second : 0;
      rate = of_grade_[size_t(point.grade)].value_or(rate);
      if (own != of_point_.end()) rate = own->second;
      if (rate > 0) faults.push_back({id, rate});
    }
    return faults;
  }

  std::string_view origin_;
  // Looked up only, never walked.
  std::map<PointId, double> of_base_;
  std::array<std::optional<double>, kGrades.size()> of_grade_ = {};  // by Grade
  std::map<const Point*, double> of_point_;
};

static_assert(static_cast<int>(Grade::lie) == 2, "kGrades is in the order of Grade");

}  // namespace

std::variant<Profile, ProfileError> parse_profile(std::string_view text, std::string_view origin) {
  try {
    return Reader(origin).read(toml::parse(text, origin));
  } catch (const Refused& refused) {
    return ProfileError{refused.message};
  } catch (const toml::parse_error& error) {
    std::ostringstream line;
    line << origin << ':' << error.source().begin.line << ": " << error.description();
    return ProfileError{line.str()};
  }
}

std::variant<Profile, ProfileError> load_profile(std::string_view name_or_path) {
  if (name_or_path.ends_with(".toml")) {
    std::ifstream in{std::string(name_or_path), std::ios::binary};
    std::stringstream text;
    if (!in || !(text << in.rdbuf())) {
      return ProfileError{std::string(name_or_path) + ": can not be read, or is empty"};
    }
    return parse_profile(text.str(), name_or_path);
  }
  for (const BuiltInProfile& profile : built_in_texts()) {
    if (profile.name == name_or_path) return parse_profile(profile.text, name_or_path);
  }
  return ProfileError{unknown("profile", name_or_path, built_in_profiles()) +
                      " (a file must end in .toml)"};
}

std::vector<std::string_view> built_in_profiles() {
  std::vector<std::string_view> names;
  for (const BuiltInProfile& profile : built_in_texts()) names.push_back(profile.name);
  return names;
}

}  // namespace pollux::faults

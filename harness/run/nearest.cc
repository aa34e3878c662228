// SPDX-License-Identifier: MIT
#include "run/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "pollux/suite.h"

namespace pollux::run {
namespace {

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view given, const std::vector<std::string_view>& names) {
  std::string_view best;
  size_t best_distance = SIZE_MAX;
  for (std::string_view name : names) {
    size_t far = distance(given, name);
    if (far < best_distance) {
      best = name;
      best_distance = far;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view given, const std::vector<std::string_view>& names) {
  constexpr size_t kListed = 12;
  if (names.empty()) return "";
  std::string_view best = nearest(given, names);
  bool near = distance(given, best) <= std::max<size_t>(2, given.size() / 3);
  bool part = given.size() >= 3 && best.find(given) != std::string_view::npos;
  if (near || part || names.size() > kListed) return ": did you mean '" + std::string(best) + "'?";
  std::string text = ": known are ";
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : ", ") + std::string(names[i]);
  return text;
}

std::vector<std::string_view> suite_names() {
  std::vector<std::string_view> names;
  for (const Suite* suite : suites()) names.push_back(suite->name());
  return names;
}

}  // namespace pollux::run

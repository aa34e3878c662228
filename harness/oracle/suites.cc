// SPDX-License-Identifier: MIT

#include <algorithm>

#include "pollux/suite.h"

namespace pollux {
namespace {

// A function-local object: suites register from constructors of static objects in other files.
std::vector<const Suite*>& registry() {
  static std::vector<const Suite*> suites;
  return suites;
}

}  // namespace

void register_suite(const Suite* suite) {
  std::vector<const Suite*>& all = registry();
  all.insert(std::upper_bound(all.begin(), all.end(), suite,
                              [](const Suite* a, const Suite* b) { return a->name() < b->name(); }),
             suite);
}

std::vector<const Suite*> suites() { return registry(); }

const Suite* find_suite(std::string_view name) {
  for (const Suite* suite : registry()) {
    if (suite->name() == name) return suite;
  }
  return nullptr;
}

}  // namespace pollux

// SPDX-License-Identifier: MIT
//
// symbols.def, the archive and the program agree on what is taken over.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "pollux/shim/gate.h"

namespace pollux::shim {
namespace {

std::set<std::string> listed() {
  return {
#define POLLUX_SYMBOL(name, kind, number) #name,
#include "shim/symbols.def"
#undef POLLUX_SYMBOL
  };
}

// Shared libraries look symbols up in the program first, so this is what they find.
TEST(SymbolsTest, EachListedSymbolOfTheProgramIsOurs) {
  Dl_info self;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&pollux_gate), &self), 0);
  for (const std::string& name : listed()) {
    void* found = dlsym(RTLD_DEFAULT, name.c_str());
    Dl_info where;
    ASSERT_TRUE(found != nullptr && dladdr(found, &where) != 0) << name;
    EXPECT_EQ(where.dli_fbase, self.dli_fbase) << name << " is " << where.dli_fname << "'s";
  }
}

// The members of the archive that this list speaks for; those of threads/ are not among them.
std::set<std::string> members() {
  std::istringstream names(POLLUX_SHIM_MEMBERS);
  return {std::istream_iterator<std::string>(names), {}};
}

TEST(SymbolsTest, NothingIsTakenOverThatIsNotListed) {
  std::string command = std::string("nm --defined-only -A ") + POLLUX_SHIM_ARCHIVE;
  FILE* nm = popen(command.c_str(), "r");
  ASSERT_NE(nm, nullptr);
  std::set<std::string> missing = listed();
  const std::set<std::string> known = listed(), ours = members();
  char line[4096];
  while (fgets(line, sizeof line, nm) != nullptr) {
    // archive:member:address kind name
    std::istringstream words(line);
    std::string where, kind, name;
    words >> where >> kind >> name;
    size_t end = where.rfind(':'), begin = where.rfind(':', end - 1) + 1;
    if (ours.count(where.substr(begin, end - begin)) == 0) continue;
    if (kind != "T" && kind != "W") continue;
    missing.erase(name);
    bool is_cpp = name.starts_with("_Z") && !known.count(name);
    if (is_cpp || name == "__clang_call_terminate" || name.starts_with("pollux_")) continue;
    EXPECT_EQ(known.count(name), 1u) << line;
  }
  EXPECT_EQ(pclose(nm), 0);
  EXPECT_EQ(missing, std::set<std::string>{});
}

}  // namespace
}  // namespace pollux::shim

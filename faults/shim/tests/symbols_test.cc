// SPDX-License-Identifier: MIT
//
// symbols.def, the archive and the program agree on what is taken over.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
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

// Unmangled names that the archive defines outside of threads/ must be in the list.
TEST(SymbolsTest, NothingIsTakenOverThatIsNotListed) {
  std::string command = std::string("nm --defined-only -A ") + POLLUX_SHIM_ARCHIVE;
  FILE* nm = popen(command.c_str(), "r");
  ASSERT_NE(nm, nullptr);
  std::set<std::string> known = listed();
  int checked = 0;
  char line[1024];
  while (fgets(line, sizeof line, nm) != nullptr) {
    // archive:member:address kind name
    std::istringstream words(line);
    std::string where, kind, name;
    words >> where >> kind >> name;
    if (kind != "T" && kind != "W") continue;
    if (where.find(":thread_") != where.npos) continue;
    bool of_libc = name.find("pollux") == name.npos && name.rfind("_ZN6pollux", 0) != 0;
    if (!of_libc || name.rfind("_ZNSt6", 0) == 0 || name.rfind("_ZNKSt", 0) == 0) continue;
    if (name.rfind("_Z", 0) == 0 && known.count(name) == 0) continue;  // templates of libstdc++
    ++checked;
    EXPECT_EQ(known.count(name), 1u) << line;
  }
  EXPECT_EQ(pclose(nm), 0);
  EXPECT_GE(checked, 100);
}

}  // namespace
}  // namespace pollux::shim

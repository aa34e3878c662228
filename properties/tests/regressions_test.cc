// SPDX-License-Identifier: MIT
//
// Every failure that was found once stays fixed: properties/regressions/*.toml, see the README
// there.
#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>

#include "run_case.h"

namespace pollux::properties {
namespace {

std::vector<std::filesystem::path> regression_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(POLLUX_REGRESSIONS))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class Regressions : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Regressions, StayFixed) {
  const toml::table table = toml::parse_file(GetParam().string());
  auto text = [&](const char* key) { return table[key].value<std::string>().value_or(""); };
  const Suite* suite = find_suite(text("suite"));
  ASSERT_NE(suite, nullptr) << "no suite '" << text("suite") << "'";
  ASSERT_EQ(suite->validate(text("workload")), "");
  const std::optional<int64_t> seed = table["seed"].value<int64_t>();
  ASSERT_TRUE(seed.has_value()) << "no seed";
  const RunResult result = run_case(*suite, text("workload"), static_cast<uint64_t>(*seed),
                                    load_profile(text("profile")));
  EXPECT_EQ(result.verdict, Verdict::held)
      << to_string(result.verdict) << ": " << result.reason << "\n"
      << result.details;
}

INSTANTIATE_TEST_SUITE_P(Files, Regressions, testing::ValuesIn(regression_files()),
                         [](const auto& info) {
                           std::string name = info.param.stem().string();
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Regressions);

}  // namespace
}  // namespace pollux::properties

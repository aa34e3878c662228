// SPDX-License-Identifier: MIT
//
// A main for where no fuzzer brings one: each argument is a file, an input of its own; without
// arguments, standard input is one.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kUsage = 2;

void run(const char* name, std::istream& stream) {
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  std::printf("%s: %zu bytes, held\n", name, bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  LLVMFuzzerInitialize(&argc, &argv);
  if (argc == 1) run("standard input", std::cin);
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file.is_open()) {
      std::fprintf(stderr, "%s: cannot read '%s'; arguments are files, an input each\n", argv[0],
                   argv[i]);
      return kUsage;
    }
    run(argv[i], file);
  }
}

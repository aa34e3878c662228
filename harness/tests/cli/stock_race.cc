// SPDX-License-Identifier: MIT
//
// A data race, in a program that is built with -fsanitize=thread and nothing of ours.
#include <thread>

int shared_number = 0;

[[gnu::noinline]] void add_one() { ++shared_number; }
[[gnu::noinline]] void add_two() { shared_number += 2; }
[[gnu::noinline]] int count_one() {
  add_one();
  return 1;
}
[[gnu::noinline]] int count_two() {
  add_two();
  return 2;
}

int main() {
  int there = 0;
  std::thread other([&there] { there = count_one(); });
  const int here = count_two();
  other.join();
  return here + there - 3;
}

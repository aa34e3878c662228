// SPDX-License-Identifier: MIT
//
// A data race, in a program that is built with -fsanitize=thread and nothing of ours.
#include <thread>

int shared_number = 0;

int main() {
  std::thread other([] { ++shared_number; });
  ++shared_number;
  other.join();
}

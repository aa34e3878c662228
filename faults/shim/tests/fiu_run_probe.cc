// SPDX-License-Identifier: MIT
//
// fiu_run_probe EXPECTED: reads a byte from a pipe. Exit 0 when what happened is EXPECTED: an errno
// name, or "none".
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

int main(int argc, char** argv) {
  int ends[2];
  if (argc != 2 || pipe(ends) != 0 || write(ends[1], "x", 1) != 1) return 2;
  char byte;
  const char* seen = read(ends[0], &byte, 1) == 1 ? "none" : strerrorname_np(errno);
  std::printf("read: %s\n", seen);
  return strcmp(seen, argv[1]) == 0 ? 0 : 1;
}

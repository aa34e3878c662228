// SPDX-License-Identifier: MIT
//
// subject_on_linux SUBJECT WORKLOAD [TIMES]: carries a workload out on the real kernel.
//
// For sanity: a workload that does not end well here is wrong, or its subject is. Exit status 0: it
// ended and every property that can be judged without the twin held; 1: one did not; 2: usage.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "subjects/subject.h"

namespace {

using namespace pollux::properties;

[[noreturn]] void fail(const char* property, const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", property, message.c_str());
  std::_Exit(1);
}

const RefereeHooks kHooks = {
    .fail = [](const char* property, const std::string& message) { fail(property, message); },
    .fault_gives = [](int) { return false; },
    .fault_resets = [] { return false; },
    .ready = [] {},
    .watch = [](const SlotRegion*) {},
};

[[noreturn]] void usage(const std::string& problem) {
  std::fprintf(stderr,
               "subject_on_linux: %s\n"
               "usage: subject_on_linux netpoll|asio WORKLOAD [TIMES]\n"
               "example: subject_on_linux netpoll 'w2;c[m32,m4096,h];c[d5ms,m10,x1ms]' 100\n",
               problem.c_str());
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) usage("two or three arguments, not " + std::to_string(argc - 1));
  Subject subject = nullptr;
  if (std::strcmp(argv[1], "netpoll") == 0) subject = pollux_subject_netpoll;
  if (std::strcmp(argv[1], "asio") == 0) subject = pollux_subject_asio;
  if (!subject) usage(std::string("no subject '") + argv[1] + "'; there are netpoll and asio");
  auto parsed = parse_workload(argv[2]);
  if (auto* error = std::get_if<WorkloadError>(&parsed)) usage(error->message);
  long times = argc == 4 ? std::strtol(argv[3], nullptr, 10) : 1;
  if (times < 1) usage(std::string("TIMES is '") + argv[3] + "'; must be a number from 1");
  const Workload& workload = std::get<Workload>(parsed);
  for (long i = 0; i < times; ++i) {
    Referee referee(workload, kHooks);
    subject(&workload, &referee);
    referee.finish();
    for (const std::string& error : referee.errors()) std::printf("%s\n", error.c_str());
  }
  return 0;
}

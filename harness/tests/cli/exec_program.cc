// SPDX-License-Identifier: MIT
//
// A program for `pollux exec`: ends in the way that its argument names, after a byte went through a
// socket pair between two threads. Knows nothing of Pollux; built without a flag of ours.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace {

int ends[2];

void hand_over() {
  std::thread writer([] {
    if (::write(ends[1], "x", 1) != 1) std::abort();
  });
  char byte;
  if (::read(ends[0], &byte, 1) != 1) std::abort();
  writer.join();
}

// What would differ from run to run if the real kernel answered.
void say_who() {
  utsname system;
  struct sysinfo machine;
  rusage usage;
  tms used;
  ::uname(&system);
  ::sysinfo(&machine);
  ::getrusage(RUSAGE_SELF, &usage);
  clock_t ticks = ::times(&used);
  std::printf(
      "%d of %d on %s %s, up %ld s, %lu of %lu bytes, %ld pages, %ld.%06ld s, %ld, %ld KiB\n",
      ::getpid(), ::getppid(), system.nodename, system.release, machine.uptime, machine.freeram,
      machine.totalram, ::sysconf(_SC_PHYS_PAGES), usage.ru_utime.tv_sec, usage.ru_utime.tv_usec,
      static_cast<long>(ticks), usage.ru_maxrss);
  char host[64] = "";
  ::gethostname(host, sizeof host);
  std::printf("%s, group %d, session %d, stack %p, environment %p, gift %02x\n", host, ::getpgrp(),
              ::getsid(0), static_cast<void*>(&system), static_cast<void*>(environ),
              *reinterpret_cast<unsigned char*>(::getauxval(AT_RANDOM)));
}

// The same through the files that tell of it: by libc's stdio, by libstdc++'s, by open(2).
int read_proc() {
  const std::string self = "/proc/" + std::to_string(::getpid());
  for (const std::string& path : {self + "/stat", std::string("/proc/self/statm"),
                                  std::string("/proc/uptime"), std::string("/proc/meminfo")}) {
    FILE* file = std::fopen(path.c_str(), "r");
    char line[512] = "";
    if (file == nullptr || std::fgets(line, sizeof line, file) == nullptr) return 10;
    std::fclose(file);
    std::string again;
    std::getline(std::ifstream(path), again);
    if (again + "\n" != line) return 11;
    std::printf("%s", line);
  }
  char link[32] = "";
  if (::readlink("/proc/self", link, sizeof link - 1) <= 0) return 12;
  if (std::to_string(::getpid()) != link) return 13;
  if (::open("/proc/self/stat", O_RDWR) >= 0 || errno != EACCES) return 14;
  if (::open("/proc/no_such_file", O_RDONLY) >= 0 || errno != ENOENT) return 15;
  std::string program(512, '\0'), other = program;
  ssize_t size = ::readlink("/proc/self/exe", program.data(), program.size());
  if (size <= 0 || ::readlink((self + "/exe").c_str(), other.data(), other.size()) != size)
    return 16;
  return program == other ? 0 : 17;
}

// Every way to get memory, in one thread, and given back in another.
int use_heap() {
  struct alignas(128) Wide {
    char bytes[128];
  };
  std::vector<void*> blocks;
  void* aligned = nullptr;
  bool good = ::posix_memalign(&aligned, 4096, 5000) == 0;
  blocks = {std::malloc(10),          std::calloc(1000, 3), aligned,
            ::aligned_alloc(64, 640), ::strdup("text"),     std::realloc(std::malloc(5), 50'000)};
  std::unique_ptr<Wide> wide(new Wide);
  std::unique_ptr<char[]> quiet(new (std::nothrow) char[300]);
  for (size_t i = 0; i < 3000; ++i) good &= static_cast<char*>(blocks[1])[i] == 0;
  good &= reinterpret_cast<uintptr_t>(aligned) % 4096 == 0;
  good &= reinterpret_cast<uintptr_t>(wide.get()) % 128 == 0;
  good &= ::malloc_usable_size(blocks[5]) >= 50'000 && quiet != nullptr;
  good &= ::posix_memalign(&aligned, 3, 1) == EINVAL;
  std::thread([&] {
    for (void* block : blocks) std::free(block);
    wide.reset();
  }).join();
  return good ? 0 : 6;
}

// What hangs on where in memory something is, like the order of a set of pointers.
bool depends_on_address(const std::string& what) {
  auto bit = [](const void* at, unsigned number) {
    return (reinterpret_cast<uintptr_t>(at) >> number) % 2 != 0;
  };
  if (what == "stack address") return bit(&what, 12);
  if (what == "heap address") return bit(std::malloc(100), 4);
  void* mappings[2];
  for (void*& at : mappings)
    at = ::mmap(nullptr, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return std::less<>()(mappings[0], mappings[1]);
}

// By the pthread_create that only libc's own lookup finds.
int start_real_thread() {
  void* create = nullptr;
  for (const char* version : {"GLIBC_2.34", "GLIBC_2.2.5"}) {
    if (create == nullptr)
      create = ::dlvsym(::dlopen("libc.so.6", RTLD_LAZY), "pthread_create", version);
  }
  pthread_t thread;
  auto body = [](void*) -> void* {
    for (;;) ::pause();
  };
  return create == nullptr ? 18
                           : reinterpret_cast<decltype(&::pthread_create)>(create)(&thread, nullptr,
                                                                                   body, nullptr);
}

// A system call that no symbol stands for.
long call_inline(long number) {
  long result = number;
#if defined(__x86_64__)
  asm volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
#endif
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  std::string how = argc > 1 ? argv[1] : "";
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 9;
  hand_over();
  std::printf("descriptor %d, preload '%s'\n", ends[0],
              std::getenv("LD_PRELOAD") != nullptr ? std::getenv("LD_PRELOAD") : "");
  if (how == "status") return 3;
  if (how == "exit") std::exit(4);
  if (how == "_exit") ::_exit(5);
  if (how == "abort") std::abort();
  if (how == "segv") std::raise(SIGSEGV);
  if (how == "term") ::kill(::getpid(), SIGTERM);
  if (how == "sigpipe") {
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) == 1 ? 0 : 8;
  }
  if (how == "loop") {
    for (volatile unsigned turns = 0;;) turns = turns + 1;
  }
  if (how == "eats") {
    for (std::vector<std::string> eaten;;) eaten.emplace_back(1 << 16, 'x');
  }
  if (how == "watches") return ::inotify_init1(0);
  if (how == "who") say_who();
  if (how == "proc") return read_proc();
  if (how == "interrupts") return ::open("/proc/interrupts", O_RDONLY);
  if (how == "shell") return std::system("true");
  if (how == "heap") return use_heap();
  if (how == "heap address") std::printf("heap %p\n", std::malloc(100));
  if (how.find("address") != how.npos && depends_on_address(how)) hand_over();
  if (how == "real thread") return start_real_thread();
  if (how == "inline") return call_inline(SYS_getppid) > 0 ? 0 : 7;
  if (how == "deadlock") {
    char byte;
    return static_cast<int>(::read(ends[0], &byte, 1));
  }
  return 0;
}

// SPDX-License-Identifier: MIT
//
// What the twin can tell the judges about a run that ended or stands still.
//
// A descriptor is stuck when something that its registration asks for holds, and nobody will come
// for it: its event was handed out and nothing followed, or nobody waits in the set. Being writable
// is not enough (an idle connection always is) unless the program was last told that it is not.
// Nor is a counter that was handed out and that the program never reads: edge-triggered wakers live
// so.
#include <sys/epoll.h>

#include "kernel/epoll.h"
#include "kernel/host.h"
#include "kernel/kernel.h"
#include "kernel/pools.h"
#include "kernel/state.h"

namespace pollux::kernel {
namespace {

template <class Visit>
void visit_descriptors(Visit visit) {
  for (unsigned number = 0; number < kHosts; ++number) {
    if (!host_used(number)) continue;
    FdTable& fds = host(number).fds;
    for (int fd = kFdBase; fd < fds.end(); ++fd) {
      if (File* file = fds.get(fd)) visit(number, fd, file);
    }
  }
}

std::string name_of(unsigned host_number, int fd) {
  return "host " + std::to_string(host_number) + " fd " + std::to_string(fd);
}

uint32_t stuck_bits(EpollItem* item) {
  File* file = item->file;
  // Asking must not change anything (poll of TCP notes that somebody wants space).
  bool no_space = file->kind() == Kind::tcp && static_cast<TcpSocket*>(file)->no_space;
  uint32_t ready = file->poll() & item->wanted();
  if (file->kind() == Kind::tcp) static_cast<TcpSocket*>(file)->no_space = no_space;

  if (!file->wants_output) ready &= ~static_cast<uint32_t>(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
  bool is_counter = file->kind() == Kind::eventfd || file->kind() == Kind::timerfd ||
                    file->kind() == Kind::signalfd;
  if (is_counter && item->handed_out && !file->ever_read) return 0;
  // Somebody waits and will be given it: nothing is lost.
  if (item->is_ready && item->set->waiters() != 0) return 0;
  return ready;
}

}  // namespace

std::vector<std::string> Kernel::open_descriptors() const {
  std::vector<std::string> open;
  visit_descriptors([&](unsigned number, int fd, File* file) {
    open.push_back(name_of(number, fd) + " (" + file->kind_name() + ")");
  });
  return open;
}

std::vector<StuckDescriptor> Kernel::stuck_descriptors() const {
  std::vector<StuckDescriptor> stuck;
  visit_descriptors([&](unsigned number, int fd, File* file) {
    uint32_t ready = 0;
    for (EpollItem* item = file->items(); item != nullptr; item = item->next_of_file) {
      if (item->fd == fd) ready |= stuck_bits(item);
    }
    if (ready != 0) stuck.push_back({number, fd, ready, file->describe()});
  });
  return stuck;
}

std::vector<uint64_t> Kernel::user_words() const {
  std::vector<uint64_t> words;
  visit_descriptors([&](unsigned, int, File* file) {
    for (EpollItem* item = file->items(); item != nullptr; item = item->next_of_file)
      words.push_back(item->data);
  });
  for (unsigned number = 0; number < kHosts; ++number) {
    if (!host_used(number)) continue;
    for (const PosixTimer& timer : host(number).signals.timers) {
      if (timer.used) words.push_back(reinterpret_cast<uintptr_t>(timer.info.si_value.sival_ptr));
    }
  }
  return words;
}

std::string Kernel::dump() const {
  std::string text;
  visit_descriptors([&](unsigned number, int fd, File* file) {
    text += name_of(number, fd) + ": " + file->describe();
    if (file->non_blocking) text += ", non-blocking";
    for (EpollItem* item = file->items(); item != nullptr; item = item->next_of_file) {
      if (item->fd != fd) continue;
      // ERR and HUP are always waited for.
      text += ", in epoll for " + epoll_bits(item->events & ~uint32_t{EPOLLERR | EPOLLHUP});
      if (item->handed_out_at != 0) {
        text += " (last event at step " + std::to_string(item->handed_out_at) + ")";
      }
    }
    text += '\n';
  });
  pools.tcp_sockets.visit_used([&](TcpSocket& socket) {
    if (!socket.orphan || socket.references() != 0) return;
    text += "host " + std::to_string(socket.host) + ": " + socket.describe() + '\n';
  });
  return text;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
#include "kernel/control_messages.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/calls.h"
#include "kernel/host.h"
#include "kernel/state.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {
namespace {

constexpr size_t kRightsMax = 253;  // SCM_MAX_FD

long rights_from(const cmsghdr* message, Envelope* envelope) {  // scm_fp_copy
  size_t count = (message->cmsg_len - sizeof *message) / sizeof(int);
  if (envelope->rights.size() + count > kRightsMax) return -EINVAL;
  for (size_t i = 0; i < count; ++i) {
    int fd;
    std::memcpy(&fd, CMSG_DATA(message) + i * sizeof fd, sizeof fd);
    File* file = get_file(fd);
    if (file == nullptr) {
      bool real = fd >= 0 && !is_twin_fd(fd) && shim::raw_system_call(SYS_fcntl, fd, 1) >= 0;
      if (real) unmodelled("SCM_RIGHTS with a descriptor of the real kernel");
      return -EBADF;
    }
    file->hold();
    envelope->rights.push_back(file);
  }
  return 0;
}

long credentials_from(const cmsghdr* message) {  // scm_check_creds, unprivileged
  ucred said;
  if (message->cmsg_len != CMSG_LEN(sizeof said)) return -EINVAL;
  std::memcpy(&said, CMSG_DATA(message), sizeof said);
  bool true_ones = said.pid == process_id(explore::current_host()) &&
                   said.uid == static_cast<uid_t>(shim::raw_system_call(SYS_geteuid)) &&
                   said.gid == static_cast<gid_t>(shim::raw_system_call(SYS_getegid));
  return true_ones ? 0 : -EPERM;
}

}  // namespace

long control_from(const msghdr& header, Envelope* envelope) {
  if (header.msg_control == nullptr || header.msg_controllen == 0) return 0;
  if (bad_address(header.msg_control)) return -EFAULT;
  msghdr walked = header;
  const char* begin = static_cast<const char*>(header.msg_control);
  for (cmsghdr* at = CMSG_FIRSTHDR(&walked); at != nullptr; at = CMSG_NXTHDR(&walked, at)) {
    size_t left = header.msg_controllen - static_cast<size_t>(reinterpret_cast<char*>(at) - begin);
    if (at->cmsg_len < sizeof *at || at->cmsg_len > left) return -EINVAL;  // CMSG_OK
    if (at->cmsg_level != SOL_SOCKET) continue;
    long problem = -EINVAL;
    if (at->cmsg_type == SCM_RIGHTS) problem = rights_from(at, envelope);
    if (at->cmsg_type == SCM_CREDENTIALS) problem = credentials_from(at);
    if (problem != 0) return problem;
  }
  return 0;
}

namespace {

void packet_info_to(msghdr* message, size_t room, Envelope* envelope) {  // put_cmsg
  const in_pktinfo& info = envelope->packet_info;
  if (room < CMSG_LEN(sizeof info)) envelope->flags |= MSG_CTRUNC;
  if (room < sizeof(cmsghdr)) return;
  cmsghdr header{std::min(room, CMSG_LEN(sizeof info)), IPPROTO_IP, IP_PKTINFO};
  auto* at = static_cast<char*>(message->msg_control);
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, &info, header.cmsg_len - sizeof header);
  message->msg_controllen = std::min(room, CMSG_SPACE(sizeof info));
}

}  // namespace

void control_to(msghdr* message, int flags, Envelope* envelope) {
  size_t room = message->msg_control != nullptr ? message->msg_controllen : 0;
  message->msg_controllen = 0;
  if (envelope->has_packet_info) return packet_info_to(message, room, envelope);
  std::vector<File*>& rights = envelope->rights;
  if (rights.empty()) return;
  size_t fit = room > sizeof(cmsghdr) ? (room - sizeof(cmsghdr)) / sizeof(int) : 0;
  if (fit > rights.size()) fit = rights.size();
  auto* header = static_cast<cmsghdr*>(message->msg_control);
  size_t done = 0;
  for (; done < fit; ++done) {  // scm_detach_fds
    long fd = current().fds.install(rights[done], (flags & MSG_CMSG_CLOEXEC) != 0);
    if (fd < 0) break;
    int number = static_cast<int>(fd);
    std::memcpy(CMSG_DATA(header) + done * sizeof number, &number, sizeof number);
  }
  if (done != 0) {
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(done * sizeof(int));
    size_t space = CMSG_SPACE(done * sizeof(int));
    message->msg_controllen = space < room ? space : room;
  }
  if (done < rights.size()) envelope->flags |= MSG_CTRUNC;
}

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
#include "call_sequence.h"

#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cstring>

#include "unix_toolbox.h"

namespace conformance {
namespace {

const char* const kNames[] = {"make_eventfd",
                              "make_pipe",
                              "make_unix_pair",
                              "make_tcp_pair",
                              "make_udp_pair",
                              "make_datagram_pair",
                              "make_packet_pair",
                              "make_listener",
                              "dial",
                              "take",
                              "make_mailbox",
                              "associate",
                              "dissolve",
                              "send_to",
                              "pass",
                              "unpack",
                              "make_epoll",
                              "write",
                              "read",
                              "peek",
                              "shut",
                              "close",
                              "duplicate",
                              "poll",
                              "add",
                              "modify",
                              "remove",
                              "wait",
                              "bytes_queued",
                              "take_error",
                              "peer_name",
                              "linger"};
static_assert(std::size(kNames) == static_cast<size_t>(Step::count));

// What is watched for: two bits of direction and the flags that change when it is told.
uint32_t events_of(uint32_t number) {
  static constexpr uint32_t kBits[] = {EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLET, EPOLLONESHOT};
  uint32_t events = 0;
  for (uint32_t bit : kBits) {
    if ((number & 1) != 0) events |= bit;
    number >>= 1;
  }
  return events;
}

class Machine {
 public:
  explicit Machine(long settle_us) : settle_us_(settle_us) {}

  std::string carry_out(const Call& call) {
    Observation seen = answer(call);
    if (has_network_) wait_a_little();
    return to_string(call) + " -> " + seen.text;
  }

 private:
  // `anonymous`: came in a message, and is a counter or a set.
  enum class Kind : uint8_t { other, counter, set, anonymous };

  Observation answer(const Call& call) {
    Fd& fd = slots_[call.slot];
    // A pair needs two places.
    Fd& other = slots_[call.other != call.slot ? call.other : (call.slot + 1) % kSlots];
    uint32_t number = call.number;
    switch (call.step) {
      case Step::make_eventfd:
        return put(fd, event_fd(number % 2), Kind::counter);
      case Step::make_pipe: {
        Pipe pipe;
        return put(fd, std::move(pipe.reader), other, std::move(pipe.writer));
      }
      case Step::make_unix_pair: {
        UnixPair pair;
        return put(fd, std::move(pair.a), other, std::move(pair.b));
      }
      case Step::make_tcp_pair:
        has_network_ = true;
        return make_tcp(fd, other);
      case Step::make_udp_pair:
        has_network_ = true;
        return make_udp(fd, other);
      case Step::make_datagram_pair:
        return make_pair(fd, other, SOCK_DGRAM);
      case Step::make_packet_pair:
        return make_pair(fd, other, SOCK_SEQPACKET);
      case Step::make_listener: {
        UnixListener listener(number % 4 < 2 ? SOCK_STREAM : SOCK_SEQPACKET, next_name(),
                              static_cast<int>(number % 2));
        return put(fd, std::move(listener.fd));
      }
      case Step::dial:
        return dial(fd, other);
      case Step::take: {
        int taken = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK);
        if (taken < 0) return observation(-1, errno);
        return put(other, Fd(taken));
      }
      case Step::make_mailbox: {
        Fd mailbox = unix_socket(SOCK_DGRAM);
        must(bind_to(mailbox, next_name()), "bind");
        return put(fd, std::move(mailbox));
      }
      case Step::associate:
        return observe([&] {
          SomeName name(other);
          return connect(fd, name.get(), name.size);
        });
      case Step::dissolve:
        return observe([&] {
          sockaddr nobody{};
          nobody.sa_family = AF_UNSPEC;
          return connect(fd, &nobody, sizeof nobody);
        });
      case Step::send_to:
        return observe([&] {
          SomeName name(other);
          std::vector<char> bytes(number + 8, next_byte_++);
          return sendto(fd, bytes.data(), number, MSG_NOSIGNAL, name.get(), name.size);
        });
      case Step::pass:
        return observe([&] { return pass(fd, other); });
      case Step::unpack:
        return unpack(fd, other);
      case Step::make_epoll:
        return put(fd, Fd(static_cast<int>(must(epoll_create1(0), "epoll_create1"))), Kind::set);
      case Step::write:
        // A write of more than eight bytes to an eventfd: kernels differ.
        if (kind_[call.slot] != Kind::other) number = std::min(number, 8u);
        return observe([&] { return write_some(fd, number); });
      case Step::read:
        return read_some(fd, number);
      case Step::peek:
        return observe([&] { return receive(fd, number, MSG_PEEK); });
      case Step::shut:
        return observe([&] { return shutdown(fd, static_cast<int>(number % 3)); });
      case Step::close:
        return observe([&] { return fd.close(); });
      case Step::duplicate: {
        int copy = dup(fd);
        if (copy < 0) return observation(-1, errno);
        return put(other, Fd(copy), kind_[call.slot]);
      }
      case Step::poll:
        return observe([&] { return ready(fd); });
      case Step::add:
        return observe([&] { return control(EPOLL_CTL_ADD, fd, call); });
      case Step::modify:
        return observe([&] { return control(EPOLL_CTL_MOD, fd, call); });
      case Step::remove:
        return observe([&] { return control(EPOLL_CTL_DEL, fd, call); });
      case Step::wait:
        return observe([&] { return wait(fd, static_cast<int>(number % 4) + 1); });
      case Step::bytes_queued:
        // An epoll set answers ENOTTY, or EINVAL since it has an ioctl of its own (Linux 6.9).
        if (kind_[call.slot] == Kind::set || kind_[call.slot] == Kind::anonymous)
          return {"not asked", true};
        return observe([&] { return ::conformance::bytes_queued(fd); });
      case Step::take_error:
        return observe([&] { return get_option(fd, SOL_SOCKET, SO_ERROR); });
      case Step::peer_name: {
        sockaddr_storage name;
        socklen_t size = sizeof name;
        return observe([&] { return getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size); });
      }
      case Step::linger:
        return observe([&] { return set_linger(fd, static_cast<int>(number % 2), 0); });
      case Step::count:
        break;
    }
    give_up("no such step");
  }

  // What was in the slot before is closed when the new one is there.
  Observation put(Fd& fd, Fd made, Kind kind = Kind::other) {
    fd = std::move(made);
    kind_[&fd - slots_] = kind;
    return {"made", true};
  }
  Observation put(Fd& fd, Fd made, Fd& other, Fd second) {
    put(fd, std::move(made));
    return put(other, std::move(second));
  }

  // What a socket is called; for a descriptor that is none, a name that no call takes.
  struct SomeName {
    explicit SomeName(int fd) {
      auto* address = reinterpret_cast<sockaddr*>(&storage);
      // The port of a TCP socket may be that of a UDP socket as well, or not.
      bool tcp = get_option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP;
      if (tcp || getsockname(fd, address, &size) != 0) size = 1;
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
  };

  std::string next_name() { return abstract_name(std::to_string(names_++).c_str()); }

  Observation make_pair(Fd& fd, Fd& other, int type) {
    UnixPair pair(type);
    return put(fd, std::move(pair.a), other, std::move(pair.b));
  }

  Observation make_udp(Fd& fd, Fd& other) {
    UdpPair pair(true);
    must(connect_to(pair.b, local_port(pair.a)), "connect");
    return put(fd, std::move(pair.a), other, std::move(pair.b));
  }

  // To a listener of the other type there is no way, so the type is asked for.
  Observation dial(int listener, Fd& place) {
    int type = get_option(listener, SOL_SOCKET, SO_TYPE);
    if (get_option(listener, SOL_SOCKET, SO_DOMAIN) != AF_UNIX) return {"not asked", true};
    Fd client = unix_socket(type);
    SomeName name(listener);
    int result = connect(client, name.get(), name.size);
    Observation seen = observation(result, errno);
    put(place, std::move(client));
    return seen;
  }

  // Anything that a control message of one descriptor needs.
  struct Parcel {
    Parcel() {
      header.msg_iov = &piece;
      header.msg_iovlen = 1;
      header.msg_control = control;
      header.msg_controllen = sizeof control;
    }
    char byte = 0;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    iovec piece{&byte, 1};
    msghdr header{};
  };

  static ssize_t pass(int over, int fd) {
    Parcel parcel;
    // Internet sockets have no use for it, and an epoll set that goes over a socket that it
    // watches is another story.
    if (get_option(over, SOL_SOCKET, SO_DOMAIN) != AF_UNIX) return 0;
    // A unix socket in flight may hold itself in the end: UnixRights.WhatOnlyItselfHolds.
    if (get_option(fd, SOL_SOCKET, SO_DOMAIN) == AF_UNIX) return 0;
    cmsghdr* message = CMSG_FIRSTHDR(&parcel.header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(message), &fd, sizeof fd);
    return sendmsg(over, &parcel.header, MSG_NOSIGNAL);
  }

  Observation unpack(int over, Fd& place) {
    Parcel parcel;
    errno = 0;
    ssize_t got = recvmsg(over, &parcel.header, 0);
    Observation seen = observation(got, errno);
    cmsghdr* message = got >= 0 ? CMSG_FIRSTHDR(&parcel.header) : nullptr;
    if (got < 0) return seen;
    seen.text += " flags " + std::to_string(parcel.header.msg_flags);
    if (message == nullptr) return seen;
    int fd;
    memcpy(&fd, CMSG_DATA(message), sizeof fd);
    struct stat status {};
    fstat(fd, &status);
    put(place, Fd(fd), (status.st_mode & S_IFMT) == 0 ? Kind::anonymous : Kind::other);
    seen.text += " and a descriptor";
    return seen;
  }

  Observation make_tcp(Fd& fd, Fd& other) {
    Listener listener;
    Fd client = tcp_socket();
    must(set_option(client, IPPROTO_TCP, TCP_NODELAY, 1), "TCP_NODELAY");
    if (connect_to(client, listener.port) != 0 && errno != EINPROGRESS) must(-1, "connect");
    if (!becomes(client, POLLOUT) || !becomes(listener, POLLIN)) give_up("no connection");
    return put(fd, std::move(client), other, accept_from(listener));
  }

  ssize_t write_some(int fd, uint32_t count) {
    std::vector<char> bytes(count + 8);
    for (char& byte : bytes) byte = next_byte_++;
    return ::write(fd, bytes.data(), count);
  }

  Observation read_some(int fd, uint32_t count) {
    std::vector<char> bytes(count + 8);
    errno = 0;
    ssize_t got = ::read(fd, bytes.data(), count);
    Observation seen = observation(got, errno);
    if (got > 0) {
      seen.text += " bytes " + std::to_string(static_cast<uint8_t>(bytes[0])) + ".." +
                   std::to_string(static_cast<uint8_t>(bytes[static_cast<size_t>(got) - 1]));
    }
    return seen;
  }

  int control(int operation, int fd, const Call& call) {
    epoll_event event{};
    event.events = events_of(call.number);
    event.data.u64 = call.other + 1u;
    return epoll_ctl(fd, operation, slots_[call.other], &event);
  }

  // Which of two events came first is no fact once packets are on their way: all, by tag.
  EventList wait(int fd, int most) const {
    epoll_event events[16];
    EventList list{};
    if (has_network_) most = 16;
    list.result = epoll_wait(fd, events, most, 0);
    list.error = errno;
    for (long i = 0; i < list.result; i++) {
      list.events.push_back({events[i].data.u64, events[i].events});
    }
    if (has_network_) {
      std::stable_sort(list.events.begin(), list.events.end(),
                       [](const auto& a, const auto& b) { return a.tag < b.tag; });
    }
    return list;
  }

  void wait_a_little() {
    timespec span{settle_us_ / 1'000'000, settle_us_ % 1'000'000 * 1000};
    nanosleep(&span, nullptr);
  }

  Fd slots_[kSlots];
  Kind kind_[kSlots] = {};
  long settle_us_;
  bool has_network_ = false;
  char next_byte_ = 0;
  int names_ = 0;
};

}  // namespace

std::string to_string(const Call& call) {
  return std::string(kNames[static_cast<size_t>(call.step)]) + '(' + std::to_string(call.slot) +
         ", " + std::to_string(call.other) + ", " + std::to_string(call.number) + ')';
}

std::vector<std::string> answers(const Sequence& sequence, long settle_us) {
  std::vector<std::string> lines;
  Machine machine(settle_us);
  for (const Call& call : sequence) lines.push_back(machine.carry_out(call));
  return lines;
}

}  // namespace conformance

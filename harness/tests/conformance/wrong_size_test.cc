// SPDX-License-Identifier: MIT
//
// Sizes that are negative numbers by mistake. read(2) and write(2) look at the whole range first
// (access_ok in vfs_read, vfs_write); send(2) and recv(2) cut it to MAX_RW_COUNT (import_ubuf) and
// find out while they copy.
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "toolbox.h"

namespace conformance {
namespace {

size_t minus_five() {
  volatile long wrong = -5;  // the compiler would warn
  return static_cast<size_t>(wrong);
}

// Some bytes, and nothing behind them.
struct Edge {
  static constexpr size_t kPage = 4096;
  Edge() {
    at = static_cast<char*>(
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    munmap(at + kPage, kPage);
  }
  ~Edge() { munmap(at, kPage); }
  char* at;
};

CONFORMANCE(WrongSize, ReadAndWriteLookAtTheRangeFirst) {
  Edge edge;
  Pipe pipe;
  FACT(read(pipe.reader, edge.at, minus_five()), FailsWith(EFAULT));
  FACT(write(pipe.writer, edge.at, minus_five()), FailsWith(EFAULT));
  FACT(write(pipe.writer, "abc", 3), Succeeds(3));
  FACT(read(pipe.reader, edge.at, minus_five()), FailsWith(EFAULT));
  FACT(read(pipe.writer, edge.at, minus_five()), FailsWith(EBADF));
  TcpPair tcp;
  FACT(read(tcp.server, edge.at, minus_five()), FailsWith(EFAULT));
  FACT(write(tcp.server, edge.at, minus_five()), FailsWith(EFAULT));
  Fd counter(eventfd(1, EFD_NONBLOCK));
  FACT(read(counter, edge.at, minus_five()), FailsWith(EFAULT));
  FACT(write(counter, edge.at, minus_five()), FailsWith(EFAULT));
  FACT(read(-1, edge.at, minus_five()), FailsWith(EBADF));
}

CONFORMANCE(WrongSize, MessagesAreTooLong) {
  Edge edge;
  UdpPair udp(true);
  FACT(send(udp.a, edge.at, minus_five(), 0), FailsWith(EMSGSIZE));
  FACT(recv(udp.a, edge.at, minus_five(), MSG_DONTWAIT), FailsWith(EAGAIN));
}

CONFORMANCE(WrongSize, AReceiveTakesWhatIsThere) {
  Edge edge;
  UnixPair pair;
  FACT(recv(pair.a, edge.at, minus_five(), MSG_DONTWAIT), FailsWith(EAGAIN));
  FACT(send(pair.b, "abc", 3, 0), Succeeds(3));
  FACT(recv(pair.a, edge.at, minus_five(), MSG_DONTWAIT), Succeeds(3));
}

CONFORMANCE(WrongSize, Vectors) {
  Edge edge;
  Pipe pipe;
  iovec vector = {edge.at, minus_five()};
  FACT(readv(pipe.reader, &vector, 1), FailsWith(EINVAL));
  FACT(writev(pipe.writer, &vector, 1), FailsWith(EINVAL));
  FACT(writev(pipe.writer, &vector, static_cast<int>(minus_five())), FailsWith(EINVAL));
  TcpPair tcp;
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  FACT(sendmsg(tcp.server, &message, 0), FailsWith(EINVAL));
  FACT(recvmsg(tcp.server, &message, 0), FailsWith(EINVAL));
}

CONFORMANCE(WrongSize, AddressesOfTheKernel) {
  volatile uintptr_t address = UINTPTR_MAX - 4095;
  auto* kernels = reinterpret_cast<char*>(address);
  Pipe pipe;
  FACT(write(pipe.writer, kernels, 5), FailsWith(EFAULT));
  FACT(write(pipe.writer, "abc", 3), Succeeds(3));
  FACT(read(pipe.reader, kernels, 5), FailsWith(EFAULT));
  iovec vector = {kernels, 5};
  FACT(writev(pipe.writer, &vector, 1), FailsWith(EFAULT));
}

}  // namespace
}  // namespace conformance

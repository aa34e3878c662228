// SPDX-License-Identifier: MIT
// Addresses and errors as text and as values, against what Go prints.
#include <sys/un.h>

#include <cerrno>

#include "src/socket_address.h"
#include "support.h"

namespace netpoll::testing {
namespace {

Error of(const Error& e, const char* op, const char* net, const Address& local,
         const Address& remote) {
  return e.with_op(op, std::make_shared<OpContext>(OpContext{net, local, remote}));
}

TEST(ErrorTest, SaysWhatHappenedToWhom) {
  const Address a = Ipv4Endpoint::loopback(5);
  const Address b = Ipv4Endpoint{0x0a000001, 80};
  const Address six = Ipv6Endpoint::loopback(443);
  const Address path = Address::unix_name("/run/x");
  const Error closing(Errc::net_closing), deadline(Errc::deadline_exceeded);
  EXPECT_EQ(Error().message(), "");
  EXPECT_TRUE(Error().ok());
  EXPECT_EQ(of(Error(Errc::eof), "read", "tcp", a, b).message(), "EOF");
  EXPECT_EQ(of(closing, "read", "tcp", a, b).message(),
            "read tcp 127.0.0.1:5->10.0.0.1:80: use of closed network connection");
  EXPECT_EQ(of(deadline, "accept", "tcp", {}, a).message(), "accept tcp 127.0.0.1:5: i/o timeout");
  EXPECT_EQ(of(Error::from_errno("connect", ECONNREFUSED), "dial", "tcp", {}, six).message(),
            "dial tcp [::1]:443: connect: connection refused");
  EXPECT_EQ(of(Error::from_errno("connect", ENOENT), "dial", "unix", {}, path).message(),
            "dial unix /run/x: connect: no such file or directory");
  // The own end has no name, as of every client that did not bind.
  EXPECT_EQ(of(deadline, "read", "unix", Address::unix_name(""), path).message(),
            "read unix @->/run/x: i/o timeout");
  EXPECT_EQ(of(Error(Errc::write_to_connected), "write", "udp", a, b).message(),
            "write udp 127.0.0.1:5->10.0.0.1:80: use of WriteTo with pre-connected connection");
  EXPECT_EQ(of(Error(Errc::non_ipv4_address), "write", "udp", a, six).message(),
            "write udp 127.0.0.1:5->[::1]:443: address ::1: non-IPv4 address");
  EXPECT_EQ(of(Error(Errc::missing_address), "dial", "tcp", {}, {}).message(),
            "dial tcp: missing address");
}

TEST(ErrorTest, TheSubjectMayBeTheOwnEndAlone) {
  const auto context = std::make_shared<OpContext>(
      OpContext{"tcp", Ipv4Endpoint::loopback(1), Ipv4Endpoint::loopback(2)});
  const Error e = Error(Errc::net_closing).with_op("set", context, Error::Subject::local);
  EXPECT_EQ(e.message(), "set tcp 127.0.0.1:1: use of closed network connection");
  EXPECT_TRUE(e.source().empty());
  EXPECT_EQ(e.address(), context->local);
}

TEST(ErrorTest, TimeoutAndTemporaryFollowTheCause) {
  const struct {
    Error e;
    bool timeout, temporary;
  } table[] = {
      {Error(Errc::deadline_exceeded), true, true},
      {Error(Errc::timeout), true, true},
      {Error(Errc::net_closing), false, false},
      {Error(Errc::file_closing), false, false},
      {Error(Errc::closed_pipe), false, false},
      {Error(Errc::canceled), false, false},
      {Error::from_errno("read", ETIMEDOUT), true, true},
      {Error::from_errno("accept4", EMFILE), false, true},
      {Error::from_errno("accept4", ENFILE), false, true},
      {Error::from_errno("read", EINTR), false, true},
      {Error::from_errno("read", ECONNRESET), false, false},
  };
  for (const auto& row : table) {
    EXPECT_EQ(row.e.timeout(), row.timeout) << row.e.message();
    EXPECT_EQ(row.e.temporary(), row.temporary) << row.e.message();
  }
}

TEST(ErrorTest, StaysSmall) { EXPECT_LE(sizeof(Error), 40u); }

TEST(AddressTest, TextGoesBothWays) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:80", "[::]:65535",
                           "[2001:db8::8:800:200c:417a]:443", "[fe80::1%lo]:22"}) {
    const auto a = Address::parse(text);
    ASSERT_TRUE(a) << text;
    EXPECT_EQ(a->to_string(), text);
  }
  EXPECT_EQ(Address::parse("[fe80::1%7777]:1")->to_string(), "[fe80::1%7777]:1");
  for (const char* text : {"", "80", "1.2.3.4", ":80", "1.2.3:80", "1.2.3.4:", "1.2.3.4:65536",
                           "1.2.3.4:-1", "::1:80", "[::1]", "[::g]:1", "[1.2.3.4]:1", "host:80",
                           "[fe80::1%nosuchinterface]:1", "1.2.3.4:8 "}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
}

TEST(AddressTest, ValuesCompareByContent) {
  EXPECT_EQ(Address(Ipv4Endpoint::loopback(1)), Address(Ipv4Endpoint::loopback(1)));
  EXPECT_FALSE(Address(Ipv4Endpoint::loopback(1)) == Address(Ipv4Endpoint::loopback(2)));
  EXPECT_FALSE(Address(Ipv6Endpoint::any(1)) == Address(Ipv4Endpoint::any(1)));
  EXPECT_EQ(Address::unix_name("/a"), Address::unix_name("/a"));
  EXPECT_FALSE(Address::unix_name("/a") == Address::unix_name("/b"));
  EXPECT_FALSE(Address::unix_name("") == Address());
  EXPECT_EQ(Address::parse("10.1.2.3:4")->ipv4(), (Ipv4Endpoint{0x0a010203, 4}));
  EXPECT_EQ(Address::parse("[::1]:4")->ipv6(), Ipv6Endpoint::loopback(4));
}

TEST(AddressTest, TheKernelsFormGoesBothWays) {
  Ipv6Endpoint scoped = Ipv6Endpoint::loopback(7);
  scoped.scope_id = 3;
  for (const Address& a :
       {Address(Ipv4Endpoint{0x01020304, 5}), Address(Ipv6Endpoint::loopback(6)), Address(scoped),
        Address::unix_name("/tmp/x"), Address::unix_name("@abstract"), Address::unix_name(""),
        Address::unix_name(std::string_view("@nul\0inside", 11))}) {
    socket_address k;
    ASSERT_FALSE(to_socket_address(a, socket_family(a), &k));
    EXPECT_EQ(from_socket_address(k), a) << a.to_string();
  }
  // An IPv4 address fits an IPv6 socket, and comes back as what it is.
  socket_address k;
  ASSERT_FALSE(to_socket_address(Ipv4Endpoint{0x01020304, 5}, AF_INET6, &k));
  EXPECT_EQ(k.any.sa_family, AF_INET6);
  EXPECT_EQ(from_socket_address(k), Address(Ipv4Endpoint{0x01020304, 5}));
}

TEST(AddressTest, WhatDoesNotFitIsAnError) {
  socket_address k;
  EXPECT_EQ(to_socket_address({}, AF_INET, &k).code(), Errc::missing_address);
  EXPECT_EQ(to_socket_address(Ipv6Endpoint::any(1), AF_INET, &k).code(), Errc::non_ipv4_address);
  EXPECT_EQ(to_socket_address(Ipv4Endpoint::any(1), AF_UNIX, &k).code(), Errc::address_type);
  EXPECT_EQ(to_socket_address(Address::unix_name("/x"), AF_INET6, &k).code(), Errc::address_type);
  const size_t room = sizeof(sockaddr_un{}.sun_path);
  const std::string path(room, 'x');  // no room for the NUL
  EXPECT_EQ(to_socket_address(Address::unix_name(path), AF_UNIX, &k).sys_errno(), EINVAL);
  EXPECT_FALSE(to_socket_address(Address::unix_name(path.substr(1)), AF_UNIX, &k));
  const std::string abstract = "@" + path;
  EXPECT_EQ(to_socket_address(Address::unix_name(abstract), AF_UNIX, &k).sys_errno(), EINVAL);
  EXPECT_FALSE(to_socket_address(Address::unix_name(abstract.substr(0, room)), AF_UNIX, &k));
}

}  // namespace
}  // namespace netpoll::testing

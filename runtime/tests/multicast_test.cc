// SPDX-License-Identifier: MIT
// Groups of UDP, over the loopback interface (net/listen_test.go).
#include <net/if.h>
#include <unistd.h>

#include "endpoints.h"

namespace netpoll::testing {
namespace {

class MulticastTest : public WorkersTest {};

// 239.1.x.y, of this process alone: a socket that is bound to no address also hears the groups that
// others have joined (ip(7), IP_MULTICAST_ALL).
const uint32_t group_address = 0xEF010000u | (static_cast<uint32_t>(::getpid()) & 0xFFFF);

Address group_at(uint16_t port) { return Ipv4Endpoint{group_address, port}; }

uint32_t lo() { return if_nametoindex("lo"); }

UdpConn member(uint16_t port = 0) {
  auto [c, err] = listen_multicast_udp(group_at(port), lo());
  EXPECT_FALSE(err) << err.message();
  return c;
}

UdpConn sender() {
  UdpConn c = listen_udp(Ipv4Endpoint::loopback(0)).value;
  EXPECT_FALSE(c.set_multicast_interface(lo()));
  return c;
}

std::string received(UdpConn& c) {
  char buf[16];
  EXPECT_FALSE(c.set_read_deadline(Clock::now() + std::chrono::seconds(10)));
  const PacketResult r = c.read_from(buf, sizeof buf);
  EXPECT_FALSE(r.err) << r.err.message();
  return std::string(buf, r.n);
}

TEST_P(MulticastTest, AllMembersOfAGroupGetWhatIsSentToIt) {
  run([](Runtime& runtime) {
    UdpConn a = member();
    const uint16_t port = a.local_addr().port();
    UdpConn b = member(port);  // the same port
    EXPECT_EQ(a.local_addr(), Address(Ipv4Endpoint::any(port)));
    EXPECT_EQ(b.local_addr(), a.local_addr());
    UdpConn from = sender();
    WaitGroup done;
    for (UdpConn* c : {&a, &b}) {
      in_background(done, [&, c] {
        char buf[16];
        const PacketResult r = c->read_from(buf, sizeof buf);
        EXPECT_FALSE(r.err) << r.err.message();
        EXPECT_EQ(std::string(buf, r.n), "to all");
        EXPECT_EQ(r.from, from.local_addr());
      });
    }
    ASSERT_TRUE(parked(runtime, 2));
    EXPECT_EQ(from.write_to("to all", 6, group_at(port)).n, 6u);
    done.wait();
    // What is sent to the port by other means arrives, too.
    EXPECT_EQ(from.write_to("one", 3, Ipv4Endpoint::loopback(port)).n, 3u);
    EXPECT_EQ(received(b), "one");  // of equals the youngest, udp(7)
  });
}

TEST_P(MulticastTest, GroupsAreJoinedAndLeft) {
  run([](Runtime&) {
    UdpConn c = listen_udp(Ipv4Endpoint::any(0)).value;
    const uint16_t port = c.local_addr().port();
    UdpConn from = sender();
    EXPECT_FALSE(c.join_group(group_at(0), lo()));
    EXPECT_EQ(c.join_group(group_at(0), lo()).sys_errno(), EADDRINUSE);
    EXPECT_EQ(from.write_to("in", 2, group_at(port)).n, 2u);
    EXPECT_EQ(received(c), "in");
    EXPECT_FALSE(c.leave_group(group_at(0), lo()));
    const Error err = c.leave_group(group_at(0), lo());
    EXPECT_EQ(err.message(), "set udp " + c.local_addr().to_string() +
                                 ": setsockopt: cannot assign requested address");
    EXPECT_EQ(from.write_to("out", 3, group_at(port)).n, 3u);
    EXPECT_EQ(from.write_to("direct", 6, Ipv4Endpoint::loopback(port)).n, 6u);
    EXPECT_EQ(received(c), "direct");
  });
}

TEST_P(MulticastTest, WhatIsNoGroupIsAnError) {
  run([](Runtime&) {
    const Address no_group = Ipv4Endpoint{0xC0000201, 7000};
    const Error err = listen_multicast_udp(no_group, lo()).err;
    EXPECT_EQ(err.message(), "listen udp 192.0.2.1:7000: setsockopt: invalid argument");
    EXPECT_EQ(listen_multicast_udp(group_at(0), 99'999).err.sys_errno(), EADDRNOTAVAIL);
    UdpConn c = listen_udp(Ipv4Endpoint::any(0)).value;
    EXPECT_EQ(c.join_group(group_at(0), 99'999).sys_errno(), ENODEV);
    EXPECT_EQ(c.join_group(Address::unix_name("/x")).code(), Errc::address_type);
    EXPECT_EQ(c.set_multicast_hops(300).sys_errno(), EINVAL);
    EXPECT_FALSE(c.set_multicast_hops(4));
    EXPECT_FALSE(c.set_multicast_loopback(false));
    EXPECT_FALSE(c.close());
    EXPECT_EQ(c.join_group(group_at(0)).code(), Errc::net_closing);
    EXPECT_EQ(c.set_multicast_interface(0).code(), Errc::net_closing);
    UdpConn none;
    EXPECT_EQ(none.join_group(group_at(0)).sys_errno(), EINVAL);
    EXPECT_EQ(none.set_multicast_hops(1).sys_errno(), EINVAL);
  });
}

TEST_P(MulticastTest, OverIpv6) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  run([](Runtime&) {
    Ipv6Endpoint group{{0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x43, 0x21}, 0, 0};
    auto [c, err] = listen_multicast_udp(group, lo());
    ASSERT_FALSE(err) << err.message();
    UdpConn from = listen_udp(Ipv6Endpoint::loopback(0)).value;
    EXPECT_FALSE(from.set_multicast_interface(lo()));
    EXPECT_FALSE(from.set_multicast_hops(2));
    EXPECT_FALSE(from.set_multicast_loopback(true));
    // Linux has no route to groups by the loopback interface; that the socket hears is all we see.
    const uint16_t port = c.local_addr().port();
    EXPECT_EQ(from.write_to("six", 3, Ipv6Endpoint::loopback(port)).n, 3u);
    EXPECT_EQ(received(c), "six");
    EXPECT_EQ(c.join_group(group, lo()).sys_errno(), EADDRINUSE);
    group.scope_id = lo();
    EXPECT_FALSE(c.leave_group(group));
    EXPECT_EQ(c.leave_group(group).sys_errno(), EADDRNOTAVAIL);
  });
}

NETPOLL_FOR_WORKERS(MulticastTest);

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// Datagrams: connected and not, empty ones, short buffers, deadlines (net/udpsock_test.go,
// timeout_test.go).
#include <netinet/in.h>

#include <cstring>

#include "count_allocations.h"
#include "endpoints.h"

namespace netpoll::testing {
namespace {

class UdpTest : public WorkersTest {};

UdpConn bound() {
  auto [c, err] = listen_udp(Ipv4Endpoint::loopback(0));
  EXPECT_FALSE(err) << err.message();
  return c;
}

TEST_P(UdpTest, DatagramsKeepTheirBordersAndSayWhereTheyComeFrom) {
  run([](Runtime& runtime) {
    UdpConn a = bound(), b = bound();
    WaitGroup done;
    in_background(done, [&] {
      for (const char* want : {"one", "", "three"}) {
        char buf[16];
        const PacketResult r = b.read_from(buf, sizeof buf);
        EXPECT_FALSE(r.err) << r.err.message();  // an empty one is not the end
        EXPECT_EQ(std::string(buf, r.n), want);
        EXPECT_EQ(r.from, a.local_addr());
      }
    });
    ASSERT_TRUE(parked(runtime, 1));
    for (const char* s : {"one", "", "three"}) {
      const IoResult r = a.write_to(s, strlen(s), b.local_addr());
      EXPECT_FALSE(r.err) << r.err.message();
      EXPECT_EQ(r.n, strlen(s));
    }
    done.wait();
    EXPECT_TRUE(a.remote_addr().empty());
  });
}

TEST_P(UdpTest, AConnectedSocketReadsAndWrites) {
  run([](Runtime&) {
    UdpConn server = bound();
    auto [client, err] = dial_udp(server.local_addr());
    ASSERT_FALSE(err) << err.message();
    EXPECT_EQ(client.remote_addr(), server.local_addr());
    EXPECT_EQ(client.write("ping", 4).n, 4u);
    char buf[16];
    const PacketResult r = server.read_from(buf, sizeof buf);
    EXPECT_EQ(r.from, client.local_addr());
    EXPECT_EQ(server.write_to("", 0, r.from).err.code(), Errc::none);
    EXPECT_EQ(server.write_to("pong", 4, r.from).n, 4u);
    const IoResult empty = client.read(buf, sizeof buf);
    EXPECT_FALSE(empty.err) << empty.err.message();
    EXPECT_EQ(empty.n, 0u);
    EXPECT_EQ(client.read(buf, sizeof buf).n, 4u);

    const Error wrong = client.write_to("x", 1, server.local_addr()).err;
    EXPECT_EQ(wrong.code(), Errc::write_to_connected);
    EXPECT_EQ(wrong.address(), server.local_addr());
    EXPECT_EQ(server.write("x", 1).err.sys_errno(), EDESTADDRREQ);
    EXPECT_EQ(server.write_to("x", 1, {}).err.code(), Errc::missing_address);
    EXPECT_EQ(server.write_to("x", 1, Ipv6Endpoint::loopback(1)).err.code(),
              Errc::non_ipv4_address);
    EXPECT_EQ(server.write_to("x", 1, Address::unix_name("/x")).err.code(), Errc::address_type);
  });
}

TEST_P(UdpTest, NobodyThereIsAnErrorOfALaterCall) {
  run([](Runtime&) {
    const Address nobody = bound().local_addr();
    UdpConn c = dial_udp(nobody).value;
    EXPECT_EQ(c.write("x", 1).n, 1u);  // sent; the ICMP message comes back at once on loopback
    char b;
    const Error err = c.read(&b, 1).err;
    EXPECT_EQ(err.sys_errno(), ECONNREFUSED);
    EXPECT_EQ(err.message(), "read udp " + c.local_addr().to_string() + "->" + nobody.to_string() +
                                 ": read: connection refused");
  });
}

TEST_P(UdpTest, AShortBufferCutsTheDatagram) {
  run([](Runtime&) {
    UdpConn a = bound(), b = bound();
    char buf[4];
    EXPECT_EQ(a.write_to("0123456789", 10, b.local_addr()).n, 10u);
    const PacketResult r = b.read_from(buf, sizeof buf);
    EXPECT_FALSE(r.err);
    EXPECT_EQ(r.n, 4u);
    EXPECT_EQ(a.write_to("0123456789", 10, b.local_addr()).n, 10u);
    const MessageResult m = b.read_msg(buf, sizeof buf, nullptr, 0);
    EXPECT_FALSE(m.err);
    EXPECT_EQ(m.n, 4u);
    EXPECT_TRUE(m.flags & MSG_TRUNC);
    EXPECT_EQ(m.from, a.local_addr());
    // No buffer at all takes the datagram, too; read alone returns before it looks.
    EXPECT_EQ(a.write_to("x", 1, b.local_addr()).n, 1u);
    EXPECT_EQ(b.read(nullptr, 0).n, 0u);
    EXPECT_EQ(b.read_from(nullptr, 0).err.code(), Errc::none);
    EXPECT_FALSE(b.set_read_deadline(Clock::now() + milliseconds(1)));
    EXPECT_EQ(b.read_from(nullptr, 0).err.code(), Errc::deadline_exceeded);
  });
}

TEST_P(UdpTest, ControlMessagesGoBothWays) {
  run([](Runtime&) {
    UdpConn a = bound(), b = bound();
    EXPECT_FALSE(b.raw_control([](int fd) {
      const int on = 1;
      EXPECT_EQ(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
    }));
    EXPECT_EQ(a.write_msg("x", 1, nullptr, 0, b.local_addr()).n, 1u);
    EXPECT_EQ(a.write_msg("x", 1, nullptr, 0).err.code(), Errc::missing_address);
    char buf[4], oob[128];
    const MessageResult m = b.read_msg(buf, sizeof buf, oob, sizeof oob);
    EXPECT_FALSE(m.err) << m.err.message();
    EXPECT_EQ(m.n, 1u);
    EXPECT_EQ(m.oob_n, CMSG_SPACE(sizeof(in_pktinfo)));
    UdpConn c = dial_udp(b.local_addr()).value;
    EXPECT_EQ(c.write_msg("yz", 2, nullptr, 0).n, 2u);
    EXPECT_EQ(c.write_msg("x", 1, nullptr, 0, b.local_addr()).err.code(), Errc::write_to_connected);
    EXPECT_EQ(b.read_msg(buf, sizeof buf, nullptr, 0).n, 2u);
  });
}

TEST_P(UdpTest, DeadlinesInThePastAndToCome) {
  run([](Runtime&) {
    UdpConn a = bound(), b = bound();
    char buf[8];
    EXPECT_EQ(a.write_to("data", 4, b.local_addr()).n, 4u);
    EXPECT_FALSE(b.set_read_deadline(Clock::now() - std::chrono::seconds(5)));
    for (int i = 0; i < 2; i++) {
      const PacketResult r = b.read_from(buf, sizeof buf);
      EXPECT_EQ(r.err.code(), Errc::deadline_exceeded);
      EXPECT_EQ(r.n, 0u);
      EXPECT_TRUE(r.from.empty());
    }
    EXPECT_FALSE(b.set_read_deadline(Clock::now() + std::chrono::seconds(10)));
    EXPECT_EQ(b.read_from(buf, sizeof buf).n, 4u);
    const auto start = Clock::now();
    EXPECT_FALSE(b.set_read_deadline(start + milliseconds(20)));
    EXPECT_EQ(b.read_from(buf, sizeof buf).err.code(), Errc::deadline_exceeded);
    EXPECT_GE(Clock::now() - start, milliseconds(20));
    EXPECT_FALSE(b.set_deadline(Clock::now()));
    EXPECT_EQ(b.read_from(buf, sizeof buf).err.code(), Errc::deadline_exceeded);
    EXPECT_EQ(b.write_to("x", 1, a.local_addr()).err.code(), Errc::deadline_exceeded);
    EXPECT_FALSE(b.set_write_deadline(Clock::now() + std::chrono::seconds(10)));
    EXPECT_EQ(b.write_to("x", 1, a.local_addr()).n, 1u);
  });
}

TEST_P(UdpTest, CloseEndsABlockedRead) {
  run([](Runtime& runtime) {
    UdpConn c = bound();
    WaitGroup done;
    in_background(done, [&] {
      char b;
      const Error err = c.read_from(&b, 1).err;
      EXPECT_EQ(err.code(), Errc::net_closing);
      EXPECT_EQ(err.message(),
                "read udp " + c.local_addr().to_string() + ": use of closed network connection");
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_FALSE(c.close());
    done.wait();
    EXPECT_EQ(c.write_to("x", 1, Ipv4Endpoint::loopback(9)).err.code(), Errc::net_closing);
    EXPECT_EQ(c.read_msg(nullptr, 0, nullptr, 0).err.code(), Errc::net_closing);
    EXPECT_EQ(c.write_msg("x", 1, nullptr, 0, Ipv4Endpoint::loopback(9)).err.code(),
              Errc::net_closing);
  });
}

TEST_P(UdpTest, ADuplicateOutlivesTheOriginal) {
  run([](Runtime&) {
    UdpConn a = bound(), b = bound();
    const auto [fd, err] = b.dup();
    ASSERT_FALSE(err) << err.message();
    EXPECT_FALSE(b.close());
    auto [copy, adopt_err] = UdpConn::adopt(fd);
    ASSERT_FALSE(adopt_err) << adopt_err.message();
    EXPECT_EQ(copy.local_addr(), b.local_addr());
    EXPECT_TRUE(copy.remote_addr().empty());
    EXPECT_EQ(a.write_to("x", 1, copy.local_addr()).n, 1u);
    char c;
    EXPECT_EQ(copy.read_from(&c, 1).from, a.local_addr());
  });
}

TEST_P(UdpTest, Ipv6AndBothFamiliesOnOneSocket) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  run([](Runtime&) {
    auto [both, err] = listen_udp(Ipv6Endpoint::any(0), {.dual_stack = true});
    ASSERT_FALSE(err) << err.message();
    const uint16_t port = both.local_addr().port();
    char buf[8];
    UdpConn four = bound();
    EXPECT_EQ(four.write_to("4", 1, Ipv4Endpoint::loopback(port)).n, 1u);
    PacketResult r = both.read_from(buf, sizeof buf);
    EXPECT_EQ(r.from, four.local_addr());  // not the mapped form
    EXPECT_EQ(both.write_to("back", 4, r.from).n, 4u);
    EXPECT_EQ(four.read_from(buf, sizeof buf).n, 4u);
    UdpConn six = dial_udp(Ipv6Endpoint::loopback(port)).value;
    EXPECT_EQ(six.write("6", 1).n, 1u);
    r = both.read_from(buf, sizeof buf);
    EXPECT_EQ(r.from, six.local_addr());
    EXPECT_EQ(both.write_to("back", 4, r.from).n, 4u);
    EXPECT_EQ(six.read(buf, sizeof buf).n, 4u);
    // Without dual_stack, IPv6 leaves the IPv4 port to others.
    UdpConn only_six = listen_udp(Ipv6Endpoint::any(0)).value;
    EXPECT_FALSE(listen_udp(Ipv4Endpoint::any(only_six.local_addr().port())).err);
  });
}

TEST_P(UdpTest, SteadyStateDoesNotAllocateEvenOnTimeouts) {
  run([](Runtime& runtime) {
    UdpConn a = bound(), b = bound();
    const Address to = b.local_addr();
    const auto once = [&] {
      char buf[64] = {};
      Address from;
      EXPECT_EQ(a.write_to(buf, sizeof buf, to).n, sizeof buf);
      PacketResult r = b.read_from(buf, sizeof buf);
      EXPECT_EQ(r.n, sizeof buf);
      from = r.from;
      EXPECT_FALSE(b.set_read_deadline(Clock::now() - milliseconds(1)));
      EXPECT_TRUE(b.read_from(buf, sizeof buf).err.timeout());
      EXPECT_FALSE(b.set_read_deadline({}));
    };
    for (int i = 0; i < 100; i++) once();
    const uint64_t before = allocations();
    for (int i = 0; i < 1000; i++) once();
    // A worker thread may still be starting.
    EXPECT_LE(allocations() - before, static_cast<uint64_t>(runtime.workers()));
  });
}

NETPOLL_FOR_WORKERS(UdpTest);

}  // namespace
}  // namespace netpoll::testing

// SPDX-License-Identifier: MIT
// Gathered writes and scattered reads, and the limit on a single call (net/writev_test.go,
// internal/poll/writev_test.go, TestTCPBig).
#include "endpoints.h"
#include "src/consume.h"

namespace netpoll::testing {
namespace {

iovec part(const std::string& s) { return {const_cast<char*>(s.data()), s.size()}; }

std::string text(std::span<const iovec> v) {
  std::string s;
  for (const iovec& p : v) s += std::string(static_cast<char*>(p.iov_base), p.iov_len) + "|";
  return s;
}

TEST(ConsumeTest, DropsWholePartsAndCutsTheHead) {
  const struct {
    std::vector<std::string> in;
    size_t n;
    std::string out;
  } table[] = {
      {{"foo", "bar"}, 0, "foo|bar|"},
      {{"foo", "bar"}, 2, "o|bar|"},
      {{"foo", "bar"}, 3, "bar|"},
      {{"foo", "bar"}, 4, "ar|"},
      {{"foo", "bar"}, 6, ""},
      {{"", "", "foo", "bar"}, 0, "foo|bar|"},
      {{"", "", "", "bar", "", "x"}, 3, "x|"},
      {{"", "", ""}, 0, ""},
  };
  for (const auto& row : table) {
    std::vector<iovec> parts;
    for (const std::string& s : row.in) parts.push_back(part(s));
    std::span<iovec> v(parts);
    consume(v, row.n);
    EXPECT_EQ(text(v), row.out) << row.n;
    // What is gone points nowhere any more.
    for (size_t i = 0; i < parts.size() - v.size(); i++) EXPECT_EQ(parts[i].iov_base, nullptr);
  }
}

class VectorTest : public WorkersTest {};

TEST_P(VectorTest, AnyNumberOfPartsArrivesInOrder) {
  run([](Runtime&) {
    for (int count : {0, 1, 10, 1023, 1024, 1025, 3000}) {
      Pair p = connected_pair();
      const std::string content = pattern(static_cast<size_t>(count), 7);
      std::vector<iovec> parts;
      for (const char& c : content) parts.push_back({const_cast<char*>(&c), 1});
      parts.push_back({nullptr, 0});
      std::span<iovec> v(parts);
      const IoResult r = p.client.writev(v);
      EXPECT_FALSE(r.err) << r.err.message();
      EXPECT_EQ(r.n, content.size());
      EXPECT_TRUE(v.empty());
      EXPECT_FALSE(p.client.close());
      EXPECT_EQ(read_all(p.server), content);
    }
  });
}

TEST_P(VectorTest, BigPartsSmallPartsAndALowLimitOnCalls) {
  run([](Runtime&) {
    Pair p = connected_pair();
    p.client.impl()->pfd.set_chunk_max(100'000);  // 1 GiB otherwise
    const std::string big = pattern(3 << 20, 1), small = pattern(10, 2),
                      middle = pattern(77'777, 3);
    std::vector<iovec> parts{part(small), part(big), {}, part(middle), part(big), part(small)};
    const std::string all = small + big + middle + big + small;
    WaitGroup done;
    in_background(done, [&] {
      std::span<iovec> v(parts);
      const IoResult r = p.client.writev(v);
      EXPECT_FALSE(r.err) << r.err.message();
      EXPECT_EQ(r.n, all.size());
      EXPECT_EQ(p.client.write(big.data(), big.size()).n, big.size());
      EXPECT_FALSE(p.client.close());
    });
    EXPECT_TRUE(read_all(p.server) == all + big);
    done.wait();
  });
}

TEST_P(VectorTest, NobodyWritesInBetweenTheChunksOfAWrite) {
  run([](Runtime&) {
    Pair p = connected_pair();
    p.client.impl()->pfd.set_chunk_max(1000);
    const std::string a(1 << 20, 'a'), b(1 << 20, 'b');
    WaitGroup done;
    for (const std::string* s : {&a, &b}) {
      in_background(done,
                    [&p, s] { EXPECT_EQ(p.client.write(s->data(), s->size()).n, s->size()); });
    }
    const std::string got = read_exactly(p.server, a.size() + b.size());
    done.wait();
    EXPECT_TRUE(got == a + b || got == b + a);
  });
}

TEST_P(VectorTest, ReadsAreLimitedToo) {
  run([](Runtime&) {
    Pair p = connected_pair();
    p.server.impl()->pfd.set_chunk_max(3);
    EXPECT_EQ(p.client.write("0123456789", 10).n, 10u);
    std::string all;
    while (all.size() < 10) {
      char buf[10];
      const IoResult r = p.server.read(buf, sizeof buf);
      ASSERT_FALSE(r.err) << r.err.message();
      EXPECT_LE(r.n, 3u);
      all.append(buf, r.n);
    }
    EXPECT_EQ(all, "0123456789");
  });
}

TEST_P(VectorTest, AClosedPeerIsAnErrorAndTheRestIsLeft) {
  run([](Runtime&) {
    Pair p = connected_pair();
    EXPECT_FALSE(p.server.set_linger(0));
    EXPECT_FALSE(p.server.close());
    const std::string big(8 << 20, 'x');
    std::vector<iovec> parts(4, part(big));
    std::span<iovec> v(parts);
    const IoResult r = p.client.writev(v);
    EXPECT_TRUE(r.err.sys_errno() == ECONNRESET || r.err.sys_errno() == EPIPE) << r.err.message();
    EXPECT_EQ(r.err.syscall(), "writev");
    EXPECT_EQ(r.err.op(), "writev");
    size_t left = 0;
    for (const iovec& p : v) left += p.iov_len;
    EXPECT_EQ(r.n + left, 4 * big.size());
  });
}

TEST_P(VectorTest, ADeadlineReportsWhatWasWritten) {
  run([](Runtime&) {
    Pair p = connected_pair();
    const std::string big = pattern(16 << 20, 5);
    std::vector<iovec> parts{part(big)};
    std::span<iovec> v(parts);
    EXPECT_FALSE(p.client.set_write_deadline(Clock::now() + milliseconds(20)));
    const IoResult r = p.client.writev(v);
    EXPECT_EQ(r.err.code(), Errc::deadline_exceeded);
    ASSERT_EQ(v.size(), 1u);
    EXPECT_EQ(r.n + v[0].iov_len, big.size());
    EXPECT_FALSE(p.client.close());
    EXPECT_TRUE(read_all(p.server) == big.substr(0, r.n));
  });
}

TEST_P(VectorTest, ReadsFillTheBuffersInOrder) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    char a[3], b[5];
    const iovec v[] = {{a, sizeof a}, {nullptr, 0}, {b, sizeof b}};
    WaitGroup done;
    std::string all;
    in_background(done, [&] {
      while (all.size() < 7) {
        const IoResult r = p.server.readv(v);  // may be short
        ASSERT_FALSE(r.err) << r.err.message();
        all += (std::string(a, 3) + std::string(b, 5)).substr(0, r.n);
      }
    });
    ASSERT_TRUE(parked(runtime, 1));
    EXPECT_EQ(p.client.write("abcdefg", 7).n, 7u);
    done.wait();
    EXPECT_EQ(all, "abcdefg");
    EXPECT_EQ(p.server.readv({}).n, 0u);
    EXPECT_FALSE(p.client.close());
    EXPECT_EQ(p.server.readv(v).err.code(), Errc::eof);
  });
}

NETPOLL_FOR_WORKERS(VectorTest);

}  // namespace
}  // namespace netpoll::testing

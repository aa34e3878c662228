// SPDX-License-Identifier: MIT
//
// The referee notices each thing that it is there to notice, and explains what a fault explains.
#include "models/referee.h"

#include <errno.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace pollux::properties {
namespace {

int given_error;
bool given_reset;

const RefereeHooks kHooks = {
    .fail = [](const char* property, const std::string&) { throw std::runtime_error(property); },
    .fault_gives = [](int error) { return error == given_error; },
    .fault_resets = [] { return given_reset; },
    .ready = [] {},
    .watch = [](const SlotRegion*) {},
};

class RefereeTest : public testing::Test {
 protected:
  RefereeTest() : referee_(workload(), kHooks) {
    given_error = 0;
    given_reset = false;
  }

  static Workload workload() {
    Workload w;
    w.connections.resize(2);
    return w;
  }

  // The property that `what` fails; empty when it fails none.
  template <class F>
  static std::string property_of(F what) {
    try {
      what();
    } catch (const std::runtime_error& failed) {
      return failed.what();
    }
    return "";
  }
  std::string judging(Act act, const Seen& seen, unsigned expect = kNothingElse,
                      unsigned connection = 0) {
    return property_of([&] { referee_.judge(connection, Side::client, act, seen, expect); });
  }
  std::string reading(const char* bytes, size_t asked, const Seen& seen) {
    return property_of([&] { referee_.got(0, Side::server, bytes, asked, seen, kNothingElse); });
  }

  Referee referee_;
};

TEST_F(RefereeTest, AcceptsBytesInAnyPiecesAndOrderOfCalls) {
  char sent[100];
  referee_.prepare(0, Side::client, sent, sizeof sent);
  EXPECT_EQ(reading(sent, 100, {Kind::ok, 0, 40}), "");  // before write returned
  EXPECT_TRUE(referee_.wrote(0, Side::client, 100, {Kind::ok, 0, 100}, kNothingElse));
  EXPECT_EQ(reading(sent + 40, 60, {Kind::ok, 0, 60}), "");
  EXPECT_EQ(property_of([&] { referee_.ended(0, Side::server); }), "");
}

TEST_F(RefereeTest, NoticesWrongRepeatedAndInventedBytes) {
  char sent[100];
  referee_.prepare(0, Side::client, sent, sizeof sent);
  EXPECT_EQ(reading(sent, 10, {Kind::ok, 0, 10}), "");
  EXPECT_EQ(reading(sent, 10, {Kind::ok, 0, 10}), "stream-bytes");       // again
  EXPECT_EQ(reading(sent + 20, 10, {Kind::ok, 0, 10}), "stream-bytes");  // ten are missing
  sent[10] ^= 1;
  EXPECT_EQ(reading(sent + 10, 10, {Kind::ok, 0, 10}), "stream-bytes");
  sent[10] ^= 1;
  EXPECT_EQ(reading(sent + 10, 200, {Kind::ok, 0, 91}), "stream-bytes");  // one more than sent
  EXPECT_EQ(reading(sent + 10, 90, {Kind::ok, 0, 90}), "");
}

TEST_F(RefereeTest, NoticesTheStreamOfAnotherConnection) {
  char sent[8], other[8];
  referee_.prepare(0, Side::client, sent, sizeof sent);
  referee_.prepare(1, Side::client, other, sizeof other);
  EXPECT_EQ(reading(other, 8, {Kind::ok, 0, 8}), "stream-bytes");
}

TEST_F(RefereeTest, NoticesAnEndBeforeTheLastByte) {
  char sent[10];
  referee_.prepare(0, Side::client, sent, sizeof sent);
  referee_.wrote(0, Side::client, 10, {Kind::ok, 0, 10}, kNothingElse);
  EXPECT_EQ(reading(sent, 10, {Kind::ok, 0, 9}), "");
  EXPECT_EQ(property_of([&] { referee_.ended(0, Side::server); }), "stream-complete");
  referee_.breaks(0);
  EXPECT_EQ(property_of([&] { referee_.ended(0, Side::server); }), "");
}

TEST_F(RefereeTest, NoticesMoreBytesReceivedThanWriteReported) {
  char sent[10];
  referee_.prepare(0, Side::client, sent, sizeof sent);
  EXPECT_EQ(reading(sent, 10, {Kind::ok, 0, 10}), "");
  EXPECT_EQ(property_of([&] {
              referee_.wrote(0, Side::client, 10, {Kind::deadline, 0, 4}, kDeadline);
            }),
            "stream-bytes");
}

TEST_F(RefereeTest, NoticesCountsThatCanNotBe) {
  char byte = 0;
  EXPECT_EQ(reading(&byte, 1, {Kind::ok, 0, 0}), "transfer-count");
  EXPECT_EQ(reading(&byte, 1, {Kind::eof, 0, 1}), "transfer-count");
  EXPECT_EQ(reading(&byte, 1, {Kind::ok, 0, 2}), "transfer-count");
  EXPECT_EQ(property_of([&] {
              referee_.wrote(0, Side::client, 10, {Kind::ok, 0, 9}, 0);
            }),
            "transfer-count");
}

TEST_F(RefereeTest, TwoReadersMayShareInEitherOrder) {
  char sent[4];
  referee_.prepare(0, Side::server, sent, 4);
  const Seen one[2] = {{Kind::ok, 0, 1}, {Kind::ok, 0, 1}};
  const char swapped[2] = {sent[1], sent[0]};
  EXPECT_TRUE(referee_.got_pair(0, Side::client, swapped, one));
  const char same[2] = {sent[2], sent[2]};
  EXPECT_EQ(property_of([&] { referee_.got_pair(0, Side::client, same, one); }), "stream-bytes");
}

TEST_F(RefereeTest, HidesRetriesFromTheUserWhateverTheFaults) {
  for (int error : {EINTR, EAGAIN, EINPROGRESS, EALREADY}) {
    given_error = error;
    EXPECT_EQ(judging(Act::read, {Kind::system, error}), "retry-hidden") << error;
  }
  given_error = ECONNABORTED;
  EXPECT_EQ(judging(Act::accept, {Kind::system, ECONNABORTED}), "retry-hidden");
}

TEST_F(RefereeTest, ExplainsErrorsByFaultsOnly) {
  EXPECT_EQ(judging(Act::accept, {Kind::system, EMFILE}), "error-explained");
  given_error = EMFILE;
  EXPECT_EQ(judging(Act::accept, {Kind::system, EMFILE}), "");
  EXPECT_EQ(referee_.errors(), std::vector<std::string>{"client accept EMFILE"});
}

TEST_F(RefereeTest, ExplainsResetsAndEndsByABrokenConnection) {
  EXPECT_EQ(judging(Act::read, {Kind::system, ECONNRESET}), "error-explained");
  EXPECT_EQ(judging(Act::write, {Kind::system, EPIPE}), "error-explained");
  EXPECT_EQ(judging(Act::read, {Kind::eof}), "eof-explained");
  referee_.breaks(0);
  EXPECT_EQ(judging(Act::read, {Kind::system, ECONNRESET}), "");
  EXPECT_EQ(judging(Act::write, {Kind::system, EPIPE}), "");
  EXPECT_EQ(judging(Act::read, {Kind::eof}), "");
  EXPECT_EQ(judging(Act::read, {Kind::eof}, kNothingElse, 1), "eof-explained");
  given_reset = true;
  EXPECT_EQ(judging(Act::read, {Kind::eof}, kNothingElse, 1), "");
}

TEST_F(RefereeTest, WantsAReasonForClosedAndDeadline) {
  EXPECT_EQ(judging(Act::read, {Kind::closed}), "closed-explained");
  EXPECT_EQ(judging(Act::read, {Kind::closed}, kClosed), "");
  EXPECT_EQ(judging(Act::read, {Kind::deadline}), "deadline-explained");
  EXPECT_EQ(judging(Act::read, {Kind::deadline}, kDeadline), "");
  EXPECT_EQ(judging(Act::accept, {Kind::closed}), "closed-explained");
  referee_.listener_closes();
  EXPECT_EQ(judging(Act::accept, {Kind::closed}), "");
}

TEST_F(RefereeTest, NoticesADeadlineThatComesEarly) {
  Clock::time_point due = Clock::time_point() + std::chrono::seconds(1);
  EXPECT_EQ(property_of([&] {
              referee_.deadline_came(0, Side::client, Act::read, due,
                                     due - std::chrono::nanoseconds(1));
            }),
            "deadline-not-early");
  EXPECT_EQ(property_of([&] { referee_.deadline_came(0, Side::client, Act::read, due, due); }), "");
}

TEST_F(RefereeTest, WantsEveryClientToComeToItsEnd) {
  referee_.client_done(0);
  EXPECT_EQ(property_of([&] { referee_.finish(); }), "completes");
  referee_.client_done(1);
  EXPECT_EQ(property_of([&] { referee_.finish(); }), "");
}

}  // namespace
}  // namespace pollux::properties

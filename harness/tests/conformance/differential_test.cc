// SPDX-License-Identifier: MIT
//
// Random sequences of calls, on the real kernel and on the twin, call by call the same answers.
//
// One process does both: outside of a World the calls pass through. The sequences come from
// consecutive seeds, so that every run checks the same ones; POLLUX_SEQUENCES=N checks N instead of
// 2,000. A difference is looked at twice, the second time with much more patience for packets of
// the real loopback device, and then shrunk.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>

#include "call_sequence.h"
#include "pollux/world.h"

namespace conformance {
namespace {

constexpr long kImpatient = 200, kPatient = 20'000;  // microseconds

using Answers = std::vector<std::string>;

Answers on_linux(const Sequence& sequence, long settle_us) {
  try {
    return answers(sequence, settle_us);
  } catch (const std::exception& problem) {
    return {std::string("gave up: ") + problem.what()};
  }
}

Answers on_twin(const Sequence& sequence) {
  Answers lines;
  auto boring = pollux::make_replay_strategy({});
  pollux::RunOptions options;
  options.strategy = boring.get();
  pollux::World world(options);
  world.add_thread("calls", 0, [&] {
    try {
      lines = answers(sequence, kPatient);
    } catch (const std::exception& problem) {
      lines = {std::string("gave up: ") + problem.what()};
    }
  });
  pollux::RunResult result = world.run();
  if (result.verdict != pollux::Verdict::held) {
    lines.push_back(std::string(to_string(result.verdict)) + ": " + result.reason);
  }
  return lines;
}

size_t calls_agreed = 0;

bool differ(const Sequence& sequence) {
  Answers twin = on_twin(sequence);
  bool agree = on_linux(sequence, kImpatient) == twin || on_linux(sequence, kPatient) == twin;
  if (agree) calls_agreed += twin.size();
  return !agree;
}

// Five slots of descriptors to play with and two sets that watch, whatever comes after.
Sequence prologue(uint32_t choice) {
  auto pair = [](uint32_t which) {
    static constexpr Step kPairs[] = {Step::make_pipe,          Step::make_unix_pair,
                                      Step::make_tcp_pair,      Step::make_udp_pair,
                                      Step::make_datagram_pair, Step::make_packet_pair};
    return kPairs[which % 6];
  };
  return {{Step::make_eventfd, 0, 0, choice / 36 % 2},
          {pair(choice), 1, 2, 0},
          {pair(choice / 6), 3, 4, 0},
          {Step::make_epoll, 5, 0, 0},
          {Step::make_epoll, 6, 0, 0}};
}

rc::Gen<Call> arbitrary_call() {
  using rc::gen::inRange;
  return rc::gen::map(rc::gen::tuple(inRange<uint32_t>(0, 122), inRange<uint8_t>(0, kSlots),
                                     inRange<uint8_t>(0, kSlots), inRange<uint32_t>(0, 1 << 16)),
                      [](const std::tuple<uint32_t, uint8_t, uint8_t, uint32_t>& drawn) {
                        // Not a structured binding: clang 14 can not capture one.
                        const uint32_t weight = std::get<0>(drawn), number = std::get<3>(drawn);
                        const uint8_t slot = std::get<1>(drawn), other = std::get<2>(drawn);
                        Call call{Step::poll, slot, other, number};
                        auto set = static_cast<uint8_t>(5 + slot % 2);
                        auto of = [&](Step step, uint8_t at, uint32_t limit) {
                          call = {step, at, other, number % limit};
                        };
                        // Transfers and epoll are most of it; sizes are small, or around a page of
                        // a pipe.
                        static constexpr uint32_t kSizes[] = {8, 8,   8,    16,   1,
                                                              0, 100, 1000, 4096, 5000};
                        if (weight < 18)
                          of(Step::write, slot, 1), call.number = kSizes[number % 10];
                        else if (weight < 34)
                          of(Step::read, slot, 1), call.number = kSizes[number % 10];
                        else if (weight < 37)
                          of(Step::peek, slot, 1), call.number = kSizes[number % 10];
                        else if (weight < 41)
                          of(Step::shut, slot, 3);
                        else if (weight < 45)
                          of(Step::close, slot, 1);
                        else if (weight < 49)
                          of(Step::duplicate, slot, 1);
                        else if (weight < 55)
                          of(Step::poll, slot, 1);
                        else if (weight < 67)
                          of(Step::add, set, 32);
                        else if (weight < 73)
                          of(Step::modify, set, 32);
                        else if (weight < 76)
                          of(Step::remove, set, 1);
                        else if (weight < 90)
                          of(Step::wait, set, 4);
                        else if (weight < 92)
                          of(Step::bytes_queued, slot, 1);
                        else if (weight < 94)
                          of(Step::take_error, slot, 1);
                        else if (weight < 95)
                          of(Step::peer_name, slot, 1);
                        else if (weight < 96)
                          of(Step::linger, slot, 2);
                        else if (weight < 97)
                          of(Step::make_eventfd, slot, 2);
                        else if (weight < 98)
                          of(Step::make_pipe, slot, 1);
                        else if (weight < 99)
                          of(Step::make_unix_pair, slot, 1);
                        else if (weight < 100)
                          of(Step::make_epoll, slot, 1);
                        else if (weight < 102)
                          of(Step::make_listener, slot, 4);
                        else if (weight < 105)
                          of(Step::dial, slot, 1);
                        else if (weight < 107)
                          of(Step::take, slot, 1);
                        else if (weight < 108)
                          of(Step::make_mailbox, slot, 1);
                        else if (weight < 109)
                          of(Step::make_udp_pair, slot, 1);
                        else if (weight < 111)
                          of(Step::associate, slot, 1);
                        else if (weight < 112)
                          of(Step::dissolve, slot, 1);
                        else if (weight < 116)
                          of(Step::send_to, slot, 1), call.number = kSizes[number % 10];
                        else if (weight < 119)
                          of(Step::pass, slot, 1);
                        else
                          of(Step::unpack, slot, 1);
                        return call;
                      });
}

// The size is the length; the calls themselves are drawn from everything, however short it is.
rc::Gen<Sequence> arbitrary_sequence() {
  return rc::gen::container<Sequence>(rc::gen::resize(rc::kNominalSize, arbitrary_call()));
}

Sequence whole(uint32_t seed, const Sequence& body) {
  Sequence sequence = prologue(seed);
  sequence.insert(sequence.end(), body.begin(), body.end());
  return sequence;
}

// The smallest sequence on the way down that still differs.
Sequence shrunk(uint32_t seed, rc::Shrinkable<Sequence> from) {
  for (int tries = 0;;) {
    rc::Seq<rc::Shrinkable<Sequence>> smaller = from.shrinks();
    bool found = false;
    while (auto candidate = smaller.next()) {
      if (++tries > 2000) return whole(seed, from.value());
      if (!differ(whole(seed, candidate->value()))) continue;
      from = *candidate;
      found = true;
      break;
    }
    if (!found) return whole(seed, from.value());
  }
}

void explain(const Sequence& sequence) {
  Answers real = on_linux(sequence, kPatient), twin = on_twin(sequence);
  real.resize(std::max(real.size(), twin.size()));
  twin.resize(real.size());
  for (size_t i = 0; i < real.size(); i++) {
    if (real[i] == twin[i]) {
      std::fprintf(stderr, "  %s\n", real[i].c_str());
    } else {
      std::fprintf(stderr, "  %s\n  %s   <- the twin\n", real[i].c_str(), twin[i].c_str());
    }
  }
}

TEST(Differential, SequencesOfCalls) {
  signal(SIGPIPE, SIG_IGN);
  const char* asked = std::getenv("POLLUX_SEQUENCES");
  uint32_t sequences = asked != nullptr ? static_cast<uint32_t>(std::atoi(asked)) : 2000;
  ASSERT_GT(sequences, 0u);
  rc::Gen<Sequence> generate = arbitrary_sequence();
  int differences = 0;
  for (uint32_t seed = 0; seed < sequences && differences < 3; seed++) {
    rc::Shrinkable<Sequence> drawn = generate(rc::Random(seed), 10 + static_cast<int>(seed % 51));
    if (!differ(whole(seed, drawn.value()))) continue;
    differences++;
    ADD_FAILURE() << "sequence " << seed << ": the twin answers otherwise than Linux";
    explain(shrunk(seed, drawn));
  }
  std::printf("conformance: %u sequences, %zu calls with the same answers\n", sequences,
              calls_agreed);
}

}  // namespace
}  // namespace conformance

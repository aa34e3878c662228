// SPDX-License-Identifier: MIT
//
// The classic litmus tests. The outcomes are those of C++20, less the ones that need a load to read
// a later store or a modification order other than that of execution; where there are such, the
// name says so.
#include <atomic>

#include "tests/explore/programs_memory.h"

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed, kAcquire = std::memory_order_acquire,
               kRelease = std::memory_order_release, kBoth = std::memory_order_acq_rel,
               kSeqCst = std::memory_order_seq_cst;
using Order = std::memory_order;

std::atomic<int> x, y;
int registers[4];

// Store buffering.
template <Order kStore, Order kLoad, int kFences = 0>
void sb_left() {
  x.store(1, kStore);
  if (kFences >= 1) std::atomic_thread_fence(kSeqCst);
  registers[0] = y.load(kLoad);
}
template <Order kStore, Order kLoad, int kFences = 0>
void sb_right() {
  y.store(1, kStore);
  if (kFences >= 2) std::atomic_thread_fence(kSeqCst);
  registers[1] = x.load(kLoad);
}
template <Order kFence>
void sb_weak_fence_left() {
  x.store(1, kRelaxed);
  std::atomic_thread_fence(kFence);
  registers[0] = y.load(kRelaxed);
}
template <Order kFence>
void sb_weak_fence_right() {
  y.store(1, kRelaxed);
  std::atomic_thread_fence(kFence);
  registers[1] = x.load(kRelaxed);
}
template <Order kOrder>
void sb_exchange_left() {
  x.exchange(1, kOrder);
  registers[0] = y.load(kAcquire);
}
template <Order kOrder>
void sb_exchange_right() {
  y.exchange(1, kOrder);
  registers[1] = x.load(kAcquire);
}

// Message passing: register 0 is the flag, 1 the message.
template <Order kStore>
void mp_write() {
  x.store(1, kRelaxed);
  y.store(1, kStore);
}
template <Order kLoad>
void mp_read() {
  registers[0] = y.load(kLoad);
  registers[1] = x.load(kRelaxed);
}
template <Order kFence>
void mp_write_fence() {
  x.store(1, kRelaxed);
  std::atomic_thread_fence(kFence);
  y.store(1, kRelaxed);
}
template <Order kFence>
void mp_read_fence() {
  registers[0] = y.load(kRelaxed);
  std::atomic_thread_fence(kFence);
  registers[1] = x.load(kRelaxed);
}

// Coherence.
void corr_write() {
  x.store(1, kRelaxed);
  x.store(2, kRelaxed);
}
void corr_read() {
  registers[0] = x.load(kRelaxed);
  registers[1] = x.load(kRelaxed);
}
void cowr_left() {
  x.store(1, kRelaxed);
  registers[0] = x.load(kRelaxed);
}
void cowr_right() { x.store(2, kRelaxed); }

// Independent reads of independent writes.
template <Order kOrder>
void write_x() {
  x.store(1, kOrder);
}
template <Order kOrder>
void write_y() {
  y.store(1, kOrder);
}
template <Order kLoad, bool kFence = false>
void iriw_left() {
  registers[0] = x.load(kLoad);
  if (kFence) std::atomic_thread_fence(kSeqCst);
  registers[1] = y.load(kLoad);
}
template <Order kLoad, bool kFence = false>
void iriw_right() {
  registers[2] = y.load(kLoad);
  if (kFence) std::atomic_thread_fence(kSeqCst);
  registers[3] = x.load(kLoad);
}

// Write to read causality.
template <Order kStore>
void wrc_middle() {
  registers[0] = x.load(kRelaxed);
  y.store(1, kStore);
}
template <Order kLoad>
void wrc_right() {
  registers[1] = y.load(kLoad);
  registers[2] = x.load(kRelaxed);
}

// Load buffering, 2+2W.
void lb_left() {
  registers[0] = x.load(kRelaxed);
  y.store(1, kRelaxed);
}
void lb_right() {
  registers[1] = y.load(kRelaxed);
  x.store(1, kRelaxed);
}
void two_writes_left() {
  x.store(1, kRelaxed);
  y.store(2, kRelaxed);
}
void two_writes_right() {
  y.store(1, kRelaxed);
  x.store(2, kRelaxed);
}

// Release sequences: register 0 is y, 1 is x.
void add_y() { y.fetch_add(1, kRelaxed); }
void write_y_again() {
  x.store(1, kRelaxed);
  y.store(1, kRelease);
  y.store(2, kRelaxed);
}

template <Order kOrder>
void add_left() {
  registers[0] = x.fetch_add(1, kOrder);
}
template <Order kOrder>
void add_right() {
  registers[1] = x.fetch_add(1, kOrder);
}

void weak_exchange() {
  int expected = 0;
  registers[0] = x.compare_exchange_weak(expected, 1, kRelaxed) ? 1 : 0;
}
void strong_exchange() {
  int expected = 0;
  registers[0] = x.compare_exchange_strong(expected, 1, kRelaxed) ? 1 : 0;
}

constexpr const char* kAll2 = "00 01 10 11";
constexpr const char* kNot00 = "01 10 11";
constexpr const char* kNot10 = "00 01 11";
constexpr const char* kAll3 = "000 001 010 011 100 101 110 111";
constexpr const char* kNot110 = "000 001 010 011 100 101 111";
constexpr const char* kAll4 =
    "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1010 1011 1100 1101 1110 1111";
constexpr const char* kNot1010 =
    "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111";
#ifdef __clang__
constexpr const char* kWeakExchange = "1";  // its hook does not tell weak from strong
#else
constexpr const char* kWeakExchange = "0 1";
#endif

constexpr PolluxLitmus kLitmus[] = {
    {"SbRelaxed", {sb_left<kRelaxed, kRelaxed>, sb_right<kRelaxed, kRelaxed>}, kAll2},
    {"SbReleaseAcquire", {sb_left<kRelease, kAcquire>, sb_right<kRelease, kAcquire>}, kAll2},
    {"SbSeqCst", {sb_left<kSeqCst, kSeqCst>, sb_right<kSeqCst, kSeqCst>}, kNot00},
    {"SbSeqCstStores", {sb_left<kSeqCst, kAcquire>, sb_right<kSeqCst, kAcquire>}, kAll2},
    {"SbSeqCstLoads", {sb_left<kRelease, kSeqCst>, sb_right<kRelease, kSeqCst>}, kAll2},
    {"SbFences", {sb_left<kRelaxed, kRelaxed, 2>, sb_right<kRelaxed, kRelaxed, 2>}, kNot00},
    {"SbOneFence", {sb_left<kRelaxed, kRelaxed, 1>, sb_right<kRelaxed, kRelaxed, 1>}, kAll2},
    {"SbFenceAgainstSeqCst", {sb_left<kRelaxed, kRelaxed, 1>, sb_right<kSeqCst, kSeqCst>}, kNot00},
    {"SbWeakFences", {sb_weak_fence_left<kBoth>, sb_weak_fence_right<kBoth>}, kAll2},
    {"SbExchangeAcqRel", {sb_exchange_left<kBoth>, sb_exchange_right<kBoth>}, kAll2},
    {"MpRelaxed", {mp_write<kRelaxed>, mp_read<kRelaxed>}, kAll2},
    {"MpReleaseAcquire", {mp_write<kRelease>, mp_read<kAcquire>}, kNot10},
    {"MpReleaseRelaxed", {mp_write<kRelease>, mp_read<kRelaxed>}, kAll2},
    {"MpRelaxedAcquire", {mp_write<kRelaxed>, mp_read<kAcquire>}, kAll2},
    {"MpFences", {mp_write_fence<kRelease>, mp_read_fence<kAcquire>}, kNot10},
    {"MpReleaseFence", {mp_write_fence<kRelease>, mp_read<kAcquire>}, kNot10},
    {"MpAcquireFence", {mp_write<kRelease>, mp_read_fence<kAcquire>}, kNot10},
    {"MpWrongFences", {mp_write_fence<kAcquire>, mp_read_fence<kRelease>}, kAll2},
    {"MpSeqCst", {mp_write<kSeqCst>, mp_read<kSeqCst>}, kNot10},
    {"CoRR", {corr_write, corr_read}, "00 01 02 11 12 22"},
    {"CoWR", {cowr_left, cowr_right}, "1 2"},
    {"IriwAcquire",
     {write_x<kRelease>, write_y<kRelease>, iriw_left<kAcquire>, iriw_right<kAcquire>},
     kAll4},
    {"IriwSeqCst",
     {write_x<kSeqCst>, write_y<kSeqCst>, iriw_left<kSeqCst>, iriw_right<kSeqCst>},
     kNot1010},
    {"IriwFences",
     {write_x<kRelaxed>, write_y<kRelaxed>, iriw_left<kRelaxed, true>, iriw_right<kRelaxed, true>},
     kNot1010},
    {"WrcReleaseAcquire", {write_x<kRelaxed>, wrc_middle<kRelease>, wrc_right<kAcquire>}, kNot110},
    {"WrcRelaxed", {write_x<kRelaxed>, wrc_middle<kRelaxed>, wrc_right<kRelaxed>}, kAll3},
    {"LbNotCovered", {lb_left, lb_right}, "00 01 10"},
    {"TwoPlusTwoWritesNotCovered", {two_writes_left, two_writes_right}, "12 21 22"},
    {"ReleaseSequence", {mp_write<kRelease>, add_y, mp_read<kAcquire>}, "00 01 10 11 21"},
    {"NoReleaseSequence", {write_y_again, mp_read<kAcquire>}, "00 01 11 20 21"},
    {"AddRelaxed", {add_left<kRelaxed>, add_right<kRelaxed>}, "01 10"},
    {"WeakExchange", {weak_exchange}, kWeakExchange},
    {"StrongExchange", {strong_exchange}, "1"},
    {nullptr, {}, nullptr},
};

}  // namespace

extern "C" const PolluxLitmus* pollux_memory_litmus() { return kLitmus; }

extern "C" void pollux_memory_reset() {
  x = y = 0;
  for (int& one : registers) one = -1;
}

// Registers that no thread has, and where there are none at all the variables.
extern "C" const char* pollux_memory_outcome() {
  static char text[8];
  char* at = text;
  for (int one : registers) {
    if (one >= 0) *at++ = static_cast<char>('0' + one);
  }
  if (at == text) {
    *at++ = static_cast<char>('0' + x);
    *at++ = static_cast<char>('0' + y);
  }
  *at = '\0';
  return text;
}

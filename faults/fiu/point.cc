// SPDX-License-Identifier: MIT
//
// Every point of the catalogue as a libfiu failure point.
//
// libfiu keeps a table of enabled names behind a reader-writer lock. Four of its properties shape
// this file:
//
//   - An external callback runs under the read lock: enabling or disabling a point inside it would
//     wait for itself. So points are enabled before a run and stay enabled; what a run turns on and
//     off is armed_points[], which costs a store.
//   - The callback is given the name that was enabled, not the one that was asked for, and they
//     differ for a wildcard. So only exact names are enabled here.
//   - The pointers that a callback is given lead into libfiu's shared entry, and writes through
//     them stay for all later calls. So it writes nothing, and the point travels in `asked`.
//   - fiu_enable_random draws from one generator for all points, seeded from the clock. So it is
//     never used; a run's answers come from the decider.
//
// Enabling a name replaces its entry, whoever made it. The user's own fiu_enable() on a point that
// a run had enabled therefore works after arm_for_manual_control(), and arm() takes it over again.
#define FIU_ENABLE 1
#include <fiu-control.h>
#include <fiu.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "pollux/faults/catalogue.h"

namespace pollux::faults {

uint8_t armed_points[kPointCount];
bool manual_control = false;

namespace {

bool enabled_for_runs[kPointCount];
Decider decider = nullptr;

// The point that the calling thread asks about. A thread's own: threads may ask at once.
thread_local constinit PointId asked = 0;

[[noreturn]] void bug(const char* what, const char* name) {
  std::fprintf(stderr, "pollux: faults: %s: %s\n", what, name);
  std::abort();
}

int answer(const char* name, int* /*failnum*/, void** /*failinfo*/, unsigned* /*flags*/) {
  if (name != points()[asked].name) bug("libfiu called back for another point", name);
  return decider != nullptr && decider(asked);
}

void initialise() {
  static bool done = false;
  if (done) return;
  if (fiu_init(0) != 0) bug("can not initialise", "libfiu");
  done = true;
}

// Under fiu-run the points of the command line are enabled already, by a library that it preloads.
__attribute__((constructor)) void notice_fiu_run() {
  if (std::getenv("FIU_ENABLE") != nullptr || std::getenv("FIU_CTRL_FIFO") != nullptr) {
    arm_for_manual_control();
  }
}

}  // namespace

const Point* find_point(std::string_view name) {
  for (const Point& point : points()) {
    if (point.name == name) return &point;
  }
  return nullptr;
}

bool ask_libfiu(PointId id) {
  asked = id;
  return fiu_fail(points()[id].name.data()) != 0;
}

void set_decider(Decider value) { decider = value; }

void arm(std::span<const PointId> ids) {
  initialise();
  disarm_all();
  for (PointId id : ids) {
    if (id >= kPointCount) bug("no such point", std::to_string(id).c_str());
    if (!enabled_for_runs[id]) {
      const char* name = points()[id].name.data();
      if (fiu_enable_external(name, 1, nullptr, 0, answer) != 0) bug("can not enable", name);
      enabled_for_runs[id] = true;
    }
    armed_points[id] = 1;
  }
}

void disarm_all() {
  std::memset(armed_points, 0, sizeof armed_points);
  manual_control = false;
}

void arm_for_manual_control() {
  initialise();
  for (unsigned id = 0; id < kPointCount; ++id) {
    if (enabled_for_runs[id]) {
      fiu_disable(points()[id].name.data());
      enabled_for_runs[id] = false;
    }
  }
  std::memset(armed_points, 1, sizeof armed_points);
  manual_control = true;
}

}  // namespace pollux::faults

// SPDX-License-Identifier: MIT
//
// Failure points: the named places at which a fault may happen.
//
// Each row of the catalogue (faults/catalogue/faults.toml) is one point with a libfiu name such as
// "posix/io/net/accept4/econnaborted". Whoever models the kernel asks `fails(point)` where the
// row's legality rule holds, and makes the consequences true when the answer is yes. The answer
// comes from libfiu: in a run through an external callback that draws from the run's choices, on
// the real kernel from whatever the user enabled with fiu_enable*(), fiu-run or fiu-ctrl.
//
// Cost: an unarmed point is one load and one branch; libfiu (23 to 32 ns) is asked only when armed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace pollux::faults {

enum class Grade : uint8_t {
  legal,       // Linux does it; made true through the kernel's state.
  documented,  // A man page or POSIX allow it, Linux was not seen to do it; consistent all the
               // same.
  lie,         // No kernel may do it: the call just returns it. Opt-in.
};

// Index into points(); the order is the catalogue's and is part of the build.
using PointId = uint16_t;

struct Point {
  std::string_view name;     // libfiu name: "posix/io/net/accept4/econnaborted"
  std::string_view call;     // man-page name of the call: "accept4"
  std::string_view outcome;  // what it does: "econnaborted", "short", "eagain"
  Grade grade;
  int error;                   // errno value, 0 when the fault is not an error
  std::string_view source;     // man page, section or kernel function
  std::string_view rule;       // when it is legal
  std::string_view follow_up;  // what must be true afterwards
  std::string_view calls;      // all calls it applies to, separated by spaces, `call` first
  std::string_view needs;      // the state in which it can happen at all
};

std::span<const Point> points();

// The point of that libfiu name; null when there is none.
const Point* find_point(std::string_view name);

// One byte per point, non-zero while armed. Indexed by PointId.
extern uint8_t armed_points[];

// Asks libfiu. Called through fails() only.
bool ask_libfiu(PointId);

// Should the fault happen here and now?
inline bool fails(PointId id) {
  return __builtin_expect(armed_points[id] != 0, 0) && ask_libfiu(id);
}

// Decides for a run: returns true when the fault happens. Set by the harness; called with the gate
// closed under libfiu's read lock, so it may neither switch threads nor enable points.
using Decider = bool (*)(PointId);
void set_decider(Decider);

// Arms exactly `ids` in libfiu, deciding through the decider; disarms every other point.
void arm(std::span<const PointId> ids);
void disarm_all();

// Tells the gate about points that the user enabled by hand (fiu_enable*, fiu-run, fiu-ctrl): arms
// all, and takes back what arm() enabled in libfiu. Happens by itself at start-up in a program that
// fiu-run starts.
void arm_for_manual_control();

// True from arm_for_manual_control() until arm() or disarm_all(). The shim then lets the points
// fail on the real kernel as well; never while points are armed for a run.
extern bool manual_control;

}  // namespace pollux::faults

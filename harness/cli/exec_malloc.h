// SPDX-License-Identifier: MIT
#pragma once

namespace pollux::cli {

// True while the harness works although no run is on yet: what is allocated then is its own, too.
// The program's heap must not hang on the plan, or a run would be another one as soon as its plan
// is written down in another way.
extern bool harness_before_run;

}  // namespace pollux::cli

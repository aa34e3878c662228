// SPDX-License-Identifier: MIT
//
// operator new and delete for a subject whose library takes decisions by address.
//
// Asio's strands share a table of mutexes, and which one a strand gets is computed from where
// `new` put it (strand_executor_service::create_implementation). So whether two strands ever block
// each other, and with it the order of everything, would depend on what the process did before and
// on address space randomisation. With this file in the subject's object, its own allocations come
// from one mapping at a fixed place, and each run begins with an empty heap: same run, same
// addresses.
//
// The operators are local to the joined object; the harness and libstdc++.so keep their own. What
// libstdc++.so allocated and the subject frees goes to free(3). The other way round must not be: a
// subject with this heap hands no std::string of its own to the library.
//
// Threads: virtual threads of one run only. Nothing in here is a scheduling point.
#pragma once

namespace pollux::properties {

// Forgets all allocations. At the beginning of the subject.
void reset_fixed_heap();

}  // namespace pollux::properties

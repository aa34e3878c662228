// SPDX-License-Identifier: MIT
//
// The program of the toy suites, as its users would write it: two threads hand over items and keep
// a count. It knows nothing of Pollux.
#pragma once

extern "C" {

struct ToyBox;
ToyBox* toy_new();
void toy_delete(ToyBox*);

// Hand over `rounds` items through a one-place box. The careless producer sets the flag without
// the mutex: its signal may fall between the consumer's look at the flag and its wait.
void toy_produce(ToyBox*, int rounds, bool careless);
void toy_consume(ToyBox*, int rounds);

// Adds `rounds` to the count, one by one; the careless one loads and stores.
void toy_add(ToyBox*, int rounds, bool careless);
int toy_count(ToyBox*);

// Counts one more in a plain number, each of two threads by functions of its own.
void toy_bump_left(ToyBox*);
void toy_bump_right(ToyBox*);

// Makes what the box keeps, unless somebody has; two may do so at once, and one of them is lost.
void toy_keep(ToyBox*);

}  // extern "C"

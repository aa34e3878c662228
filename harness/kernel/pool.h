// SPDX-License-Identifier: MIT
//
// Objects that are used run after run without allocating.
//
// Memory of an object is never given back and never becomes another type, so a late timeline entry
// may still look at it and compare a generation. Whoever takes an object initialises it.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace pollux::kernel {

template <class T>
class Pool {
 public:
  T* take() {
    if (!free_.empty()) {
      T* object = free_.back();
      free_.pop_back();
      return object;
    }
    if (used_ == all_.size()) all_.emplace_back();
    return &all_[used_++];
  }

  void give(T* object) { free_.push_back(object); }

  // Everything is free again. Costs nothing per object.
  void reset() {
    used_ = 0;
    free_.clear();
  }

  // Objects that were taken since reset(), given back or not, in the order of their first use.
  template <class Visit>
  void visit_used(Visit visit) {
    for (size_t i = 0; i < used_; ++i) visit(all_[i]);
  }

 private:
  std::deque<T> all_;
  size_t used_ = 0;
  std::vector<T*> free_;
};

}  // namespace pollux::kernel

// SPDX-License-Identifier: MIT
//
// `pollux compare`: netpoll beside Boost.Asio, one row for each class of workload and fault of the
// profile.

#include <algorithm>

#include "pollux/comparison.h"
#include "suites/compare.h"

namespace pollux::properties {
namespace {

class SubjectComparison final : public Comparison {
 public:
  SubjectComparison() { register_comparison(this); }

  std::string_view name() const override { return "netpoll-asio"; }
  std::string_view description() const override {
    return "the netpoll runtime beside Boost.Asio under the same workloads, faults and seeds";
  }
  std::vector<std::string> columns() const override {
    return {"workload", "fault", "netpoll", "asio", "", "why"};
  }

  std::vector<std::vector<std::string>> rows(const ComparisonRequest& request) const override {
    std::vector<std::string> faults{"none"};
    double rate = 0;
    for (const faults::ProfileFault& fault : request.profile.faults) {
      faults.emplace_back(faults::points()[fault.point].name);
      rate = std::max(rate, fault.rate);
    }
    const std::vector<WorkloadClass> classes = workload_classes();
    const double cells = static_cast<double>(classes.size() * faults.size());

    std::vector<std::vector<std::string>> rows;
    double done = 0;
    for (const WorkloadClass& one_class : classes) {
      for (const std::string& fault : faults) {
        if (request.progress && !request.progress(done++ / cells)) return rows;
        CompareOptions options;
        options.first_seed = request.first_seed;
        options.seeds = static_cast<unsigned>(request.end_seed - request.first_seed);
        if (rate > 0) options.rate = rate;
        options.classes = {one_class.name};
        options.faults = {fault};
        compare(options, [&](const CompareRow& row) {
          rows.push_back({row.workload_class, row.fault, to_string(row.netpoll),
                          to_string(row.asio), row.same ? "same" : "different", row.why});
        });
      }
    }
    return rows;
  }
};

const SubjectComparison comparison;

}  // namespace
}  // namespace pollux::properties

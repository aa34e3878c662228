// SPDX-License-Identifier: MIT
#include "cli/machine_output.h"

#include <cstdio>
#include <fstream>

#include "run/build_info.h"
#include "run/text_code.h"

namespace pollux::cli {
namespace {

using Json = nlohmann::json;

std::string escape_xml(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no way to write the other control characters.
        out += static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

Json notes(const run::SweepTotals& totals) {
  Json runs = Json::object();
  for (size_t n = 0; n < kNoteKinds; ++n) {
    if (totals.note_runs[n] == 0) continue;
    runs[std::string(to_string(static_cast<NoteKind>(n)))] = totals.note_runs[n];
  }
  return runs;
}

Json counts(const run::SweepTotals& totals) {
  Json verdicts = Json::object();
  for (unsigned v = 0; v < std::size(totals.by_verdict); ++v) {
    if (totals.by_verdict[v] == 0) continue;
    verdicts[std::string(to_string(static_cast<Verdict>(v)))] = totals.by_verdict[v];
  }
  return verdicts;
}

}  // namespace

void JsonLines::print(Json json) const {
  if (!on_) return;
  json["v"] = 1;
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void JsonLines::start(const run::SweepRequest& request) const {
  print({{"event", "start"},
         {"suite", std::string(request.suite->name())},
         {"first_seed", std::to_string(request.first)},
         {"end_seed", std::to_string(request.end)},
         {"profile", request.mix->profile.name},
         {"strategy", run::to_string(request.mix->strategy)},
         {"jobs", request.jobs},
         {"build", run::build_id()},
         {"compiler", run::compiler()}});
}

void JsonLines::verdict(const run::SweepRequest& request, const run::SweepFailure& failure,
                        const std::string& token) const {
  print({{"event", "verdict"},
         {"suite", std::string(request.suite->name())},
         {"seed", std::to_string(failure.seed)},
         {"verdict", std::string(to_string(failure.result.verdict))},
         {"property", run::property_of(failure.result)},
         {"reason", failure.result.reason},
         {"workload", failure.plan.workload},
         {"hash", run::hex(failure.result.hash)},
         {"token", token}});
}

void JsonLines::progress(const run::SweepRequest& request, const run::SweepTotals& totals,
                         double share) const {
  print({{"event", "progress"},
         {"suite", std::string(request.suite->name())},
         {"share", share},
         {"runs", std::to_string(totals.runs)},
         {"held", std::to_string(totals.held)}});
}

void JsonLines::summary(const run::SweepRequest& request, const run::SweepTotals& totals,
                        int exit_code) const {
  Json faults = Json::object();
  for (const faults::ProfileFault& fault : request.mix->profile.faults) {
    faults[std::string(faults::points()[fault.point].name)] = totals.fault_counts[fault.point];
  }
  print({{"event", "summary"},
         {"suite", std::string(request.suite->name())},
         {"runs", std::to_string(totals.runs)},
         {"held", std::to_string(totals.held)},
         {"audited", std::to_string(totals.audited)},
         {"peak_mib", std::to_string(totals.peak_mib)},
         {"verdicts", counts(totals)},
         {"points", std::to_string(totals.points)},
         {"calls", std::to_string(totals.calls)},
         {"switches", std::to_string(totals.switches)},
         {"virtual_ns", std::to_string(totals.virtual_ns)},
         {"wall_ns", std::to_string(static_cast<int64_t>(totals.seconds * 1e9))},
         {"distinct", std::to_string(totals.distinct)},
         {"digest", run::hex(totals.digest)},
         {"complete", totals.complete},
         {"faults", faults},
         {"notes", notes(totals)},
         {"exit_code", exit_code}});
}

bool write_junit(const std::string& path, const std::vector<JunitSuite>& suites) {
  std::ofstream file(path);
  file << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const JunitSuite& suite : suites) {
    file << "  <testsuite name=\"pollux." << escape_xml(suite.name) << "\" tests=\""
         << suite.failures.size() + 1 << "\" failures=\"" << suite.failures.size()
         << "\" errors=\"0\" time=\"" << suite.seconds << "\">\n"
         << "    <testcase classname=\"pollux." << escape_xml(suite.name) << "\" name=\""
         << escape_xml(suite.passed) << "\" time=\"" << suite.seconds << "\"/>\n";
    for (const JunitSuite::Failure& failure : suite.failures) {
      file << "    <testcase classname=\"pollux." << escape_xml(suite.name) << "\" name=\""
           << escape_xml(failure.name) << "\">\n"
           << "      <failure type=\"" << escape_xml(failure.verdict) << "\" message=\""
           << escape_xml(failure.message) << "\">" << escape_xml(failure.text) << "</failure>\n"
           << "    </testcase>\n";
    }
    file << "  </testsuite>\n";
  }
  file << "</testsuites>\n";
  file.close();
  return static_cast<bool>(file);
}

}  // namespace pollux::cli

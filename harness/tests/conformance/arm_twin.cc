// SPDX-License-Identifier: MIT
//
// The arm `:twin`: each test is the one thread of a World, on one host.
//
// It is run first with the boring choices, and that pass is what --print shows; then with a few
// seeds, whose packets take their time and whose threads switch anywhere. A fact holds in all of
// them. Nothing fails in these runs, and epoll does not make use of its liberties (order, batches,
// redundant edges): facts about edges are about what Linux does, not about what a program may count
// on.
//
// The ledger lists the tests in which the twin is known to differ from Linux and why. A test that
// is listed has to fail: a row that is no longer true is an error as well.
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

// The library's own exceptions stay off: a malformed ledger is one clear line.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "fact.h"
#include "pollux/world.h"

extern "C" {  // sanitizer/lsan_interface.h; null without a sanitizer
[[gnu::weak]] void __lsan_disable();
[[gnu::weak]] void __lsan_enable();
}

namespace conformance {
namespace {

constexpr uint64_t kSeeds = 8;

std::map<std::string, std::string>& ledger() {
  static std::map<std::string, std::string> rows;
  return rows;
}

// Exits with 2 when the ledger can not be read as one.
void read_ledger(const char* path) {
  toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    std::fprintf(stderr, "%s: %s\n", path, std::string(parsed.error().description()).c_str());
    std::exit(2);
  }
  const toml::array* rows = parsed.table()["deviation"].as_array();
  if (rows == nullptr) return;
  for (const toml::node& row : *rows) {
    const toml::table* fields = row.as_table();
    const char* missing = nullptr;
    std::string test, reason;
    if (fields != nullptr) {
      test = (*fields)["test"].value_or(std::string());
      reason = (*fields)["reason"].value_or(std::string());
    }
    if (test.empty()) missing = "test";
    if (reason.empty()) missing = "reason";
    if (missing != nullptr) {
      std::fprintf(stderr, "%s:%u: a row without `%s`\n", path,
                   static_cast<unsigned>(row.source().begin.line), missing);
      std::exit(2);
    }
    ledger()[test] = reason;
  }
}

// Random choices at the sites that no fact depends on, boring ones elsewhere.
class Unhurried : public pollux::Strategy {
 public:
  explicit Unhurried(uint64_t seed) : random_(pollux::make_random_strategy(seed, {}, 0.0)) {}

  void begin(std::span<uint32_t, pollux::kSitesMax> skip) override {
    namespace site = pollux::site;
    random_->begin(skip);
    for (pollux::Site i = 0; i < pollux::kSitesMax; i++) {
      bool free = i == site::kPoint || i == site::kPick || i == site::kCondWake ||
                  i == site::kFutexWake || i == site::kLockWake || i == site::kNetDelay ||
                  i == site::kSignalThread || i == site::kSignalEntry;
      if (!free) skip[i] = pollux::kNeverAsk;
    }
  }
  pollux::Answer choose(pollux::Actor actor, pollux::Site site, uint32_t ordinal,
                        uint32_t n) override {
    return random_->choose(actor, site, ordinal, n);
  }
  pollux::ThreadAnswer choose_thread(pollux::Actor actor, pollux::Site site, uint32_t ordinal,
                                     uint64_t candidates, pollux::Actor boring) override {
    // Nobody is held up: a fact may count the ticks of a timer.
    candidates &= ~(uint64_t{1} << pollux::kNobody);
    if (candidates == 0) return {boring, 0};
    return random_->choose_thread(actor, site, ordinal, candidates, boring);
  }

 private:
  std::unique_ptr<pollux::Strategy> random_;
};

// What is allocated by this thread meanwhile may leak: a test that is known to stop in the middle
// leaves a thread behind that owns things.
class MayLeak {
 public:
  explicit MayLeak(bool may) : may_(may && __lsan_disable != nullptr) {
    if (may_) __lsan_disable();
  }
  ~MayLeak() {
    if (may_) __lsan_enable();
  }
  MayLeak(const MayLeak&) = delete;
  MayLeak& operator=(const MayLeak&) = delete;

 private:
  bool may_;
};

// One pass; what went wrong with the run itself is a failure on the sheet.
std::shared_ptr<Sheet> run_once(const Body& body, pollux::Strategy& strategy, bool may_stop) {
  MayLeak here(may_stop);
  auto sheet = std::make_shared<Sheet>();
  pollux::RunOptions options;
  options.strategy = &strategy;
  pollux::World world(options);
  world.add_thread("facts", 0, [sheet, &body, may_stop] {
    MayLeak there(may_stop);
    fill_in(*sheet, body);
  });
  const pollux::RunResult result = world.run();
  if (result.verdict != pollux::Verdict::held) {
    sheet->failures.push_back({__FILE__, __LINE__,
                               "the run ended with " + std::string(to_string(result.verdict)) +
                                   ": " + result.reason + "\n" + result.details});
    static std::vector<std::shared_ptr<Sheet>> kept;  // whoever was left behind may write on it
    kept.push_back(sheet);
  }
  return sheet;
}

}  // namespace

void run_on_arm(const std::string& test, const Body& body) {
  auto boring = pollux::make_replay_strategy({});
  auto row = ledger().find(test);
  bool listed = row != ledger().end();
  std::shared_ptr<Sheet> sheet = run_once(body, *boring, listed);
  if (listed) {
    report(test, *sheet, /*as_gtest_failures=*/false);
    EXPECT_FALSE(sheet->failures.empty())
        << "the ledger says that the twin differs here (" << row->second << "), but it does not";
    return;
  }
  report(test, *sheet, /*as_gtest_failures=*/true);
  for (uint64_t seed = 1; seed <= kSeeds && sheet->failures.empty(); seed++) {
    Unhurried unhurried(seed);
    sheet = run_once(body, unhurried, false);
    SCOPED_TRACE("seed " + std::to_string(seed));
    report_failures(*sheet);
  }
}

}  // namespace conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  conformance::take_print_flag(&argc, argv);
  conformance::read_ledger(POLLUX_DEVIATIONS);
  signal(SIGPIPE, SIG_IGN);
  int result = RUN_ALL_TESTS();
  std::printf("conformance:twin: %zu facts checked\n", conformance::facts_checked());
  return result;
}

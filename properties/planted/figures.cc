// SPDX-License-Identifier: MIT
//
// pollux_mutants: how many runs, and how much processor time, each strategy needs for each planted
// bug. `ci/mutants` builds and starts it; README.md keeps the table.
//
// A strategy looks for a bug from each of several base seeds, which are far apart. A cell is the
// median of those searches; where more than half of them ended without the bug, it says so. explore
// has no seed: one search. Where no strategy has the bug in time, the one that bugs.txt names looks
// again, for as long as a conviction may take.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "planted/planted.h"
#include "planted/search.h"
#include "run/child.h"

namespace pollux::properties {
namespace {

constexpr double kConvictedWithin = 60;  // seconds of one core
constexpr uint64_t kSeedsApart = 1'000'000;

struct Options {
  std::string bugs;
  std::vector<std::string> strategies = {"random", "pct:3", "pos",         "active",
                                         "surw",   "walk",  "round-robin", "explore"};
  unsigned seeds = 20;
  uint64_t runs = 10'000;
  unsigned seconds = 10;
  unsigned preemptions = 3;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  bool json = false, markdown = false;
  bool real_threads = false;

  run::Overrides overrides() const {
    return real_threads ? run::Overrides{{"real_threads", 1}} : run::Overrides{};
  }
};

struct Cell {
  std::string strategy;
  bool applies = true;
  unsigned found = 0, searches = 0;
  bool is_found = false;   // in the median
  bool complete = false;   // explore
  uint64_t runs = 0;       // median; not found: of the longest search
  double seconds = 0;      // likewise
  std::string unexpected;  // a verdict that the bug is not known for
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Cell, strategy, applies, found, searches, is_found, complete,
                                   runs, seconds, unexpected)

// Others have a workload of their own for each seed, far too large to be explored.
bool is_protocol(const PlantedBug& bug) { return bug.suite->workload(0) == bug.suite->workload(1); }

Cell explored(const PlantedBug& bug, const Options& options) {
  Cell cell;
  cell.strategy = "explore";  // in weak memory, if that is what shows the bug
  const bool weak = std::string_view(bug.strategy) == "weak";
  const auto within = is_exhaustive(bug.strategy) ? static_cast<unsigned>(bug.within) : 0u;
  cell.applies = is_protocol(bug);
  if (!cell.applies) return cell;
  SearchResult result = search({.suite = bug.suite,
                                .strategy = weak ? "weak" : "explore",
                                .profile = bug.profile,
                                .preemptions = std::max(options.preemptions, within),
                                .overrides = options.overrides(),
                                .budget = std::chrono::seconds(6 * options.seconds)});
  cell.searches = 1;
  cell.found = cell.is_found = result.failure.has_value();
  cell.complete = result.complete;
  cell.runs = result.runs;
  cell.seconds = result.seconds;
  if (result.failure && !bug.convicted_by(*result.failure))
    cell.unexpected = result.failure->reason;
  return cell;
}

Cell drawn(const PlantedBug& bug, const std::string& strategy, const Options& options) {
  Cell cell;
  cell.strategy = strategy;
  cell.applies = !bug.equivalent();
  if (!cell.applies) return cell;
  std::vector<std::pair<uint64_t, double>> found;
  uint64_t longest = 0;
  double most = 0;
  for (unsigned i = 0; i < options.seeds; ++i) {
    SearchResult result = search({.suite = bug.suite,
                                  .strategy = strategy,
                                  .profile = bug.profile,
                                  .overrides = options.overrides(),
                                  .first_seed = i * kSeedsApart,
                                  .runs_max = options.runs,
                                  .budget = std::chrono::seconds(options.seconds)});
    ++cell.searches;
    if (result.failure) {
      if (!bug.convicted_by(*result.failure)) cell.unexpected = result.failure->reason;
      found.emplace_back(result.runs, result.seconds);
    } else {
      longest = std::max(longest, result.runs);
      most = std::max(most, result.seconds);
      // The median is past what can be found.
      if (2 * (cell.searches - found.size()) > options.seeds) break;
    }
  }
  cell.found = static_cast<unsigned>(found.size());
  const size_t middle = options.seeds / 2;
  cell.is_found = found.size() > middle;
  std::sort(found.begin(), found.end());
  cell.runs = cell.is_found ? found[middle].first : longest;
  cell.seconds = cell.is_found ? found[middle].second : most;
  return cell;
}

struct Row {
  const PlantedBug* bug;
  std::vector<Cell> cells;

  // By at least one strategy, of what it is known for, in time.
  bool is_well() const {
    bool convicted = bug->equivalent() || bug->open;
    for (const Cell& cell : cells) {
      if (!cell.unexpected.empty()) return false;
      if (bug->equivalent() && cell.is_found) return false;
      convicted |= cell.is_found && cell.seconds <= kConvictedWithin;
    }
    return convicted;
  }
};

std::string to_text(double seconds) {
  char text[32];
  if (seconds < 0.9995) {
    std::snprintf(text, sizeof text, "%.0f ms", std::max(1.0, seconds * 1e3));
  } else {
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  }
  return text;
}

std::string to_text(const Cell& cell) {
  if (!cell.applies) return "-";
  if (!cell.unexpected.empty()) return "unexpected: " + cell.unexpected;
  if (cell.is_found) return std::to_string(cell.runs) + " / " + to_text(cell.seconds);
  if (cell.complete) return "held, all " + std::to_string(cell.runs);
  return "missed in " + std::to_string(cell.runs);
}

std::string to_json(const Row& row) {
  nlohmann::json json = {{"suite", row.bug->suite->name()},
                         {"bug", row.bug->bug},
                         {"id", row.bug->id},
                         {"file", row.bug->file},
                         {"description", row.bug->description},
                         {"equivalent", row.bug->equivalent()},
                         {"well", row.is_well()},
                         {"cells", row.cells}};
  return json.dump();
}

void print_table(const std::vector<Row>& rows, const Options& options) {
  std::vector<std::vector<std::string>> table;
  table.push_back({"suite", "id"});
  table[0].insert(table[0].end(), options.strategies.begin(), options.strategies.end());
  for (const Row& row : rows) {
    table.push_back({std::string(row.bug->suite->name()), row.bug->id});
    for (const Cell& cell : row.cells) table.back().push_back(to_text(cell));
  }
  std::vector<size_t> widths(table[0].size(), 0);
  for (const auto& line : table)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  const char* bar = options.markdown ? "| " : "";
  const char* between = options.markdown ? " | " : "  ";
  for (size_t n = 0; n < table.size(); ++n) {
    std::string text = bar;
    for (size_t i = 0; i < table[n].size(); ++i) {
      std::string cell =
          i == 0 && n > 0 && options.markdown ? "`" + table[n][i] + "`" : table[n][i];
      if (!options.markdown) cell.resize(widths[i], ' ');
      text += cell + (i + 1 < table[n].size() ? between : options.markdown ? " |" : "");
    }
    text.erase(text.find_last_not_of(' ') + 1);
    std::puts(text.c_str());
    if (n == 0 && options.markdown) {
      std::string rule = "|";
      for (size_t i = 0; i < widths.size(); ++i) rule += "---|";
      std::puts(rule.c_str());
    }
  }
}

// Rows are worked on by several processes: one that has run a World in it is not to be trusted with
// another's figures, and time is counted by process. Each takes the next row until none is left.
class Workers {
 public:
  Workers(std::vector<Row>& rows, const Options& options)
      : rows_(rows), options_(options), next_(*memory_.as<std::atomic<size_t>>()) {}

  // Calls `done` with each row that is complete, in the order in which they become so. False: a
  // worker died.
  bool run(const std::function<void(const Row&)>& done) {
    int channel[2];
    if (::pipe(channel) != 0) return false;
    for (unsigned i = 0; i < options_.jobs; ++i) {
      if (::fork() == 0) {
        ::close(channel[0]);
        work(channel[1]);
        ::_exit(0);
      }
    }
    ::close(channel[1]);
    std::FILE* lines = ::fdopen(channel[0], "r");
    char* line = nullptr;
    size_t size = 0, count = 0;
    while (::getline(&line, &size, lines) > 0) {
      nlohmann::json json = nlohmann::json::parse(line);
      Row& row = rows_[json["row"].get<size_t>()];
      row.cells = json["cells"].get<std::vector<Cell>>();
      ++count;
      done(row);
    }
    std::free(line);
    std::fclose(lines);
    while (::wait(nullptr) > 0) {
    }
    return count == rows_.size();
  }

 private:
  std::vector<Cell> cells_of(const PlantedBug& bug) const {
    std::vector<Cell> cells;
    bool convicted = bug.equivalent() || bug.open;
    for (const std::string& strategy : options_.strategies) {
      cells.push_back(strategy == "explore" ? explored(bug, options_)
                                            : drawn(bug, strategy, options_));
      convicted |= cells.back().is_found;
    }
    if (convicted) return cells;
    Options patient = options_;
    patient.seconds = static_cast<unsigned>(kConvictedWithin);
    patient.runs = std::max<uint64_t>(options_.runs, bug.within);
    for (Cell& cell : cells)
      if (cell.strategy == bug.strategy) cell = drawn(bug, cell.strategy, patient);
    return cells;
  }

  void work(int channel) {
    for (size_t i; (i = next_.fetch_add(1)) < rows_.size();) {
      const std::string line =
          nlohmann::json{{"row", i}, {"cells", cells_of(*rows_[i].bug)}}.dump() + "\n";
      if (::write(channel, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        ::_exit(1);
    }
  }

  run::SharedMemory memory_{sizeof(std::atomic<size_t>)};
  std::vector<Row>& rows_;
  const Options& options_;
  std::atomic<size_t>& next_;
};

int usage(const std::string& message) {
  std::fprintf(stderr, "pollux_mutants: %s\n", message.c_str());
  return exit_code::kUsage;
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "How many runs, and how much processor time, each strategy needs for each planted bug.");
  app.add_option("--bugs", options.bugs, "only suites whose name contains TEXT")->type_name("TEXT");
  app.add_option("--strategies", options.strategies, "which, comma between")
      ->delimiter(',')
      ->type_name("NAMES");
  app.add_option("--seeds", options.seeds, "searches by each strategy, 20")
      ->check(CLI::Range(1u, 1000u));
  app.add_option("--runs", options.runs, "of each search at most, 10000")
      ->check(CLI::Range(1u, 1000000u));
  app.add_option("--seconds", options.seconds,
                 "of each search at most, 10; explore has six times as many")
      ->check(CLI::Range(1u, 3600u));
  app.add_option("--preemptions", options.preemptions, "of explore, 3")->check(CLI::Range(0u, 10u));
  app.add_option("--jobs", options.jobs, "processes, one per core")->check(CLI::Range(1u, 1024u));
  app.add_flag("--real-threads", options.real_threads, "on OS threads that take turns");
  app.add_flag("--json", options.json, "one JSON object a line, as they become known");
  app.add_flag("--markdown", options.markdown, "the table as README.md has it");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return exit_code::kHeld;
  } catch (const CLI::ParseError& error) {
    return usage(error.what());
  }
  for (const std::string& strategy : options.strategies) {
    if (std::string message = check_strategy(strategy); !message.empty()) return usage(message);
  }

  std::vector<Row> rows;
  for (const PlantedBug& bug : planted_bugs()) {
    if (bug.suite->name().find(options.bugs) != std::string_view::npos) rows.push_back({&bug, {}});
  }
  if (rows.empty()) return usage("no planted bug's suite has '" + options.bugs + "' in its name");
  size_t done = 0;
  bool all_well = true;
  const bool complete = Workers(rows, options).run([&](const Row& row) {
    ++done;
    all_well &= row.is_well();
    if (options.json) {
      std::puts(to_json(row).c_str());
      std::fflush(stdout);
    }
    std::fprintf(stderr, "%zu/%zu %s%s\n", done, rows.size(),
                 std::string(row.bug->suite->name()).c_str(), row.is_well() ? "" : ": NOT WELL");
  });
  if (!complete) {
    std::fputs("pollux_mutants: a worker died; its row is missing\n", stderr);
    return exit_code::kInternal;
  }
  if (!options.json) print_table(rows, options);
  return all_well ? exit_code::kHeld : exit_code::kViolation;
}

}  // namespace
}  // namespace pollux::properties

int main(int argc, char** argv) { return pollux::properties::main(argc, argv); }

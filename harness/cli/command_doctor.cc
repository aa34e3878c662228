// SPDX-License-Identifier: MIT
//
// doctor: what this machine and this build can do, and what becomes of a program's calls in a run.
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/elf_imports.h"
#include "cli/exec_launch.h"
#include "cli/exec_suite.h"
#include "cli/report.h"
#include "kernel/kernel.h"
#include "pollux/comparison.h"
#include "pollux/faults/profile.h"
#include "pollux/shim/symbols.h"
#include "run/build_info.h"

namespace pollux::cli {
namespace {

class DoctorCommand final : public Command {
 public:
  const char* name() const override { return "doctor"; }
  const char* summary() const override {
    return "what this machine can do, and what a run does with a program's calls";
  }
  const char* usage() const override { return "doctor [BINARY]"; }
  const char* examples() const override {
    return "  pollux doctor                            this machine and this build\n"
           "  pollux doctor ./server                   the functions that it and its libraries "
           "import\n"
           "  pollux doctor --escapes -- ./server 7000 runs it, and names each system call that "
           "went\n"
           "                                           past the shim\n";
  }
  void add_flags(CLI::App& app) override {
    app.add_option("BINARY", binary_, "a program or a shared library");
    app.add_flag("--all", all_, "with BINARY: also the functions that are libc's own in a run");
    app.add_flag("--escapes", escapes_, "run the program behind '--' under a seccomp trap");
    app.add_option("--client", clients_, "with --escapes: as for pollux exec")
        ->allow_extra_args(false);
  }
  bool takes_program() const override { return true; }

  int run(const std::vector<std::string>& program) override {
    if (escapes_) return find_escapes(program);
    if (!program.empty() || !clients_.empty())
      throw UsageError{"pollux doctor: a program behind '--' and --client belong to --escapes"};
    if (!binary_.empty()) return list_imports();
    return describe_machine();
  }

 private:
  static int describe_machine() {
    utsname system{};
    ::uname(&system);
    line("system", std::string(system.sysname) + " " + system.release + " " + system.machine +
                       ", " + std::to_string(std::thread::hardware_concurrency()) + " processors");
    line("build",
         run::build_id() + ", " + run::compiler() +
             (run::build_id() == "none" ? " (link with --build-id: tokens can not be checked)"
                                        : ""));
#if defined(__x86_64__)
    constexpr unsigned long kFsgsbase = 2;  // HWCAP2_FSGSBASE
    bool fast = (::getauxval(AT_HWCAP2) & kFsgsbase) != 0;
    line("FSGSBASE", fast ? "yes: a thread switch sets its TLS in one instruction"
                          : "no: each thread switch costs a system call");
#endif
    std::string randomize = "?";
    std::ifstream("/proc/sys/kernel/randomize_va_space") >> randomize;
    bool fixed = (::personality(0xFFFFFFFF) & ADDR_NO_RANDOMIZE) != 0;
    line("ASLR", fixed ? "off for this process"
                 : randomize == "0"
                     ? "off"
                     : "on (randomize_va_space " + randomize + "); runs do not depend on it");
    line("libfiu", std::to_string(faults::points().size()) + " failure points, " +
                       std::to_string(faults::built_in_profiles().size()) + " built-in profiles");
    line("descriptors", limit(RLIMIT_NOFILE) + " (a run keeps the real ones below 64)");
    line("stack", limit(RLIMIT_STACK) + " bytes");
    line("processes", limit(RLIMIT_NPROC));
    std::string library = preload_library();
    line("exec", library.empty()
                     ? "libpollux.so was not found next to this binary: pollux exec can not work"
                     : library + ", build " + run::build_id_of_file(library));
    line("suites", std::to_string(suites().size() - (find_suite(kExecSuite) != nullptr)) +
                       ", comparisons " + std::to_string(comparisons().size()));
    return exit_code::kHeld;
  }

  // Each imported function by what becomes of it in a run.
  int list_imports() const {
    std::string path = find_program(binary_);
    if (path.empty()) path = binary_;  // a library need not be executable
    if (imported_functions(path).empty())
      throw UsageError{"pollux doctor: '" + binary_ + "' is no ELF file that imports functions"};
    const std::string library = preload_library();
    if (library.empty()) throw UsageError{"pollux doctor: libpollux.so is not there"};

    const std::vector<std::string> taken = exported_functions(library);
    std::set<std::string> refused;
    for (const shim::Symbol& symbol : shim::symbols()) {
      const bool ends_run =
          symbol.kind == shim::SymbolKind::modelled && !kernel::is_modelled(symbol.number);
      if (ends_run || symbol.kind == shim::SymbolKind::refused) refused.emplace(symbol.name);
    }
    // Function to the file that wants it first.
    std::map<std::string, std::string> modelled, unmodelled, real;
    for (const std::string& file : loaded_files(path)) {
      for (const std::string& function : imported_functions(file)) {
        bool ours = std::binary_search(taken.begin(), taken.end(), function);
        auto& kind = !ours ? real : refused.count(function) != 0 ? unmodelled : modelled;
        kind.emplace(function, file.substr(file.rfind('/') + 1));
      }
    }
    print("modelled", "the twin, the explorer or the shim answers", modelled, false);
    print("refused", "a run ends when it is called", unmodelled, true);
    if (all_) {
      print("forwarded", "another library's or libc's own, as outside of a run", real, false);
    } else {
      line("forwarded", std::to_string(real.size()) +
                            " functions of other libraries and of libc, as "
                            "outside of a run (--all names them)");
    }
    return exit_code::kHeld;
  }

  static void print(const char* what, const char* meaning,
                    const std::map<std::string, std::string>& functions, bool with_file) {
    line(what, std::to_string(functions.size()) + " functions: " + meaning);
    std::string row;
    auto flush = [&row] {
      if (!row.empty()) std::printf("            %s\n", row.c_str());
      row.clear();
    };
    for (const auto& [name, file] : functions) {
      std::string word = with_file ? name + " (" + file + ")" : name;
      if (row.size() + word.size() > 86) flush();
      row += " " + word;
    }
    flush();
  }

  // One run without faults; what it says itself goes to the terminal.
  int find_escapes(const std::vector<std::string>& program) const {
    if (program.empty())
      throw UsageError{"pollux doctor --escapes: which program? Put it behind '--'"};
    std::vector<ClientGroup> clients;
    for (const std::string& client : clients_) clients.push_back(parse_client(client));
    const std::string workload = exec_workload(program, std::move(clients));
    const run::Plan plan{
        find_suite(kExecSuite), workload, run::Drawn{0, mix_named("random", "calm")}, {}};
    ExecRunner runner(/*show_output=*/true);
    runner.trap_escapes();
    const RunResult result = runner.run(plan);
    std::fputs(runner.escapes().c_str(), stdout);
    if (result.verdict != Verdict::held) {
      std::printf("the run ended early: %s\n", result.reason.c_str());
      return exit_code_of(result.verdict);
    }
    if (!runner.escapes().empty()) return exit_code::kViolation;
    std::printf("nothing went past the shim\n");
    return exit_code::kHeld;
  }

  static void line(const char* what, const std::string& text) {
    std::printf("%-12s %s\n", what, text.c_str());
  }
  static std::string limit(int resource) {
    rlimit value{};
    ::getrlimit(static_cast<__rlimit_resource>(resource), &value);
    auto one = [](rlim_t v) {
      return v == RLIM_INFINITY ? std::string("unlimited") : std::to_string(v);
    };
    return one(value.rlim_cur) + " of " + one(value.rlim_max);
  }
  std::string binary_;
  std::vector<std::string> clients_;
  bool all_ = false, escapes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() { return std::make_unique<DoctorCommand>(); }

}  // namespace pollux::cli

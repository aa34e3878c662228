// SPDX-License-Identifier: MIT
//
// `pollux exec`: any program is a run.
#include <sched.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "command_line.h"

namespace pollux::testing {
namespace {

class ExecTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
  }

  Ended exec(const std::string& how, const std::string& seed = "7") {
    return pollux({"exec", "--seed", seed, "--", EXEC_PROGRAM, how});
  }

  // The verdict with its hash on the last line of stderr; the failure, when it is one, replays.
  void expect(const std::string& how, int code, const std::string& verdict,
              const std::string& property) {
    Ended ended = exec(how);
    EXPECT_EQ(ended.code, code) << how << ended.out << ended.err;
    std::smatch match;
    std::string line = last_line(ended.err);
    ASSERT_TRUE(std::regex_match(
        line, match,
        std::regex("pollux: seed 7 verdict ([a-z-]+) hash ([0-9a-f]{16}) calls ([0-9]+)")))
        << how << ended.err;
    EXPECT_EQ(match[1], verdict) << how;
    EXPECT_GE(std::stoi(match[3]), 3) << how;
    if (code == 0) return;
    EXPECT_NE(ended.out.find("(" + property + ") in exec, seed 7"), std::string::npos)
        << how << ended.out;
    Ended replayed = pollux({"replay", token_of(ended), "--times", "5"});
    EXPECT_NE(replayed.out.find("5 of 5 runs: verdict " + verdict + ", hash " + match[2].str()),
              std::string::npos)
        << how << replayed.out << replayed.err;
  }
};

TEST_F(ExecTest, TheVerdictIsHowTheProgramEnds) {
  expect("", 0, "held", "");
  expect("status", 1, "violation", "exit status 3");
  expect("exit", 1, "violation", "exit status 4");
  expect("_exit", 1, "violation", "exit status 5");
  expect("abort", 1, "crash", "SIGABRT");
  expect("segv", 1, "crash", "SIGSEGV");
}

TEST_F(ExecTest, AJudgeEndsTheProgram) {
  Ended ended = exec("deadlock");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("deadlock in exec"), std::string::npos) << ended.out;
  EXPECT_NE(last_line(ended.err).find("verdict deadlock"), std::string::npos) << ended.err;
  Ended again = pollux({"replay", token_of(ended)});
  EXPECT_EQ(last_line(again.err), last_line(ended.err));
  EXPECT_EQ(pollux({"shrink", token_of(ended)}).code, 1);
}

TEST_F(ExecTest, ALoopWithoutCallsIsEndedWhenTheUserWishes) {
  for (const char* seeds : {"--seed=7", "--seeds=7..8"}) {
    Ended ended = pollux({"exec", seeds, "--stuck", "1s", "--", EXEC_PROGRAM, "loop"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_NE(ended.out.find("stuck: no end after 1 s of real time"), std::string::npos)
        << ended.out << ended.err;
  }
}

TEST_F(ExecTest, AProgramThatEatsAllMemoryIsKilled) {
  for (const char* seeds : {"--seed=7", "--seeds=7..8"}) {
    Ended ended = pollux({"exec", seeds, "--memory-max", "200", "--", EXEC_PROGRAM, "eats"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_NE(ended.out.find("memory: 200 MiB in use, killed"), std::string::npos)
        << ended.out << ended.err;
  }
}

TEST_F(ExecTest, WhatIsRefusedIsToldByNameBeforeAndInARun) {
  const std::string listed = pollux({"doctor", EXEC_PROGRAM}).out;
  const size_t refused = listed.find("\nrefused");
  ASSERT_NE(refused, std::string::npos) << listed;
  EXPECT_NE(listed.find("inotify_init1", refused), std::string::npos) << listed;
  EXPECT_EQ(listed.find(" closefrom", refused), std::string::npos) << listed;
  Ended ended = pollux({"exec", "--seed", "7", "--", EXEC_PROGRAM, "watches"});
  EXPECT_EQ(ended.code, 5) << ended.out;
  EXPECT_NE(ended.out.find("reason:   inotify_init1"), std::string::npos) << ended.out;
}

TEST_F(ExecTest, TheProgramRunsOnTheTwinAndSeesNoPreload) {
  Ended ended = exec("");
  EXPECT_NE(ended.out.find("descriptor 64, preload ''"), std::string::npos) << ended.out;
}

// What libc would give a library that looks a function up is a way around the run. A wrapper must
// get it all the same, or it would come back to itself.
TEST_F(ExecTest, LookingAFunctionUpFindsOurs) {
  Ended ended = pollux({"exec", "--seed", "7", "--stuck", "5s", "--", EXEC_LIBRARY_USER});
  EXPECT_NE(ended.out.find("thread +1, process 4000000, file open after 1, 1 is 3\n"),
            std::string::npos)
      << ended.out << ended.err;
}

// An allocator that had its arenas by the real ones would make other runs on each machine.
TEST_F(ExecTest, ALibraryThatIsLoadedSeesTheRunsProcessors) {
  cpu_set_t mine, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof mine, &mine), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &mine)) CPU_SET(cpu, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  Ended ended = pollux({"exec", "--seed", "7", "--", EXEC_LIBRARY_USER});
  ::sched_setaffinity(0, sizeof mine, &mine);
  EXPECT_NE(ended.out.find("4 processors at first"), std::string::npos) << ended.out << ended.err;
}

TEST_F(ExecTest, AnAuditAtOtherAddressesShowsWhatHangsOnThem) {
  auto audit = [](const char* flag, const std::string& how) {
    return pollux({"exec", "--seeds", "0..1", flag, "--", EXEC_PROGRAM, how});
  };
  EXPECT_EQ(audit("--audit-addresses", "heap").code, 0);
  for (const char* kind : {"stack", "heap", "mapping"}) {
    const std::string how = std::string(kind) + " address";
    EXPECT_EQ(audit("--audit", how).code, 0) << how;
    Ended ended = audit("--audit-addresses", how);
    EXPECT_EQ(ended.code, 3) << how << ended.out << ended.err;
    EXPECT_NE(ended.out.find("a second run at other addresses is held"), std::string::npos)
        << how << ended.out;
    EXPECT_NE(ended.out.find("first divergent step: "), std::string::npos) << how << ended.out;
  }
}

TEST_F(ExecTest, ASweepTakesOneProcessPerSeedAndHasADigest) {
  auto digest = [](const std::string& jobs) {
    Ended ended =
        pollux({"exec", "--seeds", "0..30", "--jobs", jobs, "--audit", "--", EXEC_PROGRAM});
    EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("exec: 30 seeds: 30 held"), std::string::npos) << ended.out;
    return last_line(ended.out);
  };
  EXPECT_EQ(digest("1"), digest("2"));
}

// Their self-pipes and handlers are the library's; the signals are the twin's.
TEST_F(ExecTest, EventLoopsWaitForSignals) {
  std::istringstream programs(EXEC_SIGNAL_PROGRAMS);
  for (std::string program; programs >> program;) {
    Ended ended = pollux({"exec", "--seeds", "0..100", "--audit", "--", program});
    EXPECT_EQ(ended.code, 0) << program << ended.out << ended.err;
    EXPECT_NE(ended.out.find("exec: 100 seeds: 100 held"), std::string::npos) << ended.out;
  }
}

TEST_F(ExecTest, ASignalThatKillsIsNamed) {
  Ended ended = exec("term");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("killed by SIGTERM"), std::string::npos) << ended.out;
  ended = exec("sigpipe");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("killed by SIGPIPE: write to unix"), std::string::npos) << ended.out;
}

// The process's number, the machine, and the environment, by which a stack moves.
TEST_F(ExecTest, HiddenInputsAreTheTwins) {
  Ended first = exec("who"), files = exec("proc");
  EXPECT_NE(first.out.find("4000000 of 1 on host0 6.1.0"), std::string::npos) << first.out;
  EXPECT_NE(first.out.find("host0, group 4000000, session 1"), std::string::npos) << first.out;
  EXPECT_EQ(files.code, 0) << files.out << files.err;
  EXPECT_NE(files.out.find("4000000 (cli_exec_progra) R 1 4000000"), std::string::npos)
      << files.out;
  EXPECT_NE(files.out.find("MemTotal:        8388608 kB"), std::string::npos) << files.out;
  for (const char* more : {"", "x", "a longer text, of another number of words"}) {
    ::setenv("SOMETHING_ELSE", more, 1);
    EXPECT_EQ(exec("who").out, first.out);
    EXPECT_EQ(exec("proc").out, files.out);
  }
  ::unsetenv("SOMETHING_ELSE");
}

TEST_F(ExecTest, AFileOfProcThatTheTwinDoesNotHaveIsRefusedByName) {
  Ended ended = exec("interrupts");
  EXPECT_EQ(ended.code, 5) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("open of /proc/interrupts"), std::string::npos) << ended.out;
}

TEST_F(ExecTest, AHeapForTheProgramAndOneForTheHarness) {
  Ended ended = pollux({"exec", "--seeds", "0..20", "--audit", "--", EXEC_PROGRAM, "heap"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
}

TEST_F(ExecTest, TheDoctorTellsWhatBecomesOfEachImport) {
  Ended ended = pollux({"doctor", EXEC_PROGRAM});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  size_t modelled = ended.out.find("modelled "), refused = ended.out.find("refused ");
  size_t thread = ended.out.find(" pthread_create"), pair = ended.out.find(" socketpair");
  EXPECT_TRUE(modelled < pair && pair < refused) << ended.out;
  EXPECT_TRUE(modelled < thread && thread < refused) << ended.out;
  EXPECT_EQ(ended.out.find(" printf"), std::string::npos) << ended.out;
  EXPECT_NE(pollux({"doctor", EXEC_PROGRAM, "--all"}).out.find(" printf"), std::string::npos);

  // Its name is nobody's affair, a shell's least of all.
  std::filesystem::path copy = std::filesystem::path(::testing::TempDir()) / "it's \"a\" $copy";
  std::filesystem::copy_file(EXEC_PROGRAM, copy, std::filesystem::copy_options::overwrite_existing);
  Ended copied = pollux({"doctor", copy});
  EXPECT_EQ(copied.out.substr(0, refused), ended.out.substr(0, refused));
  std::filesystem::remove(copy);

  // That one is refused when it is called, and by the same name.
  EXPECT_NE(ended.out.find(" system (cli_exec_program)", refused), std::string::npos) << ended.out;
  Ended called = exec("shell");
  EXPECT_EQ(called.code, 5) << called.out << called.err;
  EXPECT_NE(called.out.find("  reason:   system is not modelled"), std::string::npos) << called.out;

  EXPECT_EQ(pollux({"doctor", "/etc/passwd"}).code, 2);
  EXPECT_EQ(pollux({"doctor", "--", EXEC_PROGRAM}).code, 2);
}

#if defined(__x86_64__)
TEST_F(ExecTest, TheDoctorNamesWhatWentPastTheShim) {
  Ended clean = pollux({"doctor", "--escapes", "--", EXEC_PROGRAM});
  EXPECT_EQ(clean.code, 0) << clean.out << clean.err;
  EXPECT_NE(clean.out.find("nothing went past the shim"), std::string::npos) << clean.out;

  Ended ended = pollux({"doctor", "--escapes", "--", EXEC_PROGRAM, "inline"});
  EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("getppid from cli_exec_program ("), std::string::npos) << ended.out;

  Ended threaded = pollux({"doctor", "--escapes", "--", EXEC_PROGRAM, "real thread"});
  EXPECT_EQ(threaded.code, 1) << threaded.out << threaded.err;
  EXPECT_NE(threaded.out.find("thread cli_exec_progra beside the run"), std::string::npos)
      << threaded.out;
}
#endif

TEST_F(ExecTest, AStaticProgramIsRefused) {
  Ended ended = pollux({"exec", "--", EXEC_STATIC_PROGRAM});
  EXPECT_EQ(ended.code, 2);
  EXPECT_NE(ended.err.find("no dynamically linked program"), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace pollux::testing

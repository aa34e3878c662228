// SPDX-License-Identifier: MIT
// A test runner of Debian's Check, which gives each case a process of its own, a process group, a
// pipe of files and a timer for its time. It knows nothing of Pollux; the same lines must come out
// on Linux and on the twin: check_runner.expected.
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(passes) {
  int pair[2];
  char byte = 0;
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ck_assert_int_eq(write(pair[0], "x", 1), 1);
  ck_assert_int_eq(read(pair[1], &byte, 1), 1);
}
END_TEST

START_TEST(fails) { ck_assert_int_eq(1, 2); }
END_TEST

START_TEST(aborts) { abort(); }
END_TEST

START_TEST(crashes_as_wanted) { raise(SIGSEGV); }
END_TEST

START_TEST(exits_as_wanted) { exit(3); }
END_TEST

START_TEST(takes_its_time) { usleep(100 * 1000); }
END_TEST

START_TEST(hangs) {
  for (;;) pause();
}
END_TEST

int main(void) {
  TCase* cases = tcase_create("cases");
  tcase_set_timeout(cases, 0.5);
  tcase_add_test(cases, passes);
  tcase_add_test(cases, fails);
  tcase_add_test(cases, aborts);
  tcase_add_test_raise_signal(cases, crashes_as_wanted, SIGSEGV);
  tcase_add_exit_test(cases, exits_as_wanted, 3);
  tcase_add_test(cases, takes_its_time);
  tcase_add_test(cases, hangs);
  Suite* suite = suite_create("suite");
  suite_add_tcase(suite, cases);
  SRunner* runner = srunner_create(suite);
  srunner_run_all(runner, CK_SILENT);
  TestResult** results = srunner_results(runner);
  for (int i = 0; i < srunner_ntests_run(runner); ++i) {
    static const char* const kinds[] = {"?", "passed", "failed", "error"};
    printf("%-18s %s: %s\n", tr_tcname(results[i]), kinds[tr_rtype(results[i]) & 3],
           tr_msg(results[i]));
  }
  free(results);
  srunner_free(runner);
}

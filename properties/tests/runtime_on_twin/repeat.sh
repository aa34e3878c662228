#!/usr/bin/env bash
# repeat.sh POLLUX TEST-PROGRAM [TIMES [SEEDS]]: all tests that run on the twin, in one process, shuffled anew each of TIMES
# times (100), once for each of SEEDS (0..2). A seed decides the twin's choices and the order of the tests.
set -euo pipefail
pollux=$1 program=$2 times=${3:-100} seeds=${4:-0..2}
excluded=$(awk '!/^#/ && NF { printf "%s%s", separator, $1; separator = ":" }' "$(dirname "$0")/excluded.txt")
export NETPOLL_REST=60
for ((seed = ${seeds%..*}; seed < ${seeds#*..}; ++seed)); do
  "$pollux" exec --seeds $seed..$((seed + 1)) --jobs 1 --stuck 10h --quiet --db "$(mktemp -u)" \
    --set calls_max=10000000000 --set points_max=100000000000 --set virtual_time_max_ns=1000000000000000000 -- \
    "$program" "--gtest_filter=-$excluded" "--gtest_repeat=$times" --gtest_shuffle --gtest_random_seed=$((seed + 1)) --gtest_brief=1
done

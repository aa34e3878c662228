#!/usr/bin/env bash
# on_twin.sh POLLUX TEST-PROGRAM ARGUMENTS...: the program on the twin, under a few seeds. What the program lists it lists itself.
set -euo pipefail
pollux=$1
shift
for argument in "$@"; do
  if [[ $argument == --gtest_list_tests ]]; then exec "$@"; fi
done
exec "$pollux" exec --seeds 0..4 --jobs 1 --quiet --db "$(mktemp -u)" -- "$@"

#!/usr/bin/env bash
# same_output.sh EXPECTED PROGRAM [POLLUX SEEDS]: what the program prints is EXPECTED, run as it is, or on the twin under that many seeds.
set -euo pipefail
expected=$1 program=$2 pollux=${3-} seeds=${4-1}
for ((seed = 0; seed < seeds; ++seed)); do
  if [[ -n $pollux ]]; then
    "$pollux" exec --seed $seed --db "$(mktemp -u)" -- "$program" | diff "$expected" - || { echo "seed $seed" >&2; exit 1; }
  else
    "$program" | diff "$expected" -
  fi
done

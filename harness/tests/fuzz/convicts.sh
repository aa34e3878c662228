#!/usr/bin/env bash
# Does a fuzzer's program report a failure as it should? convicts.sh POLLUX PROGRAM ARGUMENT...: runs the program with the
# arguments; it must die, and its report must end with a token that the program itself replays and shrinks, and that
# POLLUX, another build with the same suite, replays too.
set -euo pipefail
pollux=$1
program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

die() {
  cat "$work"/output >&2
  echo "convicts: $1" >&2
  exit 1
}

# expect CODE TEXT COMMAND...: the command must exit so and say so.
expect() {
  local code=$1 text=$2 got=0
  shift 2
  "$@" >output 2>&1 || got=$?
  ((got == code)) || die "'$*' exits with $got, not $code"
  grep -q "$text" output || die "'$*' does not say '$text'"
}

got=0
"$program" "${@:3}" >output 2>&1 || got=$?
((got != 0)) || die "nothing was found"
token=$(sed -n 's/^pollux replay //p' output | tail -n 1)
[[ -n $token ]] || die "there is no token"

expect 1 "1 of 1 runs: verdict" "$program" pollux replay "$token"
expect 1 ", shrunk" "$program" pollux shrink "$token"
expect 1 "reproduced as recorded" "$pollux" replay "$token"
echo "convicts: $token"

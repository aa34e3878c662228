# Part of ci/bench: what a scheduling point costs, on fibers and on real threads that take turns, what exploring
# finds on either in the time in which stress finds it, and how small a failure gets.

# Protocols and the bug planted in each.
explored=(polldesc-no-recheck fdmutex-forgets-waiters break-clears-first)
# Planted bugs whose first failure is shrunk, with the profile that has it.
shrunk=(netpoll-no-recheck:legal netpoll-drop-nil:legal netpoll-econnaborted:documented workers-publishes-early:calm
        workers-idles-unheard:calm workers-no-last-look:calm)

bench_explore() {
  build release bench_points pollux pollux_mutants "${explored[@]/#/stress_}"
  local bin=$root/build/release suite name ns rate fibers=0
  while read -r name ns rate; do
    case $name in
      without_switch/*) figure "$name" "$ns" ns/point "<=" 8 ;;
      with_switch/*) figure "$name" "$ns" ns/point "<=" 40 ;;
      park_schedules/*) figure "$name" "$rate" schedules/s ">=" 600000 ;;
      schedules_on/fibers*) figure schedules/fibers "$rate" schedules/s && fibers=$rate ;;
      schedules_on/real_threads*)
        figure schedules/real_threads "$rate" schedules/s
        figure fibers/real_threads "$(ratio "$fibers" "$rate")" schedules
        ;;
      *) figure "$name" "$ns" ns ;;
    esac
  done < <(medians "$bin/harness/tests/explore/bench_points")
  for suite in "${explored[@]}"; do beside_stress "$suite"; done
  for suite in "${shrunk[@]}"; do shrinks "${suite%:*}" "${suite#*:}"; done
}

# The first failure of the suite, and what two seconds make of it.
shrinks() {
  local suite=$1 work token points line
  work=$(mktemp -d)
  token=$("$bin/bin/pollux" run "$suite" --profile "$2" --seeds 0..1000000 --fail-fast --jobs 1 --quiet \
    --db "$work/db" | grep '^pollux replay ' | cut -d ' ' -f 3) || true
  # A failure that is a failure is exit status 1.
  points=$("$bin/bin/pollux" replay "$token" | sed -n 's/^ *run: *\([^ ]* *[kM]*\) points.*/\1/p') || true
  line=$("$bin/bin/pollux" shrink "$token" --for 2s --quiet | grep '^shrunk from ') || true
  rm -rf "$work"
  figure "$suite: a run of" "${points// /}" points
  figure "$suite: deviations" "$(sed 's/shrunk from \([0-9]*\).*/\1/' <<<"$line")" before
  figure "$suite: shrunk to" "$(sed 's/.* deviations to \([0-9]*\),.*/\1/' <<<"$line")" deviations "<=" 6
  figure "$suite: shrunk in" "$(sed 's/.* in \([0-9.]*\) s .*/\1/' <<<"$line")" s "<=" 2
}

# The same program with the same bug, by stress on real threads for at most 30 s, and explored at random.
beside_stress() {
  local suite=$1 name value unit ended=held_for after=0 stressed=0
  while read -r name value unit; do
    case $name in
      rounds_per_second) stressed=$value ;;
      *_after | held_for) ended=$name after=$value ;;
    esac
  done < <("$bin/properties/bench/stress_$suite" 30)
  figure "$suite: stress" "$stressed" rounds/s
  figure "$suite: stress, $ended" "$after" s
  local fibers_rate=0 fibers_seconds=0
  explored_on fibers 50000 ""
  fibers_rate=$rate fibers_seconds=$seconds
  explored_on real_threads 5000 --real-threads --set real_threads=1
  figure "$suite: fibers/real_threads" "$(ratio "$fibers_rate" "$rate")" runs
  figure "$suite: real_threads/fibers" "$(ratio "$seconds" "$fibers_seconds")" "time to bug"
}

# explored_on BACKEND RUNS [FLAG OF pollux_mutants] [FLAGS OF pollux run...]: sets `rate` and `seconds`. Reads what
# beside_stress knows of stress.
explored_on() {
  local backend=$1 runs=$2 flag=$3 cell bar=
  shift 3
  cell=$("$bin/bin/pollux_mutants" --bugs "$suite" --strategies random --jobs 1 --json $flag 2>/dev/null |
    jq -c '.cells[0]')
  seconds=$(jq .seconds <<<"$cell")
  rate=$("$bin/bin/pollux" run "${suite%%-*}" --seeds "0..$runs" --jobs 1 --json "$@" |
    jq -r 'select(.event == "summary") | (.runs | tonumber) / (.wall_ns | tonumber) * 1e9')
  figure "$suite: $backend" "$(printf %.0f "$rate")" runs/s
  figure "$suite: $backend/stress" "$(ratio "$rate" "$stressed")" runs
  figure "$suite: $backend, found after" "$(printf %.3g "$seconds")" s
  figure "$suite: $backend, found after" "$(jq .runs <<<"$cell")" runs
  if [[ $(jq .is_found <<<"$cell") != true ]]; then
    echo "$suite: random did not find it" >&2
    return
  fi
  if [[ $ended == held_for ]]; then bar=">"; fi
  figure "$suite: stress/$backend" "$bar$(ratio "$after" "$seconds")" "time to bug"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3g", a / b }'; }

# Part of ci/bench: what a scheduling point costs, and what exploring finds in the time in which stress finds it.

# Protocols and the bug planted in each.
explored=(polldesc-no-recheck fdmutex-forgets-waiters break-clears-first)

bench_explore() {
  build release bench_points pollux pollux_mutants "${explored[@]/#/stress_}"
  local bin=$root/build/release suite
  medians "$bin/harness/tests/explore/bench_points" | while read -r name ns rate; do
    case $name in
      without_switch/*) figure "$name" "$ns" ns/point "<=" 8 ;;
      with_switch/*) figure "$name" "$ns" ns/point "<=" 40 ;;
      park_schedules/*) figure "$name" "$rate" schedules/s ">=" 600000 ;;
      *) figure "$name" "$ns" ns ;;
    esac
  done
  for suite in "${explored[@]}"; do beside_stress "$suite"; done
}

# The same program with the same bug, by stress on real threads for at most 30 s, and explored at random.
beside_stress() {
  local suite=$1 name value unit ended=held_for after=0 stressed=0 cell found median runs rate
  while read -r name value unit; do
    case $name in
      rounds_per_second) stressed=$value ;;
      *_after | held_for) ended=$name after=$value ;;
    esac
  done < <("$bin/properties/bench/stress_$suite" 30)
  cell=$("$bin/bin/pollux_mutants" --bugs "$suite" --strategies random --jobs 1 --json 2>/dev/null | jq -c '.cells[0]')
  found=$(jq .is_found <<<"$cell") median=$(jq .seconds <<<"$cell") runs=$(jq .runs <<<"$cell")
  rate=$("$bin/bin/pollux" run "${suite%%-*}" --seeds 0..50000 --jobs 1 --json | 
    jq -r 'select(.event == "summary") | (.runs | tonumber) / (.wall_ns | tonumber) * 1e9')
  figure "$suite: stress" "$stressed" rounds/s
  figure "$suite: explored" "$(printf %.0f "$rate")" runs/s
  figure "$suite: explored/stress" "$(ratio "$rate" "$stressed")" runs
  figure "$suite: stress, $ended" "$after" s
  figure "$suite: explored, found after" "$median" s
  figure "$suite: explored, found after" "$runs" runs
  if [[ $found != true ]]; then
    echo "$suite: random did not find it" >&2
  elif [[ $ended == held_for ]]; then
    figure "$suite: stress/explored" ">$(ratio "$after" "$median")" time
  else
    figure "$suite: stress/explored" "$(ratio "$after" "$median")" time
  fi
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3g", a / b }'; }

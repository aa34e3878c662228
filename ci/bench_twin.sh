# Part of ci/bench: what the twin costs.

# Medians of a Google Benchmark program, a line each: name, ns per item (or per iteration), items per second (or 0).
medians() {
  "$1" --benchmark_format=json --benchmark_repetitions=5 --benchmark_report_aggregates_only=true 2>/dev/null |
    jq -r '.benchmarks[] | select(.aggregate_name == "median")
      | [(.run_name | gsub("/(manual_time|iterations:[0-9]+|repeats:[0-9]+)"; "")),
         (if .items_per_second then 1e9 / .items_per_second else .real_time end),
         (.items_per_second // 0)]
      | map(if type == "number" then . * 100 | round / 100 else . end) | join(" ")'
}

bench_twin() {
  build release bench_points bench_calls bench_asio_runs
  local bin=$root/build/release getppid
  medians "$bin/harness/tests/explore/bench_points" | while read -r name ns rate; do
    case $name in
      without_switch/*) figure "$name" "$ns" ns/point "<=" 8 ;;
      with_switch/*) figure "$name" "$ns" ns/point "<=" 40 ;;
      park_schedules/*) figure "$name" "$rate" schedules/s ">=" 600000 ;;
      *) figure "$name" "$ns" ns ;;
    esac
  done
  medians "$bin/harness/tests/kernel/bench_calls" | while read -r name ns rate; do
    case $name in
      real_getppid) getppid=$ns && figure "$name" "$ns" ns/call ;;
      twin_tcp_echo/*) figure "$name" "$ns" ns/item ;;
      twin_*) figure "$name" "$ns" ns "<=" "$(awk -v g="$getppid" 'BEGIN { print g * 0.33 }')" ;;
      *) figure "$name" "$ns" ns ;;
    esac
  done
  "$bin/properties/bench/bench_asio_runs" | while read -r name value unit; do
    case $name in
      asio_echo_twin_to_real) figure "$name" "$value" "$unit" ">=" 12 ;;
      simulated_calls) figure "$name" "$value" "$unit" ">=" 13 ;;
      *) figure "$name" "$value" "$unit" ;;
    esac
  done
}

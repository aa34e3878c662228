# Part of ci/bench: what the twin costs.

bench_twin() {
  build release bench_calls bench_asio_runs bench_scenario
  local bin=$root/build/release getppid
  medians "$bin/harness/tests/kernel/bench_calls" | while read -r name ns rate; do
    case $name in
      real_getppid) getppid=$ns && figure "$name" "$ns" ns/call ;;
      twin_tcp_echo/*) figure "$name" "$ns" ns/item ;;
      twin_*) figure "$name" "$ns" ns "<=" "$(awk -v g="$getppid" 'BEGIN { print g * 0.33 }')" ;;
      *) figure "$name" "$ns" ns ;;
    esac
  done
  { "$bin/properties/bench/bench_scenario" && "$bin/properties/bench/bench_asio_runs"; } | while read -r name value unit; do
    case $name in
      asio_echo_twin_to_real) figure "$name" "$value" "$unit" ">=" 12 ;;
      scenario_runs) figure "$name" "$value" "$unit" ">=" 30000 ;;
      simulated_calls) figure "$name" "$value" "$unit" ">=" 13 ;;
      *) figure "$name" "$value" "$unit" ;;
    esac
  done
}

# Part of ci/bench: echo servers side by side on the real kernel.
#
# The servers share processor 0 and the client has the last one. In each round every server has its turn, so that a machine
# that is slow for a while is slow for all. The steady figure is processor time per round trip. A ratio is taken within each
# round, and its median stands: on a machine whose speed wanders two servers are comparable in one round, hardly across rounds.

bench_rounds=5
bench_rounds_with_bars=21
bench_work=

# start_server NAME PORT PROCESSORS COMMAND...: @ in the command stands for the port. servers: name=pid=port.
servers=()
start_server() {
  local name=$1 port=$2 processors=$3
  shift 3
  taskset -c "$processors" "${@//@/$port}" >"$bench_work/$name.out" &
  servers+=("$name=$!=$port")
  wait_until_listening "$bench_work/$name.out" $!
}

wait_until_listening() {
  until grep -q listening "$1" 2>/dev/null; do
    kill -0 "$2" 2>/dev/null || { echo "ci/bench: a server did not start: $(cat "$1")" >&2; exit 1; }
    sleep 0.05
  done
}

stop_servers() {
  local server pid
  for server in "${servers[@]}"; do
    pid=${server#*=}
    kill "${pid%=*}" 2>/dev/null && wait "${pid%=*}" 2>/dev/null || true
  done
  servers=()
}

client() { taskset -c $(($(nproc) - 1)) "$root/build/release/runtime/bench_echo_client" "$@"; }

# middle: the median of the numbers on standard input.
middle() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# median SERVER KEY: of the rounds so far.
median() { awk -v s="$1" -v k="$2" '$1 == s && $2 == k { print $3 }' "$bench_work/rounds" | middle; }

# ratio OF TO KEY OPERATOR BAR: the median of the rounds' ratios.
ratio() {
  local value
  value=$(awk -v of="$1" -v to="$2" -v k="$3" '$2 == k && $1 == of { a[++n] = $3 } $2 == k && $1 == to { b[++m] = $3 }
    END { for (i = 1; i <= n && i <= m; ++i) printf "%.4f\n", a[i] / b[i] }' "$bench_work/rounds" | middle)
  [[ -n $value ]] || return 0
  figure "$1_to_$2.$3" "$value" ratio "$4" "$5"
}

# compare CONNECTIONS BYTES [ROUNDS]: rounds with every server, then their medians.
compare() {
  local server name key round
  : >"$bench_work/rounds"
  for ((round = 0; round < ${3:-bench_rounds}; ++round)); do
    for server in "${servers[@]}"; do
      client "${server##*=}" "$1" "$2" 1 | sed "s/^/${server%%=*} /" >>"$bench_work/rounds"
    done
  done
  for server in "${servers[@]}"; do
    name=${server%%=*}
    for key in server_cpu_per_round_trip:us round_trips_per_second:1/s p50:us p99:us; do
      figure "$name.$1x$2.${key%:*}" "$(median "$name" "${key%:*}")" "${key#*:}"
    done
  done
}

# traced NAME SECONDS COMMAND... : runs a server under a tool; the client's number of round trips is the answer.
traced() {
  local name=$1 seconds=$2 port=27399 pid trips
  shift 2
  "${@//@/$port}" >"$bench_work/$name.traced" 2>&1 &
  pid=$!
  wait_until_listening "$bench_work/$name.traced" $pid
  trips=$(client $port 64 64 "$seconds" | awk '$1 == "round_trips" { print $2 }')
  pkill -TERM -P $pid || kill $pid  # strace's child, or the program that valgrind became
  wait $pid 2>/dev/null || true
  echo "$trips"
}

# costs_of NAME COMMAND...: system calls (strace) and instructions in user space (callgrind) per round trip.
costs_of() {
  local name=$1 trips bar=()
  shift
  if [[ $name == netpoll ]]; then bar=("<=" 2.2); fi
  if command -v strace >/dev/null; then
    trips=$(traced "$name" 2 strace -f -c -o "$bench_work/strace" "$@")
    figure "$name.64x64.system_calls" "$(awk -v t="$trips" '$NF == "total" { printf "%.2f", $4 / t }' "$bench_work/strace")" calls/trip "${bar[@]}"
  fi
  if command -v valgrind >/dev/null; then
    trips=$(traced "$name" 4 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@")
    figure "$name.64x64.instructions" "$(awk -v t="$trips" '/Collected/ { printf "%.0f", $NF / t }' "$bench_work/$name.traced")" instr/trip
  fi
}

bench_runtime() {
  local bin=$root/build/release/runtime uv='' go='' connections
  build release echo_server asio_echo_server raw_echo_server bench_echo_client
  if pkg-config --exists libuv; then build release uv_echo_server && uv=$bin/uv_echo_server; fi
  bench_work=$(mktemp -d)
  trap 'stop_servers; rm -rf "$bench_work"' EXIT
  if command -v go >/dev/null; then
    go=$bench_work/go_echo_server
    GOCACHE=$bench_work/go GO111MODULE=off go build -o "$go" "$root/runtime/bench/go_echo_server.go"
  fi
  [[ -n $uv ]] || echo "libuv: left out, libuv1-dev is not installed"
  [[ -n $go ]] || echo "go: left out, golang-go is not installed"

  start_server netpoll 27410 0 "$bin/echo_server" @ 1
  start_server asio 27411 0 "$bin/asio_echo_server" @ 1
  start_server raw_epoll 27412 0 "$bin/raw_echo_server" @
  if [[ -n $uv ]]; then start_server libuv 27413 0 "$uv" @; fi
  if [[ -n $go ]]; then GOMAXPROCS=1 start_server go 27414 0 "$go" @; fi
  for connections in 1 1000; do compare $connections 64; done
  for connections in 1 64 1000; do compare $connections 16384; done
  compare 64 64 $bench_rounds_with_bars
  ratio netpoll asio server_cpu_per_round_trip "<=" 0.98
  ratio netpoll libuv server_cpu_per_round_trip "<=" 0.98
  ratio netpoll go server_cpu_per_round_trip "<=" 0.80
  ratio netpoll raw_epoll server_cpu_per_round_trip "<=" 1.02
  stop_servers

  # Two threads, and the client beside them.
  start_server netpoll_2 27415 0-$(($(nproc) - 1)) "$bin/echo_server" @ 2
  start_server asio_2 27416 0-$(($(nproc) - 1)) "$bin/asio_echo_server" @ 2
  compare 64 64 $bench_rounds_with_bars
  ratio netpoll_2 asio_2 round_trips_per_second ">=" 1
  stop_servers

  costs_of netpoll "$bin/echo_server" @ 1
  costs_of asio "$bin/asio_echo_server" @ 1
  costs_of raw_epoll "$bin/raw_echo_server" @
  if [[ -n $uv ]]; then costs_of libuv "$uv" @; fi
}

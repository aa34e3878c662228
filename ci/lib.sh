# Shared by the scripts of this folder: source it. Sets `root` and defines stage and build.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)
# Presets that compile a file in the same way share what ccache has of it.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=1

# stage NAME COMMAND...: runs the command and prints how long it took.
stage() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@"
  echo "== $name: $((SECONDS - start)) s"
}

# build PRESET [TARGET...]: configures and builds; quiet unless it fails.
build() {
  local preset=$1 log
  shift
  log=$(mktemp)
  if ! (cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs" \
        ${1:+--target "$@"}) >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

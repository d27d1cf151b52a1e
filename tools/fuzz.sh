#!/usr/bin/env bash
# Fuzzes the parsers with libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/fuzz

usage() {
  cat <<TEXT
usage: tools/fuzz.sh [SECONDS] [--each SECONDS] [--target NAME]...

Builds the fuzzers of tests/fuzz into build/fuzz (clang, without LibTorch) and runs them, one on each processor at a
time.

  SECONDS         for all targets together (default 60)
  --each SECONDS  for each target instead
  --target NAME   only this one, such as gguf
  --help          this text

Seeds are tests/fuzz/corpus/NAME. What the fuzzers learn is kept in build/fuzz/corpus/NAME, what they find wrong in
build/fuzz/artifacts/NAME. Exit status: 0 nothing found, 1 a finding, 2 wrong use or no clang with libFuzzer.
TEXT
}

stop() {
  printf 'fuzz.sh: %s\n' "$1" >&2
  exit 2
}

# find_clang: the first clang++ that comes with libFuzzer.
find_clang() {
  local compiler
  for compiler in clang++ clang++-{20,19,18,17,16,15,14}; do
    if echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
      "$compiler" -x c++ -fsanitize=fuzzer,address - -o /dev/null 2>/dev/null; then
      echo "$compiler"
      return
    fi
  done
  stop "no clang++ with libFuzzer is here; on Debian: apt-get install clang-14 libclang-rt-14-dev"
}

build_fuzzers() {
  local compiler
  compiler=$(find_clang)
  mkdir -p "$build"
  printf '==> Building the fuzzers with %s (a few minutes the first time)\n' "$compiler" >&2
  if ! { cmake -S "$root/tests/fuzz" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" &&
    cmake --build "$build" -j "${HONE_JOBS:-$(nproc)}"; } >"$build/build.log" 2>&1; then
    tail -n 40 "$build/build.log" >&2
    stop "the fuzzers do not build (all of it in $build/build.log)"
  fi
}

# collect_shared NAME: the shared cases of the same kind, where they lie beside the checkout.
collect_shared() {
  local cases=$root/../shared/cases/files folder=$build/shared/$1
  mkdir -p "$folder"
  if [[ ! -d $cases ]]; then return; fi
  case $1 in
    jsonl) find "$cases" -type f \( -name '*.jsonl' -o -name '*.jsonl.gz' \) -exec cp -u {} "$folder" \; ;;
    tokenizer | torch) ;;  # none of that kind is there
    template) find "$cases" -type f -name "*.jinja" -exec cp -u {} "$folder" \; ;;
    *) find "$cases" -type f -name "*.$1" -exec cp -u {} "$folder" \; ;;
  esac
}

# run_fuzzer NAME SECONDS: fails where it finds something.
run_fuzzer() {
  local name=$1 seconds=$2 log=$build/$1.log
  collect_shared "$name"
  mkdir -p "$build/corpus/$name" "$build/artifacts/$name"
  printf '==> Fuzzing %s for %s s\n' "$name" "$seconds" >&2
  if "$build/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 \
    -print_final_stats=1 -artifact_prefix="$build/artifacts/$name/" \
    "$build/corpus/$name" "$root/tests/fuzz/corpus/$name" "$build/shared/$name" >"$log" 2>&1; then
    printf '    %s: nothing found in %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" >&2
  else
    tail -n 40 "$log" >&2
    printf '    %s FOUND: the input is in %s, the log is %s\n' "$name" "$build/artifacts/$name" "$log" >&2
    return 1
  fi
}

total=60
each=
targets=()
while (($#)); do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --each) each=${2:-} && shift ;;
    --target) targets+=("${2:-}") && shift ;;
    *) total=$1 ;;
  esac
  shift || stop "an option lacks its value"
done
[[ $total =~ ^[1-9][0-9]*$ && ${each:-1} =~ ^[1-9][0-9]*$ ]] || stop "seconds must be a number from 1"

build_fuzzers
if ((${#targets[@]} == 0)); then
  for source in "$root"/tests/fuzz/fuzz_*.cpp; do
    name=${source##*/fuzz_}
    targets+=("${name%.cpp}")
  done
fi
if [[ -z $each ]]; then each=$(((total + ${#targets[@]} - 1) / ${#targets[@]})); fi
for target in "${targets[@]}"; do
  [[ -x $build/fuzz_$target ]] || stop "there is no target $target"
done
status=0
running=0
for target in "${targets[@]}"; do
  if ((running == ${HONE_JOBS:-$(nproc)})); then
    wait -n || status=1
    running=$((running - 1))
  fi
  run_fuzzer "$target" "$each" &
  running=$((running + 1))
done
while ((running > 0)); do
  wait -n || status=1
  running=$((running - 1))
done
exit "$status"

#!/usr/bin/env bash
# Makes this machine ready, builds hone and runs its tests.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<TEXT
usage: tools/test.sh [--fast] [--sanitize] [--fuzz]

Installs what is missing, builds hone (preset release, in build/release) and runs every test.

  --all        every test (the default)
  --fast       leave out the tests labelled slow: those that need the base model or take many seconds
  --sanitize   besides, run the parsers' tests under AddressSanitizer and UndefinedBehaviorSanitizer
  --fuzz       besides, fuzz each parser for a minute
  --help       this text

The base model is fetched once into HONE_CACHE (default ~/.cache/hone). A later run does only what changed.
tools/setup.sh lists the environment variables that steer set-up.
TEXT
}

# core_tests and allocation_tests hold all that needs no LibTorch, the parsers of files among it.
run_sanitized_tests() {
  hone_configure core-asan
  hone_build core-asan "about 2 minutes"
  hone_say "Running core_tests under the sanitizers (under a minute)"
  (cd "$HONE_ROOT" && "$HONE_ROOT/build/core-asan/bin/core_tests" --gtest_brief=1 &&
    "$HONE_ROOT/build/core-asan/bin/allocation_tests" --gtest_brief=1)
}

fuzz_parsers() {
  if [[ ! -x $HONE_ROOT/tools/fuzz.sh ]]; then return 0; fi
  if ! has_fuzzer; then install_fuzzer; fi
  hone_say "Fuzzing the parsers (a few minutes to build, then $FUZZ_SECONDS s for each)"
  HONE_JOBS=$(hone_jobs) "$HONE_ROOT/tools/fuzz.sh" --each "$FUZZ_SECONDS"
}

# The compilers and the probe are those of tools/fuzz.sh.
has_fuzzer() {
  local compiler
  for compiler in clang++ clang++-{20,19,18,17,16,15,14}; do
    if echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
      "$compiler" -x c++ -fsanitize=fuzzer,address - -o /dev/null 2>/dev/null; then
      return 0
    fi
  done
  return 1
}

# clang's fuzzer lies in a package of clang's version.
install_fuzzer() {
  local version
  hone_install_packages clang
  version=$(clang++ -dumpversion | cut -d. -f1)
  hone_install_packages "libclang-rt-$version-dev"
}

run_tests() {
  local model_folder arguments=(--preset release -j "$(nproc)" --no-tests=error)
  if ((fast)); then
    arguments+=(-LE slow)
    hone_say "Running the tests without the slow ones (about a minute)"
  else
    model_folder=$(dirname "$("$HONE_ROOT/tools/fetch-model")")
    export HONE_CACHE=$model_folder
    hone_say "Running every test (a few minutes)"
  fi
  (cd "$HONE_ROOT" && ctest "${arguments[@]}")
}

fast=0
sanitize=0
fuzz=0
FUZZ_SECONDS=60
for argument in "$@"; do
  case $argument in
    -h | --help) usage && exit 0 ;;
    --all) fast=0 ;;
    --fast) fast=1 ;;
    --sanitize) sanitize=1 ;;
    --fuzz) fuzz=1 ;;
    *) hone_stop "unknown option $argument" "See tools/test.sh --help." ;;
  esac
done
trap 'exit 130' INT

hone_setup release
hone_build release "about 5 minutes"
failed=()
if ((sanitize)); then
  run_sanitized_tests || failed+=("core_tests under the sanitizers")
fi
if ((fuzz)); then
  fuzz_parsers || failed+=("fuzzing")
fi
run_tests || failed+=("ctest")
if ((${#failed[@]})); then
  printf -v names '%s, ' "${failed[@]}"
  hone_say "FAILED after $(hone_elapsed): ${names%, }"
  exit 1
fi
hone_say "All passed in $(hone_elapsed)"

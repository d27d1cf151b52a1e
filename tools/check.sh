#!/usr/bin/env bash
# What a change must pass before it is handed in: format, build without warnings, tests.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

CLANG_FORMAT=clang-format-14
CLANG_TIDY=clang-tidy-14

usage() {
  cat <<TEXT
usage: tools/check.sh [--fix] [--tidy] [option of tools/test.sh]...

Checks the format of all C++ files, then runs tools/test.sh with the other options.

  --fix    rewrite the files in the right format first
  --tidy   run clang-tidy too, on the sources that differ from the branch main (slow with LibTorch)
  --help   this text
TEXT
}

# hone_cpp_files: every C++ file of ours, separated by NUL.
cpp_files() { git -C "$HONE_ROOT" ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.h'; }

check_format() {
  if ! command -v "$CLANG_FORMAT" >/dev/null; then
    hone_note "$CLANG_FORMAT is not here, so the format is not checked (apt-get install $CLANG_FORMAT)"
    return 0
  fi
  hone_say "Checking the format with $CLANG_FORMAT (seconds)"
  if ((fix)); then (cd "$HONE_ROOT" && cpp_files | xargs -0 -r "$CLANG_FORMAT" -i); fi
  (cd "$HONE_ROOT" && cpp_files | xargs -0 -r "$CLANG_FORMAT" --dry-run -Werror) ||
    hone_stop "the format is not right in the files above." "tools/check.sh --fix rewrites them."
}

check_tidy() {
  local changed
  command -v "$CLANG_TIDY" >/dev/null || hone_stop "$CLANG_TIDY is missing." "apt-get install $CLANG_TIDY"
  mapfile -t changed < <(git -C "$HONE_ROOT" diff --name-only --diff-filter=d main -- '*.cpp')
  ((${#changed[@]})) || return 0
  hone_say "Running clang-tidy on ${#changed[@]} files (up to a minute each)"
  hone_setup release
  (cd "$HONE_ROOT" && "$CLANG_TIDY" --quiet -p build/release "${changed[@]}")
}

fix=0
tidy=0
rest=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage && exit 0 ;;
    --fix) fix=1 ;;
    --tidy) tidy=1 ;;
    *) rest+=("$argument") ;;
  esac
done

check_format
if ((tidy)); then check_tidy; fi
exec "$HONE_ROOT/tools/test.sh" "${rest[@]}"

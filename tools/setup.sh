# Shell functions that make a bare Debian or Ubuntu machine ready to build hone. Sourced by tools/quickstart.sh,
# tools/test.sh and tools/check.sh; does nothing by itself. Each function looks first and works only where
# something is missing, so that a second run costs a second.
#
# What a user may set:
#   Torch_DIR, CMAKE_PREFIX_PATH   where a LibTorch lies that is to be used
#   HONE_PYTHON                    the Python that makes the virtual environment (default: python3)
#   HONE_JOBS                      compile jobs at a time (default: by cores and free memory)
#   HONE_CACHE                     where the base model is kept (default: ~/.cache/hone)
#   HONE_SKIP_PACKAGES=1           do not look for Debian packages

HONE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
HONE_LOG="$HONE_ROOT/build/log"
HONE_STARTED=$SECONDS

# The packages hone is built with: compilers and tools first, then libraries. The only list of them.
HONE_PACKAGES=(
  g++ cmake ninja-build pkgconf python3 python3-venv
  nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libgtest-dev libsentencepiece-dev libsimdjson-dev
  libpcre2-dev libutf8proc-dev libxxhash-dev libyaml-cpp-dev zlib1g-dev libzstd-dev)

# The g++ that hone is tested with. Under another one a new kind of warning must not stop a build.
HONE_TESTED_GXX=12

# What pip says where the network is at fault.
HONE_NO_NETWORK='ConnectionError|Max retries|Retrying|ProxyError|SSLError|timed out|name resolution'

# shellcheck source=tools/setup_torch.sh
source "$HONE_ROOT/tools/setup_torch.sh"

# Progress goes to stderr: stdout is for results.
hone_say() { printf '%s\n' "==> $*" >&2; }
hone_note() { printf '%s\n' "    $*" >&2; }

# Something that the user can put right: what failed, then the remedy on the next line.
hone_stop() {
  printf '%s\n' "${0##*/}: $1" >&2
  shift
  local line
  for line in "$@"; do printf '    %s\n' "$line" >&2; done
  exit 2
}

hone_elapsed() {
  local seconds=$((SECONDS - HONE_STARTED))
  printf '%d min %02d s' $((seconds / 60)) $((seconds % 60))
}

# True where a command does the work of a package that dpkg does not know (a compiler in /opt, a cmake from pip).
hone_has_substitute() {
  case $1 in
    g++) command -v "${CXX:-g++}" ;;
    cmake) hone_version_at_least 3.25 "$(hone_cmake_version)" ;;
    ninja-build) command -v ninja ;;
    pkgconf) command -v pkg-config ;;
    python3) command -v python3 ;;
    python3-venv) hone_venv_python ;;
    *) return 1 ;;
  esac >/dev/null 2>&1
}

# hone_version_at_least WANTED FOUND
hone_version_at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

hone_cmake_version() { cmake --version 2>/dev/null | awk 'NR == 1 {print $3}'; }

# The first Python that can make a virtual environment, on stdout.
hone_venv_python() {
  local python
  for python in ${HONE_PYTHON:-python3 /usr/bin/python3}; do
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
      command -v "$python"
      return 0
    fi
  done
  return 1
}

# Prints those of the named packages that are not installed.
hone_missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || hone_has_substitute "$package" || printf '%s\n' "$package"
  done
}

# hone_install_packages PACKAGE...: installs what is missing of them, by apt.
hone_install_packages() {
  [[ -z ${HONE_SKIP_PACKAGES:-} ]] || return 0
  local missing as_root=()
  mapfile -t missing < <(hone_missing_packages "$@")
  ((${#missing[@]})) || return 0
  local by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  command -v apt-get >/dev/null ||
    hone_stop "no apt-get here: hone sets itself up on Debian 12, Ubuntu 24.04 and later." \
      "Install what these Debian packages hold, then run again with HONE_SKIP_PACKAGES=1: ${missing[*]}"
  if ((EUID != 0)); then
    if ! hone_can_sudo; then
      hone_stop "packages are missing, and this is neither root nor a user with sudo. As root, run:" "$by_hand"
    fi
    as_root=(sudo)
  fi
  hone_say "Installing Debian packages (about half a minute): ${missing[*]}"
  hone_apt "$by_hand" update -qq
  hone_apt "$by_hand" install -y -qq --no-install-recommends "${missing[@]}"
}

# sudo is of use where it needs no password, or where someone is there to type it.
hone_can_sudo() {
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [[ -t 0 && -t 2 ]] && sudo -v; }
}

# hone_apt BY_HAND ARGUMENT...: runs apt-get as root (as_root is the caller's), its output in a log.
hone_apt() {
  local by_hand=$1 log="$HONE_LOG/apt.log"
  shift
  mkdir -p "$HONE_LOG"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 ||
    {
      tail -n 5 "$log" >&2
      hone_stop "apt-get $1 failed (the lines above; all of it in $log). Put that right, or run by hand:" "$by_hand"
    }
}

# How many compilers may run at once: no more than cores, and 2 GB of free memory for each.
hone_jobs() {
  if [[ -n ${HONE_JOBS:-} ]]; then
    printf '%s\n' "$HONE_JOBS"
    return
  fi
  local free_kb limit used
  free_kb=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
  # In a container the machine's free memory is not ours; the control group says what is.
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
  used=$(cat /sys/fs/cgroup/memory.current 2>/dev/null || echo 0)
  if [[ $limit != max ]] && (((limit - used) / 1024 < free_kb)); then free_kb=$(((limit - used) / 1024)); fi
  local jobs=$((free_kb / 2000000)) cores
  cores=$(nproc)
  printf '%s\n' $((jobs < 1 ? 1 : jobs < cores ? jobs : cores))
}

# hone_need_space MEGABYTES FOLDER WHAT_FOR
hone_need_space() {
  local free
  free=$(df -Pm "$2" | awk 'NR == 2 {print $4}')
  ((free >= $1)) ||
    hone_stop "$3 needs $1 MB free in $2, which has $free MB." "Free some space, or clone hone to a larger disk."
}

# hone_configure PRESET [CMAKE_ARGUMENT...]: runs cmake where it has not run with these same settings. Later changes
# of the build files are noticed by ninja itself.
hone_configure() {
  local preset=$1 folder="$HONE_ROOT/build/$1" log="$HONE_LOG/configure-$1.log" arguments=("${@:2}") stamp fresh=()
  if [[ -z ${CXX:-} && $(g++ -dumpversion | cut -d. -f1) != "$HONE_TESTED_GXX" ]]; then
    arguments+=(-DHONE_WARNINGS_AS_ERRORS=OFF)
  fi
  stamp=$(printf '%s\n' "$HONE_ROOT" "${CXX:-}" "${arguments[@]}" | cat - "$HONE_ROOT/CMakePresets.json" | cksum)
  if [[ -f $folder/build.ninja && $(cat "$folder/hone-setup.stamp" 2>/dev/null) == "$stamp" ]]; then return 0; fi
  hone_version_at_least 3.25 "$(hone_cmake_version)" ||
    hone_stop "cmake 3.25 or later is needed, this is $(hone_cmake_version)." \
      "Use Debian 12, Ubuntu 24.04 or later, or put a newer cmake on PATH (pip install cmake)."
  hone_say "Configuring build/$preset (about 10 s)"
  [[ -e $folder/CMakeCache.txt ]] && fresh=(--fresh)
  mkdir -p "$HONE_LOG"
  rm -f "$folder/hone-setup.stamp"
  (cd "$HONE_ROOT" && cmake --preset "$preset" "${fresh[@]}" "${arguments[@]}") >"$log" 2>&1 ||
    {
      grep -A 12 'CMake Error' "$log" >&2 || tail -n 20 "$log" >&2
      hone_stop "cmake failed; all it said is in $log"
    }
  printf '%s\n' "$stamp" >"$folder/hone-setup.stamp"
}

# hone_build PRESET HOW_LONG [TARGET...]: compiles what changed; all targets where none is named.
hone_build() {
  local preset=$1 how_long=$2 folder="$HONE_ROOT/build/$1" jobs targets=()
  shift 2
  (($#)) && targets=(--target "$@")
  jobs=$(hone_jobs)
  if ninja -C "$folder" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    hone_say "Build: build/$preset is up to date"
    return 0
  fi
  hone_say "Building build/$preset with $jobs jobs ($how_long the first time, only what changed later)"
  cmake --build "$folder" -j "$jobs" "${targets[@]}" >&2 ||
    {
      hone_note "The build failed. If the compiler was killed, memory ran out: run again with HONE_JOBS=1."
      exit 1
    }
}

# hone_setup PRESET: packages, LibTorch, configured build folder.
hone_setup() {
  hone_say "Set-up: Debian packages, LibTorch, build folder (about 1 minute the first time)"
  hone_install_packages "${HONE_PACKAGES[@]}"
  hone_provide_torch
  hone_configure "$1" "-DTorch_DIR=$HONE_TORCH_DIR"
  printf '%s\n' "$HONE_TORCH_DIR" >"$HONE_TORCH_CHOICE"
}

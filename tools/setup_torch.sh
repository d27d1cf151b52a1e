# Shell functions that find a LibTorch to build with, or install one. Part of tools/setup.sh, which sources this.
# Python serves to install the wheel; nothing that hone builds starts it or links it.

HONE_TORCH_MINIMUM=2.13   # what find_package asks for
HONE_TORCH_PIN=2.13.0     # what is installed where none is found
HONE_TORCH_INDEX=https://download.pytorch.org/whl/cpu   # PyTorch's own index of CPU builds
HONE_VENV="$HONE_ROOT/build/venv"
HONE_TORCH_CHOICE="$HONE_ROOT/build/torch-dir"   # the one that the build folders use

# hone_torch_version CMAKE_FOLDER: the version that a folder with TorchConfig.cmake names.
hone_torch_version() {
  sed -n 's/^set(PACKAGE_VERSION "\([0-9.]*\).*/\1/p' "$1/TorchConfigVersion.cmake" 2>/dev/null
}

# hone_torch_trouble CMAKE_FOLDER: why this LibTorch cannot be built with; nothing where it can.
hone_torch_trouble() {
  local version lib="$1/../../../lib"
  version=$(hone_torch_version "$1")
  if [[ -z $version ]]; then
    echo "there is no LibTorch in $1"
  elif ! hone_version_at_least "$HONE_TORCH_MINIMUM" "$version"; then
    echo "it is version $version, and $HONE_TORCH_MINIMUM is the least"
  elif [[ -e $lib/libtorch_cuda.so ]] && ! command -v nvcc >/dev/null; then
    echo "it is built for CUDA, and its build files need nvcc, which is not on PATH"
  fi
}

# The folder of TorchConfig.cmake that Torch_DIR or CMAKE_PREFIX_PATH names, on stdout.
hone_torch_given() {
  local prefix
  if [[ -n ${Torch_DIR:-} ]]; then
    printf '%s\n' "$Torch_DIR"
    return 0
  fi
  while IFS= read -r prefix; do
    if [[ -n $prefix && -e $prefix/share/cmake/Torch/TorchConfig.cmake ]]; then
      printf '%s\n' "$prefix/share/cmake/Torch"
      return 0
    fi
  done < <(tr ':;' '\n\n' <<<"${CMAKE_PREFIX_PATH:-}")
  return 1
}

# The same for the torch of the Python that is active, found without importing it.
hone_torch_of_python() {
  local python=python3 folder
  if [[ -n ${VIRTUAL_ENV:-}${CONDA_PREFIX:-} ]]; then python=python; fi
  folder=$("$python" -c 'import importlib.util
spec = importlib.util.find_spec("torch")
print(spec.submodule_search_locations[0] if spec else "")' 2>/dev/null) || return 1
  [[ -n $folder && -e $folder/share/cmake/Torch/TorchConfig.cmake ]] || return 1
  printf '%s\n' "$folder/share/cmake/Torch"
}

# The same for the torch in build/venv, if one was installed whole.
hone_torch_of_venv() {
  local folder
  [[ -e $HONE_VENV/hone-torch-$HONE_TORCH_PIN ]] || return 1
  for folder in "$HONE_VENV"/lib/python3*/site-packages/torch/share/cmake/Torch; do
    [[ -e $folder/TorchConfig.cmake ]] && printf '%s\n' "$folder" && return 0
  done
  return 1
}

# hone_provide_torch: sets HONE_TORCH_DIR. A choice with which cmake succeeded
# (hone_setup notes it) is kept, since another LibTorch means a full rebuild.
hone_provide_torch() {
  local folder trouble
  if folder=$(hone_torch_given); then
    trouble=$(hone_torch_trouble "$folder")
    [[ -z $trouble ]] ||
      hone_stop "the LibTorch given by Torch_DIR or CMAKE_PREFIX_PATH cannot be used: $trouble." \
        "Name one of version $HONE_TORCH_MINIMUM or later, or unset both and let hone install its own."
  elif folder=$(cat "$HONE_TORCH_CHOICE" 2>/dev/null) && [[ -z $(hone_torch_trouble "$folder") ]]; then
    :
  elif folder=$(hone_torch_of_python); then
    trouble=$(hone_torch_trouble "$folder")
    if [[ -n $trouble ]]; then
      hone_note "The torch of the active Python is not used: $trouble."
      folder=
    fi
  else
    folder=
  fi
  if [[ -z $folder ]]; then
    hone_torch_of_venv >/dev/null || hone_install_torch
    folder=$(hone_torch_of_venv)
  fi
  HONE_TORCH_DIR=$(cd "$folder" && pwd)
  hone_note "LibTorch $(hone_torch_version "$HONE_TORCH_DIR"): ${HONE_TORCH_DIR%/share/cmake/Torch}"
}

# Puts the pinned CPU build into build/venv.
hone_install_torch() {
  local python
  mkdir -p "$HONE_LOG" "$HONE_ROOT/build/tmp"
  hone_need_space 3000 "$HONE_ROOT/build" "LibTorch with the build"
  python=$(hone_venv_python) ||
    hone_stop "no Python here can make a virtual environment (modules venv and ensurepip)." \
      "Install python3-venv, or name a Python that has them by HONE_PYTHON."
  hone_say "Installing LibTorch: torch $HONE_TORCH_PIN for the CPU into build/venv (200 MB, about half a minute)"
  rm -rf "$HONE_VENV"
  "$python" -m venv "$HONE_VENV" >"$HONE_LOG/venv.log" 2>&1 && "$HONE_VENV/bin/python" -m pip --version >/dev/null 2>&1 ||
    hone_stop "$python -m venv failed or left no pip; what it said is in $HONE_LOG/venv.log" \
      "Install python3-venv and python3-pip, or name another Python by HONE_PYTHON."
  : >"$HONE_LOG/pip.log"
  hone_pip install "torch==$HONE_TORCH_PIN+cpu" ||
    { hone_plain_torch_is_cpu && hone_pip install "torch==$HONE_TORCH_PIN"; } ||
    { hone_note "The configured package indexes have no CPU build; asking PyTorch's own" &&
      hone_pip install --index-url "$HONE_TORCH_INDEX" "torch==$HONE_TORCH_PIN+cpu"; } ||
    hone_explain_pip "$python"
  touch "$HONE_VENV/hone-torch-$HONE_TORCH_PIN"
  rm -rf "$HONE_ROOT/build/tmp"
}

# pip of the environment, without dependencies (C++ needs none), temporary files beside the target, output in the log.
hone_pip() {
  TMPDIR="$HONE_ROOT/build/tmp" "$HONE_VENV/bin/python" -m pip --disable-pip-version-check "$1" --no-deps "${@:2}" \
    >>"$HONE_LOG/pip.log" 2>&1 </dev/null
}

# True if the indexes' torch without a version suffix is a CPU build, as on a mirror of CPU wheels. On the public index
# it is a CUDA build of several GB; its metadata says so by asking for NVIDIA's packages. A new pip reads only the
# metadata; for an old one that cannot be renewed the file size limit cuts the download of a CUDA build short.
hone_plain_torch_is_cpu() {
  local report="$HONE_ROOT/build/tmp/report.json"
  hone_pip install --upgrade 'pip>=25' || true
  (ulimit -f 400000 && hone_pip install --dry-run --report "$report" "torch==$HONE_TORCH_PIN") || return 1
  "$HONE_VENV/bin/python" - "$report" <<'PYTHON' 2>>"$HONE_LOG/pip.log"
import json, sys
metadata = json.load(open(sys.argv[1]))["install"][0]["metadata"]
local = metadata["version"].partition("+")[2]
needs = [name.lower() for name in metadata.get("requires_dist", [])]
accelerator = any(name.startswith(("nvidia-", "cuda-", "triton", "pytorch-triton")) for name in needs)
sys.exit(1 if accelerator or local not in ("", "cpu") else 0)
PYTHON
}

# hone_explain_pip PYTHON: the reason in pip's log, in one line, with its remedy; does not return.
hone_explain_pip() {
  local log="$HONE_LOG/pip.log" version
  version="$("$1" --version 2>&1) on $(uname -m)"
  rm -rf "$HONE_VENV"
  if grep -q 'No space left on device' "$log"; then
    hone_stop "pip ran out of disk space." "LibTorch and the build need 3 GB under $HONE_ROOT/build."
  elif grep -q 'from versions: [0-9]' "$log" && ! grep -qE "$HONE_NO_NETWORK" "$log"; then
    hone_stop "there is no CPU build of torch $HONE_TORCH_PIN for $version." \
      "Name a Python 3.10 to 3.14 by HONE_PYTHON, or a LibTorch $HONE_TORCH_MINIMUM or later by Torch_DIR."
  elif grep -qE "$HONE_NO_NETWORK|from versions: none" "$log"; then
    hone_stop "pip reached no package index with torch $HONE_TORCH_PIN for $version; what it said is in $log" \
      "Check the network, the proxy and the Python (3.10 to 3.14; HONE_PYTHON names another)," \
      "or name a LibTorch $HONE_TORCH_MINIMUM or later by Torch_DIR."
  fi
  tail -n 5 "$log" >&2
  hone_stop "pip could not install torch $HONE_TORCH_PIN; the lines above, and all of it in $log"
}

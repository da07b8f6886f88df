# What the parts of CI share: steps with a summary at the end, loud skips, and tools of pinned versions. To be sourced.
export CARGO_TERM_COLOR=never

tools="${CARGO_TARGET_DIR:-target}/tools"
steps=()
failed=0

# Runs a function as a step: whatever comes of it, the steps after it run, too. Its output is kept in STEP_LOG.
step() {
  local name=$1 began=$SECONDS outcome=ok
  shift
  printf '\n== %s\n' "$name"
  STEP_LOG=$(mktemp)
  set +e
  (set -euo pipefail; "$@") 2>&1 | tee "$STEP_LOG"
  [ "${PIPESTATUS[0]}" = 0 ] || { outcome=FAILED; failed=1; }
  set -e
  if [ "$outcome" = ok ] && grep -q '^# SKIPPED' "$STEP_LOG"; then outcome=skipped; fi
  steps+=("$(printf '%-8s %6d s  %s' "$outcome" $((SECONDS - began)) "$name")")
}

# The summary: a line for each step. The script ends with 1 if any has failed.
finish() {
  printf '\n== steps\n'
  printf '%s\n' "${steps[@]}"
  printf 'in all   %6d s\n' "$SECONDS"
  exit "$failed"
}

# Says loudly that something was NOT checked, and why. With STREAMGAUGE_CI_STRICT=1 it is a failure and ends the script.
skip() {
  echo "##################################################################"
  echo "# SKIPPED: $1"
  echo "# NOT checked: $2"
  echo "##################################################################"
  if [ "${STREAMGAUGE_CI_STRICT:-}" = 1 ]; then
    echo "With STREAMGAUGE_CI_STRICT=1 nothing may be skipped."
    exit 1
  fi
}

# Installs a tool of a pinned version from crates.io, unless it is there; its program is in $tools/bin.
cargo_tool() {
  local name=$1 version=$2
  if [ "$("$tools/bin/$name" --version 2>/dev/null | awk '{print $2}')" = "$version" ]; then return 0; fi
  echo "installing $name $version"
  cargo install "$name" --version "$version" --locked --debug --quiet --root "$tools"
}

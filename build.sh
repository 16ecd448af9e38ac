#!/usr/bin/env bash
# Builds, serves, tests and measures Headlight. `./build.sh` without arguments lists the commands.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# name | target features of this crate alone | those of libraries as well, beyond those in .cargo/config.toml |
# wasm-opt flags beyond WASM_OPT. Neighbours can be built side by side: they share no libraries.
VARIANTS=(
  'simd128|||'
  'simd128-threads||+atomics|--enable-threads'
  'relaxed|+relaxed-simd||--enable-relaxed-simd'
  'relaxed-threads|+relaxed-simd|+atomics|--enable-relaxed-simd --enable-threads'
)

# Memory that threads share is made by the page, so the module imports it; wasm-bindgen sets each thread up with the
# exported symbols. It may grow to all that 32 bits can address.
THREAD_LINK_ARGS=(
  -Clink-arg=--shared-memory -Clink-arg=--import-memory -Clink-arg=--max-memory=4294967296
  -Clink-arg=--export=__heap_base -Clink-arg=--export=__wasm_init_tls -Clink-arg=--export=__tls_size
  -Clink-arg=--export=__tls_align -Clink-arg=--export=__tls_base
)

# What rustc's default wasm32 target may emit, plus the SIMD that every variant has. Binaryen older than 132 rejects
# the bulk memory operations in it. -O3 takes four times as long as -O1 and makes modules that are larger by 2 %, and no
# faster that could be measured.
WASM_OPT=(
  -O1 --enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext
  --enable-mutable-globals --enable-reference-types --enable-multivalue
)

TARGET=wasm32-unknown-unknown
TOOLS=$PWD/.tools
BIN=$PWD/node_modules/.bin
NEWER_NODE=$PWD/tests/newer-node/node_modules/.bin
CARGO_FLAGS=()

usage() {
  cat <<'USAGE'
usage: ./build.sh COMMAND

  serve [PORT]         install what is missing, build, and serve the page on 127.0.0.1 (default port 8000)
  test                 everything that CI runs (also: check)
  dist                 build and write the site to dist/, ready for any static host
  bench [--json FILE] [--rounds N] [--only PARTS] [--variants NAMES]
                       measure speed and memory in headless Chromium
USAGE
}

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Runs a function or command under a heading and adds its time to the table that `test` ends with.
TIMES=()
step() {
  local title=$1 start=$SECONDS
  shift
  say "$title"
  # Not `if ! "$@"`: that would switch `set -e` off inside the function.
  "$@"
  local took=$((SECONDS - start))
  TIMES+=("$(printf '%5d s  %s' "$took" "$title")")
  printf -- '-- %s: %d s\n' "$title" "$took"
}

# --- tools ------------------------------------------------------------------------------------------------------

rust_tools() {
  command -v cargo >/dev/null || die 'cargo is missing; install Rust from https://rustup.rs'
  if command -v rustup >/dev/null; then
    # rust-toolchain.toml names channel, components and target. Asking only when something is missing keeps this
    # working without a network.
    if ! rustup target list --installed 2>/dev/null | grep -qx "$TARGET" ||
      ! cargo clippy --version >/dev/null 2>&1 || ! cargo fmt --version >/dev/null 2>&1; then
      rustup toolchain install
    fi
  elif [[ ! -d $(rustc --print target-libdir --target "$TARGET") ]]; then
    die "rustc has no $TARGET target, and there is no rustup to add it"
  fi
}

wasm_bindgen_version() {
  sed -n 's/^wasm-bindgen = "=\([0-9.]*\)"$/\1/p' Cargo.toml
}

# The command line tool refuses a module made with any other version of the crate.
wasm_bindgen_tools() {
  local version locked
  version=$(wasm_bindgen_version)
  [[ -n $version ]] || die 'Cargo.toml has no line of the form: wasm-bindgen = "=1.2.3"'
  if [[ -f Cargo.lock ]]; then
    locked=$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
    [[ $locked == "$version" ]] || die "Cargo.toml asks for wasm-bindgen $version, Cargo.lock has $locked"
  fi
  if [[ $("$TOOLS/bin/wasm-bindgen" --version 2>/dev/null) != "wasm-bindgen $version" ]]; then
    # Optimised as it comes, it takes twice as long to build, to be a tenth of a second faster.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
      cargo install wasm-bindgen-cli --version "$version" --root "$TOOLS"
  fi
}

# What a folder's package-lock.json names. Without optional packages, tools would lack their programs.
npm_packages() {
  command -v npm >/dev/null || die 'node and npm are missing; install Node 20 or newer'
  # npm writes this file last, so it is at least as new as the lock only after a complete install.
  local installed=$1/node_modules/.package-lock.json
  if [[ ! -f $installed || $1/package-lock.json -nt $installed ]]; then
    npm ci --prefix "$1" --include=dev --include=optional --ignore-scripts --no-audit --no-fund
    touch "$installed"
  fi
}

# A newer Node, which only the tests of relaxed SIMD need and npm has for some systems.
newer_node() {
  [[ $(uname -sm) != 'Linux x86_64' ]] || npm_packages tests/newer-node
}

browser_tools() {
  local name
  if [[ -z ${CHROMIUM:-} ]]; then
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
      CHROMIUM=$(command -v "$name") && break
    done
  fi
  if [[ -z ${CHROMIUM:-} && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update
    apt-get install -y chromium
    CHROMIUM=$(command -v chromium) || true
  fi
  [[ -n ${CHROMIUM:-} ]] || die 'no Chromium or Chrome found; install one or set CHROMIUM to its path'
  export CHROMIUM
  "$CHROMIUM" --version 2>/dev/null || die "$CHROMIUM does not start"
}

build_tools() {
  rust_tools
  npm_packages .
  wasm_bindgen_tools
}

# --- building ---------------------------------------------------------------------------------------------------

# Calls "$1 NAME FEATURES SHARED_FEATURES OPT_FLAGS" for each variant, or for those named after it: two at a time, because
# this crate, compiled as one unit, keeps one core busy.
each_variant() {
  local work=$1 row name features shared opt pids=() names=() i failed=
  shift
  mkdir -p artifacts
  for row in "${VARIANTS[@]}"; do
    IFS='|' read -r name features shared opt <<<"$row"
    [[ $# == 0 || " $* " == *" $name "* ]] || continue
    while (($(jobs -rp | wc -l) >= 2)); do wait -n || true; done
    printf '%s, see %s\n' "$name" "artifacts/$work-$name.log"
    # Errors end the job, as they would end this script.
    (set -e; "$work" "$name" "$features" "$shared" "$opt") >"artifacts/$work-$name.log" 2>&1 &
    pids+=($!)
    names+=("$name")
  done
  for i in "${!pids[@]}"; do
    wait "${pids[i]}" || failed+=" ${names[i]}"
    printf -- '-- %s\n' "${names[i]}"
    cat "artifacts/$work-${names[i]}.log"
  done
  [[ -z $failed ]] || die "failed:$failed"
}

# Where builds with these shared features go: flags that libraries are built with would otherwise rebuild them each time.
variant_target_dir() { printf 'target%s' "${1:+/${1//+/}}"; }

# Cargo with the flags of one variant.
variant_cargo() {
  local features=$1 shared=$2 subcommand=$3
  shift 3
  local arguments=(--target "$TARGET" --target-dir "$(variant_target_dir "$shared")" "${CARGO_FLAGS[@]}")
  # Lets a stable compiler take unstable flags. Set for all calls, because some libraries are built anew when it changes.
  local -x RUSTC_BOOTSTRAP=1
  if [[ -n $features ]]; then
    arguments+=(-Zprofile-rustflags --config "profile.release.package.headlight.rustflags=['-Ctarget-feature=$features']")
  fi
  if [[ $shared == *+atomics* ]]; then
    # The standard library that rustup installs is built without atomics; where nothing is linked, it will do. `test` is for
    # tests, but libraries compiled without it would not be the same to Cargo.
    [[ $subcommand == clippy ]] || arguments+=(-Zbuild-std=std,panic_abort,test)
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Ctarget-feature=$shared ${THREAD_LINK_ARGS[*]}" \
      cargo "$subcommand" "${arguments[@]}" "$@"
  else
    cargo "$subcommand" "${arguments[@]}" "$@"
  fi
}

wasm_variant() {
  local name=$1 features=$2 shared=$3 opt=$4 out=www/pkg/$1 built
  variant_cargo "$features" "$shared" build --release --lib
  built=$(variant_target_dir "$shared")/$TARGET/release/headlight.wasm
  if [[ $out/headlight_bg.wasm -nt $built && $out/headlight_bg.wasm -nt build.sh ]]; then
    return
  fi
  rm -rf "$out.new"
  "$TOOLS/bin/wasm-bindgen" --target web --out-dir "$out.new" --out-name headlight "$built"
  if [[ -x $BIN/wasm-opt ]]; then
    # shellcheck disable=SC2086 # a list of flags
    "$BIN/wasm-opt" "${WASM_OPT[@]}" $opt "$out.new/headlight_bg.wasm" -o "$out.new/headlight_bg.wasm"
  else
    warn 'no wasm-opt (npm ci installs it): the module works but is larger and slower'
  fi
  # The page never sees a folder that is half written.
  rm -rf "$out"
  mv "$out.new" "$out"
}

# All builds, or those named.
wasm() {
  mkdir -p www/pkg
  each_variant wasm_variant "$@"
}

vendor() {
  if [[ ! -f www/js/vendor-entry.js ]]; then
    warn 'no www/js/vendor-entry.js: nothing to vendor'
  elif [[ ! www/vendor/d3.js -nt www/js/vendor-entry.js || ! www/vendor/d3.js -nt package-lock.json ||
    ! www/vendor/d3.js -nt scripts/vendor.mjs ]]; then
    node scripts/vendor.mjs www/js/vendor-entry.js www/vendor/d3.js
  fi
  # What the page for measuring compares the engine with.
  if [[ ! www/vendor/roofline.wasm -nt scripts/roofline.mjs || ! www/vendor/roofline.wasm -nt package-lock.json ]]; then
    node scripts/roofline.mjs www/vendor
  fi
}

build() {
  build_tools
  wasm
  vendor
}

size_of() { stat -c %s "$1" 2>/dev/null || stat -f %z "$1"; }

wasm_sizes() {
  local file
  for file in "$1"/pkg/*/*.wasm; do
    printf '%10d bytes, %9d gzip -9  %s\n' "$(size_of "$file")" "$(gzip -9 -c "$file" | wc -c)" "$file"
  done
}

# --- checks -----------------------------------------------------------------------------------------------------

clippy_native() { cargo clippy --all-targets "${CARGO_FLAGS[@]}" -- -D warnings; }

clippy_variant() { variant_cargo "$2" "$3" clippy --release --lib --tests -- -D warnings; }

# These two have all conditional code between them.
clippy_wasm() { each_variant clippy_variant simd128 relaxed-threads; }

tests_native() { cargo test "${CARGO_FLAGS[@]}"; }

# Without documentation tests, which rustdoc would compile without the target's flags, and tests of threads, which a page
# gives to the engine; both have run natively. Optimised, because the libraries are then built only once, and because that
# is what people run.
tests_wasm_variant() {
  local path=$PATH
  if [[ $2 == *relaxed* ]]; then
    # Node has relaxed SIMD, and the instruction that it is for, since version 22.
    [[ ! -x $NEWER_NODE/node ]] || path=$NEWER_NODE:$PATH
    local reason script='import("./www/js/worker/features.js").then((f) => console.log(f.relaxedBarred() ?? ""))'
    reason=$(PATH=$path node -e "$script")
    if [[ -n $reason ]]; then
      warn "$1 is not tested: $reason"
      return
    fi
  fi
  # Without the unstable flag, Cargo would build all libraries a second time, for tests that unwind.
  PATH=$path variant_cargo "$2" "$3" test --release --lib --test engine -Zpanic-abort-tests
}

# Each build right after its tests, which have compiled the crate for it: what another build compiles takes its place.
tested_wasm_variant() {
  tests_wasm_variant "$@"
  wasm_variant "$@"
}

tests_wasm() {
  mkdir -p www/pkg
  each_variant tested_wasm_variant
}

# Node's engine has simd128 and threads but no relaxed SIMD switched on: a baseline module that slipped such an
# instruction in fails here as it would in an older browser.
validate() {
  node scripts/validate.mjs www/pkg/simd128/headlight_bg.wasm www/pkg/simd128-threads/headlight_bg.wasm \
    --not www/pkg/relaxed/headlight_bg.wasm www/pkg/relaxed-threads/headlight_bg.wasm
}

tests_js() {
  local files=()
  mapfile -t files < <(find tests/js -name '*.test.js' -o -name '*.test.mjs' 2>/dev/null | sort)
  ((${#files[@]})) || die 'no tests in tests/js'
  node --test "${files[@]}"
}

# Those of the training scripts that need nothing but Python; the others skip themselves.
tests_train() { python3 -m unittest discover -s train -p 'test_*.py'; }

types() {
  local config
  for config in page worker tests; do
    echo "tsconfig.$config.json"
    "$BIN/tsc" --noEmit --strict -p "tsconfig.$config.json"
  done
}

biome_check() { "$BIN/biome" ci --colors=off .; }

# `cargo test` has built the program, or nearly so.
tests_cli() {
  cargo build --bin headlight "${CARGO_FLAGS[@]}"
  HEADLIGHT_CLI=target/debug/headlight node --test tests/cli/*.test.mjs
}

# Tests in which a person's pace counts, or that keep all cores busy: one browser alone.
ALONE=(suggesting bench)

# They compare the page with the program that `tests_cli` built.
tests_browser() {
  local name alone=() others=() failed=
  mkdir -p artifacts
  rm -f artifacts/failed-*.png
  for name in tests/browser/*.test.mjs; do
    if [[ " ${ALONE[*]} " == *" $(basename "$name" .test.mjs) "* ]]; then alone+=("$name"); else others+=("$name"); fi
  done
  local -x HEADLIGHT_CLI=target/debug/headlight
  # Much of their time they wait, for downloads, their faults, or a view to be drawn.
  node --test --test-concurrency=2 "${others[@]}" || failed=yes
  ((${#alone[@]} == ${#ALONE[@]})) || die "not all of ${ALONE[*]} are there"
  node --test --test-concurrency=1 "${alone[@]}" || failed=yes
  [[ -z $failed ]] || die 'browser tests failed'
}

# --- commands ---------------------------------------------------------------------------------------------------

serve() {
  step 'build' build
  exec node tests/serve.mjs --port "${1:-8000}"
}

run_tests() {
  [[ ! -f Cargo.lock ]] || CARGO_FLAGS=(--locked)
  step 'tools' build_tools
  step 'newer Node' newer_node
  step 'browser' browser_tools
  step 'rustfmt' cargo fmt --check
  step 'clippy, native' clippy_native
  step 'clippy, wasm' clippy_wasm
  step 'Rust tests, native' tests_native
  step 'Rust tests and builds, wasm in Node' tests_wasm
  wasm_sizes www
  step 'wasm validation' validate
  step 'vendored libraries' vendor
  step 'biome' biome_check
  step 'types' types
  step 'JavaScript tests' tests_js
  step 'training scripts' tests_train
  step 'command line tests' tests_cli
  step 'browser tests' tests_browser
  say 'all passed'
  printf '%s\n' "${TIMES[@]}"
}

dist() {
  step 'build' build
  say 'dist'
  rm -rf dist
  cp -R www dist
  # Types and the vendor entry serve the developer only; wasm-bindgen adds a package.json and a .gitignore.
  find dist \( -name '*.d.ts' -o -name 'vendor-entry.js' -o -name '.gitignore' -o -name 'package.json' \) -delete
  # GitHub Pages would otherwise run Jekyll over the folder.
  touch dist/.nojekyll
  echo 'largest files:'
  find dist -type f | while read -r file; do printf '%10d  %s\n' "$(size_of "$file")" "$file"; done |
    sort -rn | sed -n 1,12p
  wasm_sizes dist
  printf '%10d bytes in all, %d files\n' \
    "$(find dist -type f -exec cat {} + | wc -c)" "$(find dist -type f | wc -l)"
}

bench() {
  step 'build' build
  step 'browser' browser_tools
  step 'native tool' cargo build --release --bin headlight
  node tests/bench/run.mjs "$@"
}

command=${1:-}
[[ $# == 0 ]] || shift
case $command in
  serve) serve "$@" ;;
  test | check) run_tests ;;
  dist) dist ;;
  bench) bench "$@" ;;
  # Steps of the above, for whoever works on one part.
  build | wasm | vendor) "$command" "$@" ;;
  *)
    usage >&2
    exit 2
    ;;
esac

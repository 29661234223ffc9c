#!/bin/bash
# Proves everything: installs what is missing, then checks, builds and tests the whole workspace.
#
#   ./tests/all.sh            everything
#   ./tests/all.sh install    only installs what the tests run, on Debian or what derives from it
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

# Programs that the tests run, each with the Debian package that brings it.
install_programs() {
    local packages=() program package
    while read -r program package; do
        command -v "$program" >/dev/null || packages+=("$package")
    done <<-END
		h2load nghttp2-client
		wrk wrk
		promtool prometheus
		valgrind valgrind
		curl curl
		unshare util-linux
		taskset util-linux
		redis-server redis-server
		haproxy haproxy
		cc gcc
	END
    # The collector is linked with the interpreter's library.
    compgen -G '/usr/lib/*/libpython3.11.so.1.0' >/dev/null || packages+=(libpython3.11)
    # Debian keeps the server out of PATH.
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || packages+=(postgresql)
    /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
    if ((${#packages[@]})); then
        say "installing ${packages[*]}"
        local root=()
        ((EUID == 0)) || root=(sudo)
        "${root[@]}" apt-get update -q
        DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -q -y --no-install-recommends "${packages[@]}"
    fi
}

# Python programs that the tests run: an OpenTelemetry collector, OpenTelemetry's own SDK, and Prometheus' own parser.
install_python() {
    local environment=target/tests-python packages=(
        rotel==0.0.1a15
        opentelemetry-sdk==1.45.2
        opentelemetry-exporter-otlp-proto-http==1.45.2
        prometheus-client==0.26.0
    )
    [[ $(cat "$environment/packages" 2>/dev/null) == "${packages[*]}" ]] && return
    say "installing ${packages[*]}"
    rm -rf "$environment"
    /usr/bin/python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet "${packages[@]}"
    echo "${packages[*]}" >"$environment/packages"
}

install_programs
install_python
[[ ${1:-} == install ]] && exit

say 'format'
cargo fmt --all --check

say 'lints'
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

say 'each feature of the runtime alone'
features=$(cargo metadata --locked --no-deps --format-version 1 | /usr/bin/python3 -c '
import json, sys
[runtime] = [p for p in json.load(sys.stdin)["packages"] if p["name"] == "seaworthy"]
print(*runtime["features"])')
for feature in '' $features; do
    cargo clippy --locked --quiet -p seaworthy --no-default-features --features "$feature" -- -D warnings
done

say 'documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --all-features --no-deps

say 'tests'
# Most tests wait for a process, so more of them than there are cores run at once.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-6} cargo test --locked --workspace --all-features --no-fail-fast

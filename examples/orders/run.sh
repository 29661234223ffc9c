#!/bin/bash
# Runs the service on http://127.0.0.1:8080, with a PostgreSQL and a Redis of its own that are gone when it stops (Ctrl-C).
# With DATABASE_URL and REDIS_URL set, with those, which stay.
set -euo pipefail
cd "$(dirname "$0")"

folder=$(mktemp -d)
servers=()
stop() {
    ((${#servers[@]} == 0)) || kill "${servers[@]}" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap stop EXIT

missing() {
    echo "$1 is missing: install it with \`apt-get install $2\`, or set $3 to the URL of one that runs" >&2
    exit 1
}

if [[ -z ${DATABASE_URL:-} ]]; then
    programs=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1) || missing PostgreSQL postgresql DATABASE_URL
    as=()
    # PostgreSQL refuses to run as root.
    if ((EUID == 0)); then
        chown postgres "$folder"
        as=(setpriv --reuid=postgres --regid=postgres --init-groups)
    fi
    (cd "$folder" && "${as[@]}" "$programs/initdb" -D data -U postgres -A trust -E UTF8 --no-locale >initdb.log)
    (cd "$folder" && exec "${as[@]}" "$programs/postgres" -D data -k "$folder" -h 127.0.0.1 -p 15432 >postgres.log 2>&1) &
    servers+=($!)
    export DATABASE_URL=postgres://postgres@127.0.0.1:15432/postgres
fi
if [[ -z ${REDIS_URL:-} ]]; then
    command -v redis-server >/dev/null || missing Redis redis-server REDIS_URL
    redis-server --bind 127.0.0.1 --port 16379 --dir "$folder" --save '' >"$folder/redis.log" &
    servers+=($!)
    export REDIS_URL=redis://127.0.0.1:16379
fi
# Sessions of one run mean nothing to the next.
export SESSION_KEY=${SESSION_KEY:-$(head -c 32 /dev/urandom | base64)}
export HTTP_ADDR=${HTTP_ADDR:-127.0.0.1:8080} ADMIN_ADDR=${ADMIN_ADDR:-127.0.0.1:9090}

cargo build --quiet --package orders
orders=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/orders
"$orders" migrate
"$orders" &
service=$!
trap 'kill -TERM $service' TERM
trap 'kill -INT $service' INT
# A signal ends the first wait, and the second gives the exit code.
wait $service || wait $service

#!/bin/bash
set -e
pid="$(ctx instance runtime-properties get pid)"
if [ -z "$pid" ]; then
    ctx logger info "The server does not run"
    exit 0
fi

# A process that has ended stays in the list until its parent has taken note.
runs() { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$pid/status" 2> /dev/null; }

kill "$pid" 2> /dev/null || true
for _ in $(seq 100); do
    runs || break
    sleep 0.05
done
if runs; then
    ctx logger warning "The server did not end within five seconds and is killed"
    kill -9 "$pid"
fi

rm -f "$(ctx instance runtime-properties log)"
ctx instance runtime-properties pop pid > /dev/null
ctx instance runtime-properties pop url > /dev/null
ctx logger info "Stopped the server (process $pid)"

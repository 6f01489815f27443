#!/bin/bash
# Serves the site's folder in the background, from a process that outlives this script and its operation.
set -e
log="$folder/../$(ctx instance id).log"

# A session of its own, so that ending the operation does not end the server. Its output goes to a file: nobody reads the
# script's any more when the script has ended.
: > "$log"
setsid nohup python3 -u -m http.server "$port" --bind "$address" --directory "$folder" > "$log" 2>&1 < /dev/null &
pid=$!
# Where this script fails, it leaves nothing running.
trap 'kill "$pid" 2> /dev/null' ERR

# It says which port it got.
for _ in $(seq 200); do
    port=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\) .*/\1/p' "$log")
    [ -n "$port" ] && break
    if ! kill -0 "$pid" 2> /dev/null; then
        tail -n 5 "$log" >&2
        false
    fi
    sleep 0.05
done
if [ -z "$port" ]; then
    ctx abort-operation "The server did not start within ten seconds."
fi

ctx instance runtime-properties pid "@$pid"
ctx instance runtime-properties address "$address"
ctx instance runtime-properties port "@$port"
ctx instance runtime-properties url "http://$address:$port/"
ctx instance runtime-properties folder "$folder"
ctx instance runtime-properties log "$log"
ctx logger info "Serving $folder at http://$address:$port/ (process $pid)"

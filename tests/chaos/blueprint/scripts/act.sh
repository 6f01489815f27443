#!/bin/bash
# Does what the Python operation does, with a child of its own.
exec 9<>"$(dirname "$event_log")/locks/$execution.$name"
what=start
flock --nonblock 9 || what=twin
say() {
    read -r -a stat < "/proc/$2/stat"
    printf '{"time": %s, "what": "%s", "execution": "%s", "name": "%s", "operation": "%s", "pid": %s, "birth": %s}\n' \
        "$EPOCHREALTIME" "$1" "$execution" "$name" "$CLOUDWRIGHT_CHILD" "$2" "${stat[21]}" >> "$event_log"
}
say "$what" $$
# Which has a process group of its own.
timeout 300 sleep "$seconds" &
child=$!
say child "$child"
wait "$child"
ctx instance runtime-properties "$name" 1
say end $$

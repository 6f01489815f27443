#!/bin/bash
# Does what the Python operation does, with a child that it starts in one of the ways that scripts know.
exec 9<>"$(dirname "$event_log")/locks/$execution.$name"
what=start
flock --nonblock 9 || what=twin
say() {
    read -r -a stat < "/proc/$2/stat"
    printf '{"time": %s, "what": "%s", "execution": "%s", "name": "%s", "operation": "%s", "pid": %s, "birth": %s}\n' \
        "$EPOCHREALTIME" "$1" "$execution" "$name" "$CLOUDWRIGHT_CHILD" "$2" "${stat[21]}" >> "$event_log"
}
say "$what" $$
case "$way" in
    job) set -m; sleep "$seconds" & ;;
    setsid) setsid sleep "$seconds" & ;;
    nohup) nohup sleep "$seconds" > /dev/null 2>&1 & ;;
    empty) env -i sleep "$seconds" & ;;
    deaf) (trap '' TERM HUP INT; exec sleep "$seconds") & ;;
    *) timeout 300 sleep "$seconds" & ;;
esac
child=$!
say child "$child"
wait "$child"
ctx instance runtime-properties "$name" 1
say end $$

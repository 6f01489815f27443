#!/bin/bash
# Does what the Python operation does, with a child of its own.
echo "start $name $$" >> "$tape"
sleep "$seconds" &
child=$!
echo "child $name $child $$" >> "$tape"
wait "$child"
ctx instance runtime-properties "$name" done
echo "end $name $$" >> "$tape"

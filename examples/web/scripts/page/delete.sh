#!/bin/bash
set -e
file="$(ctx instance runtime-properties get file)"
[ -z "$file" ] || rm -f "$file"

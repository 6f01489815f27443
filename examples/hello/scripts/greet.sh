#!/bin/bash
set -e
# The operation's inputs are in the environment.
message="Hello, $name!"

ctx logger info "$message"
ctx instance runtime-properties message "$message"

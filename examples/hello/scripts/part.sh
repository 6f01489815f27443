#!/bin/bash
set -e
ctx logger info "Good bye. It was: $(ctx instance runtime-properties message)"

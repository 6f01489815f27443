#!/bin/bash -e
ctx logger info "clearing my throat"
ctx instance runtime-properties said "$greeting world"

#!/bin/bash -e
rm "$FOLDER/$(ctx instance id)"

#!/bin/bash -e
id=$(ctx instance id)
ctx logger info "Creating $id"
echo "$GREETING $id" > "$FOLDER/$id"
ctx instance runtime-properties greeting "$GREETING"
ctx instance runtime-properties place.folder "$FOLDER"

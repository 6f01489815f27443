#!/bin/bash
# Writes the page into the site's folder, from a template.
set -e
name="$(ctx instance id).html"

ctx download-resource-and-render resources/page.html "$folder/$name" > /dev/null
ctx instance runtime-properties file "$folder/$name"
ctx instance runtime-properties name "$name"
ctx logger info "Wrote $folder/$name"

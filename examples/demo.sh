#!/usr/bin/env bash
# Shows what Cloudwright does, for real: a web site served by this machine, and workflows stopped in every way.
set -euo pipefail
cd "$(dirname "$0")/.."

CLOUDWRIGHT_HOME=$(mktemp -d "${TMPDIR:-/tmp}/cloudwright-demo.XXXXXX")
export CLOUDWRIGHT_HOME
# What its operations need for a while goes there too.
export TMPDIR="$CLOUDWRIGHT_HOME/tmp"
mkdir "$TMPDIR"
manager=""

say()  { printf '\n== %s\n' "$*"; }
run()  { printf '$ %s\n' "$*"; "$@"; }
fail() { printf '\nThe demonstration went wrong: %s\n' "$*" >&2; sed 's/^/  manager: /' "$CLOUDWRIGHT_HOME/up.log" >&2; exit 1; }

# The process id of the site's server, which its node instance keeps while it runs; empty if none runs.
server_pid() {
  cfy node-instances list -d site --json | python -c '
import json, sys
for instance in json.load(sys.stdin):
    if instance["node_id"] == "server":
        print(instance["runtime_properties"].get("pid", ""))'
}

# Leave nothing behind: only processes that were started here are ended, by their ids.
tidy() {
  trap - EXIT INT TERM
  if [ -n "$manager" ]; then
    # The site's server, if something went wrong before it was uninstalled.
    server=$(server_pid 2>/dev/null || true)
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    kill "$manager" 2>/dev/null || true
    wait "$manager" 2>/dev/null || true
  fi
  rm -rf "$CLOUDWRIGHT_HOME"
}
trap tidy EXIT
trap 'exit 130' INT TERM

# One field of the JSON document on standard input: field '["id"]'.
field() { python -c "import json, sys; print(json.load(sys.stdin)$1)"; }
note() { printf '%s\n' "$*"; }
# start WORKFLOW PARAMETERS: start it on the site without following it; the execution's id is in $id.
start() {
  printf "$ cfy executions start %s -d site -p '%s' --no-follow\n" "$1" "$2"
  id=$(cfy executions start "$1" -d site --no-follow --json -p "$2" | field '["id"]')
  note "Execution $id runs."
}
status() { cfy executions get "$1" --json | field '["status"]'; }
# done_operations ID: a line for each that succeeded, with when it started and ended.
done_operations() {
  cfy executions operations list "$1" --state succeeded --json | python -c '
import json, sys
for each in json.load(sys.stdin):
    print(each["id"], each["started_at"], each["ended_at"])' | sort
}
# until_event ID TEXT: follow the execution's events until one says TEXT.
until_event() { grep -m1 -q -- "$2" < <(cfy events list --tail "$1" 2>/dev/null) || fail "no event \`$2\`"; }
# gone ID: wait until nothing of it runs any more, for half a minute at most.
gone() {
  for _ in $(seq 60); do
    [ "$(cfy executions get "$1" --json | field '["residual_operations"]')" = 0 ] && return
    sleep 0.5
  done
  fail "operations of execution $1 still run"
}
# ended ID STATUS: wait for its end, which must be STATUS.
ended() {
  cfy events list --tail "$1" >/dev/null 2>&1 || true
  [ "$(status "$1")" = "$2" ] || fail "execution $1 is $(status "$1") and not $2"
  printf 'It has ended: %s\n' "$2"
}

say "A manager: one process, everything it needs inside, on loopback"
mkfifo "$CLOUDWRIGHT_HOME/ready"
cloudwright up --port 0 >"$CLOUDWRIGHT_HOME/ready" 2>"$CLOUDWRIGHT_HOME/up.log" &
manager=$!
read -r line <"$CLOUDWRIGHT_HOME/ready" || fail "the manager did not start"
printf '%s\n' "$line"

say "Install a web site: a server, its pages, and the links between them"
run cfy install examples/web/blueprint.yaml -b site -d site
run cfy node-instances list -d site
run cfy deployments outputs site
url=$(cfy deployments outputs site --json | field '["front_page"]["value"]')
printf '$ fetch %s\n' "$url"
python - "$url" <<'PYTHON'
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode().strip())
PYTHON

say "Cancel a long workflow: it starts no further task, and the running operations are notified"
start long_task '{seconds: 60, rounds: 20}'
until_event "$id" "started on"
run cfy executions cancel "$id"
ended "$id" cancelled
run cfy executions operations list "$id"
note "Those that ran were notified and left early: their work is not done, so they count as failed. None was started after them."

say "Cancel one that cleans up first"
start polite '{seconds: 30}'
until_event "$id" succeeded
run cfy executions cancel "$id"
ended "$id" cancelled
run cfy events list "$id" --no-logs

say "One that ignores the request is ended by force"
start stubborn '{seconds: 600}'
until_event "$id" "of deployment"
run cfy executions cancel "$id"
until_event "$id" "going on"
note "It says that it goes on, and its status is: $(status "$id")"
run cfy executions cancel --force "$id"
ended "$id" cancelled

say "One whose operation hangs: force ends the workflow, and what still runs is not hidden"
start hang '{seconds: 600}'
until_event "$id" "started on"
run cfy executions cancel --force "$id"
ended "$id" cancelled
run cfy executions operations list "$id"

say "A kill ends that operation too; it ignores SIGTERM, so five seconds later comes SIGKILL"
run cfy executions cancel --kill "$id"
gone "$id"
run cfy executions operations list "$id"
note "It counts as failed: it was ended before it was done. The list has nothing residual left."

say "Cancel one in the middle, and resume it to its end: nothing that was done is done again"
start resumable '{seconds: 1, rounds: 8}'
until_event "$id" succeeded
run cfy executions cancel "$id"
ended "$id" cancelled
done_before=$(done_operations "$id")
note "Operations that it has done by now: $(wc -l <<<"$done_before")"
run cfy executions resume "$id"
ended "$id" terminated
done_after=$(done_operations "$id")
note "Operations that it has done now: $(wc -l <<<"$done_after")"
[ -z "$(comm -23 <(printf '%s\n' "$done_before") <(printf '%s\n' "$done_after"))" ] || fail "an operation was done again"
note "Those of before are as they were: same start, same end."

say "Uninstall it all"
run cfy uninstall site
run cfy executions list

say "End the manager"
kill "$manager"
wait "$manager" || fail "the manager ended with an error"
manager=""
left=$(pgrep -f "$CLOUDWRIGHT_HOME" || true)
[ -z "$left" ] || fail "processes were left behind: $left"
printf 'No process is left. That was the demonstration; the README says how to continue.\nLook at your own in a browser: `cfy console` opens it signed in.\n'

"""The script with which a machine installs its agent when it first starts: for cloud-init, or by hand."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from cloudwright.operation.host_scripts import ROOT, SHELL_USER, place, pythons, run_words, start

_SCRIPT = """\
#!/bin/sh
# Installs the Cloudwright agent {name}. The token in it works once, until {expires}.
set -eu
umask 077
python=""
for found in {pythons}; do
  if "$found" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$("$found" -c 'import sys; print(sys.executable)')
    break
  fi
done
if [ -z "$python" ]; then
  echo "cloudwright: this machine has no Python 3.11 or newer, which its agent needs" >&2
  exit 1
fi
mkdir -p {folder}
cd {folder}
{certificate}
[ -e token ] || printf %s {token} > enrolment
CLOUDWRIGHT_AGENT_TOKEN="$(cat token enrolment 2>/dev/null | head -n 1)" "$python" - {url} <<'END'
{download}
END
printf '#!/bin/sh\\nexec "%s" %s "$@"\\n' "$python" {words} > run
if [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; then
{systemd}
else
{supervised}
fi
"""
#: Fetches the agent's program, again and again until the manager answers.
_DOWNLOAD = """\
import os, ssl, sys, time, urllib.error, urllib.request
context = ssl.create_default_context(cafile="manager.pem" if os.path.exists("manager.pem") else None)
handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
opener = urllib.request.build_opener(*handlers)
headers = {"Authorization": "Bearer " + os.environ["CLOUDWRIGHT_AGENT_TOKEN"]}
while True:
    try:
        request = urllib.request.Request(sys.argv[1] + "/agents/v1/program", headers=headers)
        with opener.open(request, timeout=30) as answer, open("agent.pyz.new", "wb") as file:
            while part := answer.read(65536):
                file.write(part)
        os.replace("agent.pyz.new", "agent.pyz")
        break
    except urllib.error.HTTPError as error:
        if error.code < 500:
            sys.exit("cloudwright: " + error.read().decode("utf-8", "replace"))
        problem = error
    except urllib.error.URLError as error:
        problem = error
    print("cloudwright: no agent from the manager yet:", problem, file=sys.stderr)
    time.sleep(5)"""
_CERTIFICATE = "cat > manager.pem <<'END'\n{pem}\nEND"


def init_script(name: str, enrolled: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return the script for the agent ``name``, of what enrolling it returned and its ``agent_config``."""
    extra = config.get("extra") or {}
    where = place(name, ROOT, extra.get("folder"), config.get("service_name"))
    url, pem = str(enrolled["manager_url"]), enrolled.get("manager_certificate")
    options = ["--enrolment-file", f"{where.folder}/enrolment"]
    options += ["--ca-file", f"{where.folder}/manager.pem"] if pem else []
    if config.get("max_workers"):
        options += ["--capacity", str(config["max_workers"])]
    words = shlex.join(run_words(where, url, options))
    return _SCRIPT.format(
        name=name,
        expires=enrolled.get("expires_at"),
        pythons=" ".join(map(shlex.quote, pythons(extra.get("python")))),
        folder=shlex.quote(where.folder),
        certificate=_CERTIFICATE.format(pem=str(pem).strip()) if pem else "",
        token=shlex.quote(str(enrolled["token"])),
        url=shlex.quote(url),
        download=_DOWNLOAD,
        words=shlex.quote(words),
        systemd=start(where, ROOT),
        supervised=start(where, SHELL_USER),
    )

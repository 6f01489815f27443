"""A manager below a service manager: what it is told, and whether the files in `contrib` are sound."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from manager_process import running_manager

from cloudwright.settings import PREFIX, Settings

CONTRIB = Path(__file__).parents[2] / "contrib"
UNIT = CONTRIB / "systemd" / "cloudwright.service"


def test_a_service_manager_is_told_how_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(60)
        environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "300000"}
        with running_manager(tmp_path, environment=environment):
            messages = [told.recv(4096).decode()]
            # Signs of life come again and again for as long as it runs.
            messages += [told.recv(4096).decode() for _ in range(3)]
        told.setblocking(False)
        while True:
            try:
                messages.append(told.recv(4096).decode())
            except BlockingIOError:
                break
    assert messages[0].startswith("READY=1\nSTATUS=Answers at http://127.0.0.1:")
    assert messages[1:4] == ["WATCHDOG=1"] * 3
    assert messages[-1] == "STOPPING=1\nSTATUS=Ending what runs"


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
    settings = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert settings["Type"] == "notify"
    assert settings["ExecStart"].endswith("/cloudwright up")
    # 75 is what `app.LOST_DATABASE` says.
    assert settings["RestartPreventExitStatus"] == "75"
    verifier = shutil.which("systemd-analyze")
    if verifier is not None:
        unit = tmp_path / UNIT.name
        unit.write_text(text.replace("/opt/cloudwright/bin/cloudwright", sys.executable))
        done = subprocess.run([verifier, "verify", str(unit)], capture_output=True, text=True, timeout=60)
        # Other units of the machine are no matter of this test.
        about = [line for line in done.stderr.splitlines() if UNIT.name in line]
        assert about == []


@pytest.mark.parametrize("name", ["container/Containerfile", "container/compose.yaml"])
def test_a_file_for_containers_names_what_there_is(name: str) -> None:
    text = (CONTRIB / name).read_text("utf-8")
    variables = {field.upper() for field in Settings.__dataclass_fields__}
    assert set(re.findall(rf"{PREFIX}(\w+)(?==|: )", text)) <= variables
    root = CONTRIB.parent
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for source in line.split():
            assert (root / source).exists(), source
    if name.endswith(".yaml"):
        services = yaml.safe_load(text)["services"]
        build = services["manager"]["build"]
        context = (CONTRIB / name).parent / build["context"]
        assert (context / build["dockerfile"]).exists()
        assert set(services["manager"]["depends_on"]) <= set(services)

"""What a zygote imports for its children, and what it leaves to them, because the import does more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys, threading
sys.path.insert(0, sys.argv[1])
from cloudwright.operation import warm_imports
refused = warm_imports.warm(json.loads(sys.argv[2]))
there = [name for name in json.loads(sys.argv[2])["modules"] if name in sys.modules]
nothing = warm_imports.newly_loaded("harmless.run")
import colorsys
import not_installed
later = warm_imports.newly_loaded("harmless.run")
print(json.dumps({"refused": refused, "there": there, "nothing": nothing, "later": later}))
"""
HARMFUL = {
    "import threading\nthreading.Thread(target=print).start()": "starts a thread",
    "import os\nif os.fork() == 0: os._exit(0)": "forks",
    "import subprocess\nsubprocess.run(['true'])": "starts a program",
    "import os\nos._exit(3)": "ended the process",
    "import time\ntime.sleep(3600)": "took longer than 2 s",
    "open('{folder}/made', 'w')": "writes to a file",
    "import os\nos.mkdir('{folder}/made')": "makes a folder",
    "import tempfile\ntempfile.mkdtemp()": "writes to a file",
    "import socket\nKEPT = socket.create_server(('127.0.0.1', 0))": "an open file or socket",
    "import os\nos.environ['HARM'] = '1'": "changes the environment",
    "import signal\nsignal.signal(signal.SIGUSR1, print)": "a handler of a signal",
    "KEPT = bytearray(1 << 30)": "MemoryError",
    "raise ValueError('no')": "ValueError",
    "try:\n    open('{folder}/made', 'w')\nexcept Exception:\n    pass": "writes to a file",
}


def warmed(folder: Path, *modules: str) -> dict[str, object]:
    wanted = json.dumps({"modules": modules, "models": [], "seconds": 2.0})
    (folder / "not_installed.py").write_text("")
    command = [sys.executable, "-c", PROGRAM, str(folder), wanted]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    said: dict[str, object] = json.loads(ran.stdout)
    return said


@pytest.mark.parametrize("code", HARMFUL)
def test_an_import_that_does_more_is_left_to_operations(code: str, tmp_path: Path) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "harmful.py").write_text(code.replace("{folder}", str(tmp_path)))
    (folder / "harmless.py").write_text("import decimal\n")
    said = warmed(folder, "harmful", "harmless")
    assert isinstance(said["refused"], dict)
    assert list(said["refused"]) == ["harmful"]
    assert HARMFUL[code] in said["refused"]["harmful"]
    assert said["there"] == ["harmless"]
    assert not (tmp_path / "made").exists()


def test_operations_say_what_their_zygote_had_not(tmp_path: Path) -> None:
    (tmp_path / "harmless.py").write_text("")
    said = warmed(tmp_path, "harmless")
    assert said["nothing"] is None
    # What is no part of the environment, such as a script, is not said.
    assert said["later"] == {"modules": ["colorsys"], "models": []}

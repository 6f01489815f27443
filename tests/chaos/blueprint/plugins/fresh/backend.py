"""Builds the wheel of this project, as its installer asks for, and starts what outlives that for a while."""

from __future__ import annotations

import json
import os
import subprocess
import time
import zipfile

from chaos.event_log import write

INFO = "fresh-1.dist-info"
FILES = {
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: fresh\nVersion: 1\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: chaos\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/RECORD": "",
}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with open("fresh.json") as file:
        told = json.load(file)
    write(told["event_log"], "child", "", "installer")
    for command in (["timeout", "300", "sleep", "300"], ["setsid", "env", "-i", "sleep", "300"]):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        write(told["event_log"], "child", "", "installer", process.pid)
    time.sleep(told["seconds"])
    name = "fresh-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in FILES.items():
            wheel.writestr(path, text)
    return name

"""``fusion-common``, which plugins of Cloudify require and no registry has.

It is the later name of ``cloudify-common``, which it requires for the libraries that come with it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from cloudwright.process.shared_runtime import purelib

_INFO = "fusion_common-7.1.0.dist-info"
_METADATA = "Metadata-Version: 2.1\nName: fusion-common\nVersion: 7.1.0\nRequires-Dist: cloudify-common>=7\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: cloudwright\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def provide(home: Path) -> None:
    """Let the environment ``home`` have it."""
    folder = purelib(home) / _INFO
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(_METADATA, "utf-8")
    (folder / "INSTALLER").write_text("cloudwright\n", "utf-8")
    (folder / "RECORD").write_text("", "utf-8")


def write_wheel(folder: Path) -> None:
    """Put a wheel of it into ``folder``."""
    with zipfile.ZipFile(folder / "fusion_common-7.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{_INFO}/METADATA", _METADATA)
        wheel.writestr(f"{_INFO}/WHEEL", _WHEEL)
        wheel.writestr(f"{_INFO}/RECORD", f"{_INFO}/METADATA,,\n{_INFO}/WHEEL,,\n{_INFO}/RECORD,,\n")

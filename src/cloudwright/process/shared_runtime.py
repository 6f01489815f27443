"""Lets the interpreter of a plugin's environment find this project and what it came with."""

from __future__ import annotations

import importlib.util
import site
import sysconfig
from pathlib import Path

import cloudwright


def purelib(home: Path) -> Path:
    """Return where libraries are in the environment ``home``."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))


def bundled(name: str) -> list[Path]:
    """Return the wheels of a library that came with Python, for environments without one."""
    # Some systems have `ensurepip` in a package of its own.
    found = importlib.util.find_spec("ensurepip")
    folders = [Path("/usr/share/python-wheels")]
    if found is not None and found.origin is not None:
        folders.insert(0, Path(found.origin).parent / "_bundled")
    return [wheel for folder in folders for wheel in sorted(folder.glob(f"{name}-*.whl"))]


def share_runtime(home: Path) -> None:
    """Let the environment's interpreter find this project, behind everything that the plugin brought
    itself; and setuptools behind that, whose `pkg_resources` older plugins import without requiring it.
    """
    setuptools = map(str, bundled("setuptools")[:1])
    own = [str(Path(cloudwright.__file__).parent.parent), *site.getsitepackages(), *setuptools]
    (purelib(home) / "zz_cloudwright.pth").write_text(
        "".join(f"{path}\n" for path in dict.fromkeys(own)), "utf-8"
    )

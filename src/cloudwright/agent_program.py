"""The program of an agent as one file, for hosts that have nothing but Python.

It is a zip archive that Python runs, of this project's modules and of the libraries that they import, without
compiled parts. It unpacks itself in the agent's home (``worker.one_file``).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

#: What an agent and the children of its operations import.
_PACKAGES = (
    *("builtin", "child", "compat", "dsl", "model", "operation", "planning", "process", "worker", "workflow"),
)
_MODULES = ("__init__", "agent_program", "background", "errors")
#: The libraries that these import, and those that plugins and scripts expect.
_LIBRARIES = (
    *("certifi", "charset_normalizer", "dateutil", "idna", "jinja2", "markupsafe", "requests", "six"),
    *("typing_extensions", "urllib3", "websockets", "yaml"),
)
#: Of libraries, what is not their code.
_DATA = frozenset({".pem"})
#: Every file has this time, so that the same code makes the same archive.
_TIME = (1980, 1, 1, 0, 0, 0)


@cache
def build() -> bytes:
    """Return the archive."""
    own = Path(__file__).parent
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        _add(packed, "__main__.py", own / "worker" / "one_file.py")
        for name in _MODULES:
            _add(packed, f"cloudwright/{name}.py", own / f"{name}.py")
        for name in _PACKAGES:
            for file in _files(own / name):
                _add(packed, f"cloudwright/{file.relative_to(own)}", file)
        for name in _LIBRARIES:
            for path, file in _library(name):
                _add(packed, path, file)
    return archive.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file


def _library(name: str) -> Iterator[tuple[str, Path]]:
    found = find_spec(name)
    if found is None or found.origin is None:
        return
    if not found.submodule_search_locations:
        yield f"{name}.py", Path(found.origin)
        return
    folder = Path(found.origin).parent
    for file in _files(folder):
        if file.suffix == ".py" or file.suffix in _DATA:
            yield f"{name}/{file.relative_to(folder)}", file


def _add(packed: zipfile.ZipFile, name: str, file: Path) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    packed.writestr(entry, file.read_bytes())

"""A plugin as people have it, as the archive that a manager takes: its code, with ``plugin.yaml`` beside."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cloudwright.cli.blueprint_source import SPOOLED, contents
from cloudwright.cli.failure import Failure

DESCRIPTION = "plugin.yaml"
PACKAGES = (".wgn", ".whl")


@contextmanager
def open_plugin(path: Path, descriptions: Sequence[Path]) -> Iterator[IO[bytes]]:
    """The archive of the plugin at ``path``. Raises Failure if it is none, or has no ``plugin.yaml``."""
    for file in descriptions:
        if not file.is_file():
            raise Failure(f"There is no file `{file}`.", f"Name the plugin's `{DESCRIPTION}` with `-y`.")
    if path.is_dir():
        folder = path.resolve()
        members = [(file, str(file.relative_to(folder))) for file in contents(folder) if file.is_file()]
    elif not path.is_file():
        raise Failure(
            f"There is no file or folder `{path}`.",
            "Name a wagon (.wgn), a wheel (.whl), a zip archive, or the folder of a Python project.",
        )
    elif path.suffix.lower() in PACKAGES:
        members = [(path, path.name)]
    elif descriptions:
        raise Failure(
            f"{path} is neither a wagon, a wheel nor a folder, so `-y` cannot be added to it.",
            f"Put `{DESCRIPTION}` into the archive, beside the code.",
        )
    else:
        with path.open("rb") as archive:
            yield archive
        return
    with _zipped(path, members, descriptions) as archive:
        yield archive


@contextmanager
def _zipped(path: Path, members: list[tuple[Path, str]], descriptions: Sequence[Path]) -> Iterator[IO[bytes]]:
    names = [DESCRIPTION] if len(descriptions) == 1 else [file.name for file in descriptions]
    given = dict(zip(names, descriptions, strict=True))
    members = [(file, name) for file, name in members if name not in given]
    members += [(file, name) for name, file in given.items()]
    if not any("/" not in name and name.endswith(".yaml") for _, name in members):
        raise Failure(
            f"{path} comes without a `{DESCRIPTION}`, which blueprints import.",
            f"Name it: `cfy plugins upload {path} -y {DESCRIPTION}`.",
        )
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as archive:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file, name in members:
                packed.write(file, name)
        archive.seek(0)
        yield archive

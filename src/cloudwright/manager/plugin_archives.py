"""What a plugin's archive holds, and how it lies on disk once it is unpacked.

An archive has a ``plugin.yaml`` at its top, and beside it the code: a wagon (``.wgn``, an archive of wheels
with a ``package.json``), a wheel, or a Python project or package. Unpacked it is a folder with its
``plugin*.yaml`` and either ``wheels``, and ``package.json`` if they are a wagon's, or ``project``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from cloudwright.dsl.limits import Limits
from cloudwright.dsl.yaml_reader import Budget, TextError, read_yaml
from cloudwright.errors import InvalidInput
from cloudwright.manager.archives import UnsafeArchive, only_folder, unpack

DESCRIPTION = "plugin.yaml"
WHEELS, PROJECT, WAGON = "wheels", "project", "package.json"
#: What is read into memory to learn which plugin it is may not be larger (bytes).
_LARGEST_TEXT = 4 << 20


class InvalidPlugin(InvalidInput):
    """An archive is not that of a plugin, or not of one that can run here; the message says why."""


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """Which plugin an archive holds. ``description`` is the content of its ``plugin.yaml``."""

    package_name: str
    package_version: str
    archive_name: str
    description: dict[str, Any]
    distribution: str | None = None


@dataclass(frozen=True, slots=True)
class _Package:
    """The code beside a ``plugin.yaml``; a project leaves its name and version to that."""

    name: str | None
    version: str | None
    archive_name: str
    distribution: str | None = None


def unpack_plugin(archive: Path, folder: Path) -> PluginFacts:
    """Unpack ``archive`` into the empty ``folder``. Raises UnsafeArchive, InvalidPlugin; the caller removes
    what is there by then.
    """
    raw = folder / "raw"
    raw.mkdir()
    unpack(archive, raw)
    top = raw if any(raw.glob("*.yaml")) else _inner(raw)
    descriptions = _files(top, "*plugin*.yaml")
    if not (top / DESCRIPTION).is_file() and len(descriptions) == 1:
        descriptions = [descriptions[0].rename(top / DESCRIPTION)]
    if not (top / DESCRIPTION).is_file():
        raise InvalidPlugin(
            f"The archive holds no `{DESCRIPTION}`, which blueprints import. Send it together with the code"
            f" (`cfy plugins upload ARCHIVE -y {DESCRIPTION}`)."
        )
    description = _read(top / DESCRIPTION)
    for file in descriptions:
        _take(file, folder)
    package = _package(top, folder)
    shutil.rmtree(raw, ignore_errors=True)
    return _facts(package, description)


def _inner(raw: Path) -> Path:
    """Return the folder in which everything is, if there is one; a wagon by itself is such a folder too."""
    try:
        return only_folder(raw)
    except UnsafeArchive:
        return raw


def _files(folder: Path, pattern: str) -> list[Path]:
    """Return the files so named, and the links to files; a folder can have any name."""
    return sorted(file for file in folder.glob(pattern) if file.is_file())


def _take(file: Path, folder: Path) -> None:
    """Move a file. Of a link it is what it leads to that is taken: from elsewhere it would lead elsewhere."""
    if file.is_symlink():
        (folder / file.name).hardlink_to(file.resolve())
    else:
        shutil.move(file, folder / file.name)


def _text(file: Path) -> str:
    if file.stat().st_size > _LARGEST_TEXT:
        raise InvalidPlugin(
            f"The archive's `{file.name}` takes more than {_LARGEST_TEXT >> 20} MiB, which is the limit."
        )
    return file.read_text("utf-8")


def _read(file: Path) -> dict[str, Any]:
    try:
        description = read_yaml(_text(file), Budget(Limits())).value
    except (TextError, UnicodeDecodeError) as error:
        line = getattr(error, "line", None)
        place = DESCRIPTION if line is None else f"{DESCRIPTION}:{line}"
        raise InvalidPlugin(f"{place} cannot be read: {error}") from error
    if not isinstance(description, dict) or not isinstance(description.get("plugins"), dict):
        raise InvalidPlugin(
            f"The archive's `{DESCRIPTION}` has no section `plugins`, which names the plugin for blueprints."
        )
    return description


def _package(top: Path, folder: Path) -> _Package:
    """Move the code to where it stays, and say what it is."""
    wagons, wheels = _files(top, "*.wgn"), _files(top, "*.whl")
    if len(wagons) > 1:
        raise InvalidPlugin("The archive holds several wagons. Send each plugin in an archive of its own.")
    if wagons:
        return _wagon(wagons[0], folder)
    if wheels:
        _take_wheels(wheels, folder)
        name, version = _parsed(wheels[0])[:2] if len(wheels) == 1 else (None, None)
        return _Package(name, version and str(version), wheels[0].name)
    if not any(top.iterdir()):
        raise InvalidPlugin(
            f"The archive holds `{DESCRIPTION}` and no code: neither a wagon, nor a wheel, nor a Python"
            " project."
        )
    shutil.move(top, folder / PROJECT)
    return _Package(None, None, folder.name)


def _wagon(wagon: Path, folder: Path) -> _Package:
    inside = folder / "wagon"
    inside.mkdir()
    unpack(wagon, inside)
    top = only_folder(inside)
    try:
        facts = json.loads(_text(top / WAGON))
        name, version = str(facts["package_name"]), str(facts["package_version"])
        distribution = (facts.get("build_server_os_properties") or {}).get("distribution")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidPlugin(
            f"`{wagon.name}` is not a wagon: its `{WAGON}` cannot be read ({error})."
        ) from error
    _take_wheels(_files(top, "wheels/*.whl"), folder)
    _take(top / WAGON, folder)
    shutil.rmtree(inside)
    return _Package(name, version, wagon.name, distribution and str(distribution))


def _take_wheels(wheels: Iterable[Path], folder: Path) -> None:
    target = folder / WHEELS
    target.mkdir()
    here = frozenset(sys_tags())
    for wheel in wheels:
        tags = _parsed(wheel)[3]
        if not tags & here:
            raise InvalidPlugin(
                f"The wheel `{wheel.name}` was built for another version of Python or another machine; this"
                f" manager installs wheels such as `{next(iter(sys_tags()))}` and `py3-none-any`."
            )
        _take(wheel, target)
    if not any(target.iterdir()):
        raise InvalidPlugin("The wagon holds no wheels.")


def _parsed(wheel: Path) -> Any:
    try:
        return parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise InvalidPlugin(f"`{wheel.name}` is not the name of a wheel.") from error


def _facts(package: _Package, description: dict[str, Any]) -> PluginFacts:
    """Return the name and the version under which blueprints find it: as its ``plugin.yaml`` writes them."""
    declared = {
        str(plugin["package_name"]): plugin
        for plugin in description["plugins"].values()
        if isinstance(plugin, Mapping) and plugin.get("package_name")
    }
    named = [
        name
        for name in declared
        if package.name is None or canonicalize_name(name) == canonicalize_name(package.name)
    ]
    if len(named) != 1:
        said = ", ".join(f"`{name}`" for name in sorted(declared)) or "none"
        code = "the plugin's" if package.name is None else f"`{package.name}`, which is the code's"
        raise InvalidPlugin(f"`{DESCRIPTION}` must have one `package_name`: {code}. It has: {said}.")
    version = declared[named[0]].get("package_version")
    if version is None and package.version is None:
        raise InvalidPlugin(f"`{DESCRIPTION}` must have the `package_version` of `{named[0]}`.")
    if version is not None and package.version is not None and not _same(str(version), package.version):
        raise InvalidPlugin(
            f"`{DESCRIPTION}` is about version {version} of `{named[0]}`, and `{package.archive_name}` holds"
            f" version {package.version}."
        )
    facts = PluginFacts(
        named[0],
        str(version if version is not None else package.version),
        package.archive_name,
        description,
        package.distribution,
    )
    for text in (facts.package_name, facts.package_version, facts.archive_name, facts.distribution or ""):
        if not text.isprintable():
            raise InvalidPlugin(f"The plugin's names and versions must be plain text, and {text!r} is not.")
    return facts


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other

"""A blueprint as people name it, as the archive that a manager takes.

It may be a blueprint's file or its folder, which is packed; an archive, which is sent as it is; the URL of an
archive; or ``organization/repository[:tag]`` on GitHub.
"""

from __future__ import annotations

import os
import re
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import httpx

from cloudwright.cli.failure import Failure

DEFAULT_FILE = "blueprint.yaml"
#: What editors, version control and interpreters leave in a folder, and no blueprint needs.
EXCLUDED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".bzr",
        ".idea",
        ".vscode",
        ".tox",
        ".nox",
        ".venv",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        "__pycache__",
    }
)
EXCLUDED_FILES = frozenset({".DS_Store", "Thumbs.db"})
EXCLUDED_SUFFIXES = (".pyc", ".pyo", ".swp", "~")
#: Beyond these a folder is hardly a blueprint: its blueprint probably lies beside unrelated files.
LARGEST_FOLDER = 50_000_000
MOST_FILES = 10_000
SPOOLED = 8_000_000
GITHUB = re.compile(r"([A-Za-z0-9][\w.-]*)/([\w.-]+)(?::([\w./-]+))?")


@dataclass(frozen=True, slots=True)
class Source:
    """``archive`` is open at its beginning; ``main_file`` is relative to the folder in it."""

    archive: IO[bytes]
    main_file: str
    default_id: str


@contextmanager
def open_source(named: str, filename: str | None) -> Iterator[Source]:
    """The archive of the blueprint that ``named`` names. Raises Failure if there is none."""
    path = Path(named)
    if path.is_dir():
        with _packed(path, filename or DEFAULT_FILE, filename) as source:
            yield source
    elif path.is_file():
        with _from_file(path, filename) as source:
            yield source
    elif "://" in named:
        with _downloaded(named, filename) as source:
            yield source
    elif (match := GITHUB.fullmatch(named)) and not named.endswith((".yaml", ".yml", ".zip", ".tgz", ".gz")):
        owner, repository, tag = match.groups()
        url = f"https://github.com/{owner}/{repository}/archive/{tag or 'master'}.tar.gz"
        with _downloaded(url, filename) as source:
            yield source
    else:
        raise Failure(
            f"There is no file or folder `{named}`.",
            "Name a blueprint's file or folder, an archive, a URL, or `organization/repository[:tag]`.",
        )


@contextmanager
def _from_file(path: Path, filename: str | None) -> Iterator[Source]:
    if path.suffix.lower() in (".yaml", ".yml"):
        with _packed(path.parent, path.name, filename) as source:
            yield source
        return
    with open(path, "rb") as archive:
        yield _archive(archive, str(path), filename)


@contextmanager
def _downloaded(url: str, filename: str | None) -> Iterator[Source]:
    if not url.startswith(("http://", "https://")):
        raise Failure(f"{url} cannot be fetched.", "Use a URL that begins with http:// or https://.")
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as archive:
        try:
            with httpx.stream("GET", url, follow_redirects=True, timeout=60.0) as response:
                response.raise_for_status()
                for block in response.iter_bytes():
                    archive.write(block)
        except httpx.HTTPStatusError as error:
            raise Failure(f"{url} cannot be fetched: HTTP status {error.response.status_code}.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Failure(f"{url} cannot be fetched: {error}.") from error
        archive.seek(0)
        yield _archive(archive, url, filename)


def _archive(archive: IO[bytes], name: str, filename: str | None) -> Source:
    """Return an archive as it is, once it was seen to hold one folder with the main file in it."""
    names = _archive_names(archive, name)
    astray = sorted(member for member in names if member.startswith(("/", "../")))
    if astray:
        raise Failure(
            f"{name} is not an archive of a blueprint: its member `{astray[0]}` leads out of it.",
            "Make the archive again, with relative paths and without `..`.",
        )
    tops = {PurePosixPath(member).parts[0] for member in names}
    if len(tops) != 1 or not any("/" in member for member in names):
        held = ", ".join(f"`{top}`" for top in sorted(tops)[:5]) + (", ..." if len(tops) > 5 else "")
        raise Failure(
            f"{name} is not an archive of a blueprint: it must hold one folder with everything in it, "
            f"and holds {held or 'nothing'}.",
            "Pack the blueprint's folder, not what is inside it.",
        )
    folder = tops.pop()
    main_file = filename or DEFAULT_FILE
    if f"{folder}/{main_file}" not in names:
        found = [
            str(PurePosixPath(member).relative_to(folder))
            for member in names
            if member.endswith((".yaml", ".yml"))
        ]
        raise _no_main_file(main_file, name, found)
    archive.seek(0)
    return Source(archive, main_file, _blueprint_id(folder, filename))


def _archive_names(archive: IO[bytes], name: str) -> set[str]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                members = opened.namelist()
        else:
            archive.seek(0)
            with tarfile.open(fileobj=archive) as opened_tar:
                members = opened_tar.getnames()
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise Failure(
            f"{name} is neither a YAML file nor an archive that can be read{_reason(error)}.",
            "Archives may be zip, tar, tar.gz and tar.bz2.",
        ) from error
    normal = {os.path.normpath(member) for member in members}
    return {member for member in normal if member not in (".", "pax_global_header")}


def _reason(error: Exception) -> str:
    """Return the reason in one line; nothing if there are many, one for each kind that a file could have
    been.
    """
    text = str(error).rstrip(".")
    return "" if "\n" in text or not text else f": {text}"


def _no_main_file(main_file: str, where: str, found: list[str]) -> Failure:
    names = ", ".join(sorted(found, key=lambda name: (name.count("/"), name))[:8])
    if not names:
        return Failure(
            f"There is no `{main_file}` in {where}. There is no YAML file in it.", "Name another folder."
        )
    return Failure(
        f"There is no `{main_file}` in {where}. It holds {names}.",
        "Name the main file with `-n/--blueprint-filename`.",
    )


def _blueprint_id(folder: str, filename: str | None) -> str:
    """As Cloudify makes it: the folder's name, and the main file's if an unusual one was given."""
    name = folder if filename in (None, DEFAULT_FILE) else f"{folder}.{PurePosixPath(filename or '').stem}"
    return name.replace("_", "-")


@contextmanager
def _packed(folder: Path, main_file: str, filename: str | None) -> Iterator[Source]:
    folder = folder.resolve()
    if not (folder / main_file).is_file():
        found = [path.name for path in folder.glob("*.y*ml")]
        raise _no_main_file(main_file, str(folder), found)
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as archive:
        pack(folder, archive)
        archive.seek(0)
        yield Source(archive, main_file, _blueprint_id(folder.name, filename))


def pack(folder: Path, into: IO[bytes]) -> None:
    """Write a folder as tar.gz, below its own name, without what no blueprint needs.

    Raises Failure for what is too large, cannot be read, or leads out of the folder.
    """
    paths = list(contents(folder))
    size = sum(path.lstat().st_size for path in paths if path.is_file())
    if len(paths) > MOST_FILES or size > LARGEST_FOLDER:
        raise Failure(
            f"{folder} is too large to be uploaded: {len(paths)} files, {size / 1e6:.0f} MB "
            f"(at most {MOST_FILES} and {LARGEST_FOLDER / 1e6:.0f} MB).",
            "Keep the blueprint in a folder of its own, or pack an archive yourself and upload that.",
        )
    with tarfile.open(fileobj=into, mode="w:gz", compresslevel=6) as archive:
        for path in paths:
            try:
                archive.add(
                    path, str(folder.name / path.relative_to(folder)), recursive=False, filter=_anonymous
                )
            except OSError as error:
                raise Failure(f"{path} cannot be read: {error.strerror}.") from error


def contents(folder: Path) -> Iterator[Path]:
    """Everything that is packed, in a stable order: regular files, folders, and links that stay inside."""

    def refuse(error: OSError) -> None:
        raise Failure(f"{error.filename} cannot be read: {error.strerror}.") from error

    for parent, folders, files in os.walk(folder, onerror=refuse):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not _is_excluded_folder(here / name))
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted([*files, *links]):
            path = here / name
            if name in EXCLUDED_FILES or name.endswith(EXCLUDED_SUFFIXES):
                continue
            if path.is_symlink():
                if not path.resolve().is_relative_to(folder) or os.path.isabs(os.readlink(path)):
                    raise Failure(
                        f"{path} is a link that leads out of the blueprint's folder ({os.readlink(path)}).",
                        "A manager could not follow it. Put a copy in its place.",
                    )
                yield path
            elif stat.S_ISREG(path.lstat().st_mode):
                yield path
        yield from (here / name for name in folders if name not in links)


def _is_excluded_folder(path: Path) -> bool:
    return path.name in EXCLUDED_FOLDERS or (path / "pyvenv.cfg").exists()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without who owns it here: that means nothing there."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member

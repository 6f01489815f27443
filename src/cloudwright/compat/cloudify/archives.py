"""Unpacking, for ``cloudify.utils``."""

from __future__ import annotations

import tarfile
import tempfile
import zipfile

from cloudwright.compat.cloudify.exceptions import NonRecoverableError


def extract_archive(source: str) -> str:
    """Unpack a tar or zip archive; return the new folder that it is in.

    Raises NonRecoverableError if it is neither.
    """
    if tarfile.is_tarfile(source):
        return untar(source)
    if zipfile.is_zipfile(source):
        return unzip(source)
    raise NonRecoverableError(f"`{source}` is not a readable tar or zip archive.")


def unzip(archive: str, destination: str | None = None) -> str:
    destination = destination or tempfile.mkdtemp()
    with zipfile.ZipFile(archive) as members:
        members.extractall(destination)  # noqa: S202 - zipfile itself keeps every member inside
    return destination


def untar(archive: str, destination: str | None = None) -> str:
    destination = destination or tempfile.mkdtemp()
    with tarfile.open(archive) as members:
        members.extractall(destination, filter="data")
    return destination

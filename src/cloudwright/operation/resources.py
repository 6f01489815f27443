"""Files of the blueprint: found, read, copied, and rendered as templates."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from cloudwright.child.errors import (
    HttpException,
    NonRecoverableError,
    RecoverableError,
    RequestRefused,
)
from cloudwright.operation.host_connection import HostConnection
from cloudwright.operation.tempdirs import new_folder

#: Between the namespace of an imported blueprint and the path of one of its files.
NAMESPACE_DELIMITER = "--"


class Resources:
    """``folder`` is the blueprint's; if it is not on this machine, the supervisor is asked, and so it is
    for the files of blueprints that are imported under the namespaces ``imported``."""

    def __init__(self, folder: str | None, supervisor: HostConnection, imported: Iterable[str] = ()) -> None:
        self._foreign = tuple(f"{namespace}{NAMESPACE_DELIMITER}" for namespace in imported)
        self._folder = os.path.realpath(folder) if folder else None
        self._supervisor = supervisor

    def read(self, path: str) -> bytes:
        """What a file of the blueprint holds. Raises HttpException if there is none."""
        file = self._find(path)
        if file is None:
            return self._fetch(path)
        try:
            with open(file, "rb") as stream:
                return stream.read()
        except IsADirectoryError:
            raise HttpException(path, 404, f"`{path}` of the blueprint is a folder, not a file.") from None

    def download(self, path: str, target: str | None = None) -> str:
        """Copy a file of the blueprint; returns the copy's path.

        ``target`` is a file's path; None: in a new temporary folder.
        """
        content = self.read(path)
        if not target:
            target = os.path.join(new_folder(), os.path.basename(path))
        with open(target, "wb") as stream:
            stream.write(content)
        return target

    def download_folder(self, path: str, target: str | None = None) -> str:
        """Copy a folder of the blueprint, with all in it; returns the copy's path.

        ``target`` is a folder's path; None: a new temporary one.
        """
        target = target or new_folder()
        folder = self._find(path)
        if folder is not None:
            if not os.path.isdir(folder):
                raise HttpException(path, 404, f"`{path}` of the blueprint is a file, not a folder.")
            return _copy(folder, target)
        answer = self._ask(path)
        if isinstance(answer, str) and os.path.isdir(answer):
            return _copy(answer, target)
        if not isinstance(answer, dict) or "files" not in answer:
            raise HttpException(path, 404, f"`{path}` of the blueprint is a file, not a folder.")
        for name in answer["files"]:
            file = os.path.join(target, name)
            os.makedirs(os.path.dirname(file), exist_ok=True)
            self.download(os.path.join(path, name), file)
        return target

    def folder(self, path: str) -> str | None:
        """Return a folder of the blueprint as it is on this machine; None if it is none, or is not here."""
        found = self._find(path)
        return found if found is not None and os.path.isdir(found) else None

    def _find(self, path: str) -> str | None:
        """Return the file or folder in the blueprint's folder; None if it is not on this machine."""
        if not path:
            raise NonRecoverableError("A file of the blueprint was requested with an empty path.")
        if self._folder is None or not os.path.isdir(self._folder) or path.startswith(self._foreign):
            return None
        candidates = [path]
        if NAMESPACE_DELIMITER in path:
            candidates.append(path.rpartition(NAMESPACE_DELIMITER)[2])
        for candidate in candidates:
            file = os.path.realpath(os.path.join(self._folder, candidate))
            if os.path.commonpath((self._folder, file)) != self._folder:
                raise NonRecoverableError(
                    f"`{path}` leads out of the blueprint's folder (to `{file}`), so it was not read: only "
                    "the blueprint's own files are resources."
                )
            if os.path.exists(file):
                return file
        return None

    def _fetch(self, path: str) -> bytes:
        answer = self._ask(path)
        if isinstance(answer, dict) and "content" in answer:
            import base64  # noqa: PLC0415 - it loads two libraries, and only agents are answered so

            return base64.b64decode(answer["content"])
        if isinstance(answer, str) and os.path.isfile(answer):
            with open(answer, "rb") as stream:
                return stream.read()
        raise HttpException(path, 404, f"`{path}` of the blueprint is not a file.")

    def _ask(self, path: str) -> Any:
        """Return a path on this machine, or ``{"content": base64}``, or ``{"files": [...]}`` for a folder."""
        try:
            return self._supervisor.call("read_resource", path=path)
        except RequestRefused as error:
            where = f" (looked in `{self._folder}` too)" if self._folder else ""
            raise HttpException(path, error.status_code, f"{error.message}{where}") from error


def _copy(folder: str, target: str) -> str:
    import shutil  # noqa: PLC0415 - it loads six libraries, and few operations copy folders

    shutil.copytree(folder, target, dirs_exist_ok=True)
    return target


def render(content: bytes, variables: dict[str, Any], name: str) -> bytes:
    """``content`` as a Jinja template filled with ``variables``; unchanged if it holds nothing to fill.

    ``name`` is what errors call it.
    """
    if not any(mark in content for mark in (b"{{", b"{%", b"{#")):
        return content
    try:
        import jinja2  # noqa: PLC0415 - large, and few operations render anything
    except ImportError as error:
        raise NonRecoverableError(
            f"`{name}` is a template, and this plugin's environment has no jinja2 to render it with: add "
            "jinja2 to what the plugin requires."
        ) from error
    try:
        text = content.decode()
        # Not escaped for HTML: these are configuration files and scripts.
        return jinja2.Environment(autoescape=False).from_string(text).render(variables).encode()  # noqa: S701
    except UnicodeDecodeError as error:
        raise NonRecoverableError(f"`{name}` is a template, but not UTF-8 text: {error}.") from error
    except jinja2.TemplateSyntaxError as error:
        raise NonRecoverableError(f"`{name}`, line {error.lineno}: {error.message}") from error
    except jinja2.UndefinedError as error:
        # What is missing now may be there at the next attempt: an address that is not known yet.
        raise RecoverableError(f"`{name}` could not be rendered: {error.message}.") from error

"""Where a script comes from: the blueprint, this machine, a URL, or the blueprint's text itself."""

from __future__ import annotations

import os
import stat
import textwrap
from typing import Any

from cloudwright.child.errors import (
    HttpException,
    NonRecoverableError,
    RecoverableError,
    RequestRefused,
)

#: The longest that a server may take to answer (seconds).
_PATIENCE = 60.0
#: The same as ast.PyCF_ONLY_AST; ``ast`` itself is large.
_PARSE_ONLY = 0x400
_CHUNK = 1024 * 1024


def copy_script(ctx: Any, path: str, folder: str, ssl_cert_content: str | None = None) -> str:
    """Copy the script to ``folder``, executable; returns its path.

    ``path`` is relative to the blueprint, absolute on this machine, or a URL. Raises NonRecoverableError,
    which names it, if there is no such script.
    """
    scheme, separator, rest = path.partition("://")
    name = os.path.basename(path.replace("\\", "/")) or "script"
    target = os.path.join(folder, name)
    if separator and scheme in ("http", "https"):
        _fetch(path, target, ssl_cert_content)
    elif separator and scheme == "file":
        _copy(rest, target)
    elif os.path.isabs(path):
        _copy(path, target)
    else:
        try:
            ctx.download_resource(path, target)
        except (HttpException, RequestRefused) as error:
            raise NonRecoverableError(f"Script `{path}` cannot be run: {error.message}") from error
    os.chmod(target, 0o700)
    return target


def write_script(source: str, folder: str, *, python: bool | None) -> str:
    """Write the script that the blueprint holds as text to ``folder``, executable; returns its path.

    ``python`` says whether it is Python; None finds out: what can be read as Python is.
    """
    source = textwrap.dedent(source)
    path = os.path.join(
        folder, "script.py" if python or (python is None and _is_python(source)) else "script.sh"
    )
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(source)
    os.chmod(path, 0o700)
    return path


def _is_python(source: str) -> bool:
    first = source.partition("\n")[0]
    if first.startswith("#!") and "python" not in first:
        return False
    try:
        compile(source, "script", "exec", _PARSE_ONLY, dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _copy(path: str, target: str) -> None:
    if path == os.devnull:
        # How blueprints say that there is nothing to do.
        with open(target, "wb"):
            return
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise NonRecoverableError(f"Script `{path}` cannot be run: it is not a file.")
        with open(path, "rb") as content, open(target, "wb") as copy:
            while part := content.read(_CHUNK):
                copy.write(part)
    except OSError as error:
        raise NonRecoverableError(
            f"Script `{path}` cannot be run: {error.strerror} on this machine, and its path is absolute. A "
            "path that is relative to the blueprint travels with it."
        ) from error


def _fetch(url: str, target: str, ssl_cert_content: str | None) -> None:
    # Large, and few scripts come from elsewhere.
    import shutil  # noqa: PLC0415
    import ssl  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    trust = ssl.create_default_context(cadata=ssl_cert_content) if url.startswith("https") else None
    try:
        with (
            urllib.request.urlopen(url, timeout=_PATIENCE, context=trust) as answer,  # noqa: S310 - http(s) only
            open(target, "wb") as stream,
        ):
            shutil.copyfileobj(answer, stream)
    except urllib.error.HTTPError as error:
        raise NonRecoverableError(
            f"Script `{url}` cannot be run: its server returned {error.code} {error.reason}."
        ) from error
    except OSError as error:
        raise RecoverableError(f"Script `{url}` could not be fetched: {error}.") from error

"""The scripts and styles of the pages: served under their digest, so that a browser keeps them for a year.

``vendor/`` holds what others made, as it was published. ``VENDORED`` says what it is; nothing else is served
from there, and a test compares the files with it.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Vendored:
    """A file of a package of the npm registry, with the digest of its content (SHA-256)."""

    package: str
    version: str
    path: str
    licence: str
    digest: str


VENDORED = {
    "vendor/htmx.min.js": Vendored(
        "htmx.org",
        "2.0.11",
        "dist/htmx.min.js",
        "0BSD",
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    ),
    "vendor/idiomorph-ext.min.js": Vendored(
        "idiomorph",
        "0.8.0",
        "dist/idiomorph-ext.min.js",
        "0BSD",
        "5811b9a7eda14878b7dab4378bf60432e1bb6f11fcfb970cc26540642650181e",
    ),
}
#: Every file that is served.
NAMES = ("console.css", "console.js", "changes-worker.js", "icon.svg", *VENDORED)


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    compressed: bytes
    digest: str
    media_type: str


@cache
def _file(name: str) -> _File:
    content = (FOLDER / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return _File(content, gzip.compress(content, mtime=0), digest, _TYPES[Path(name).suffix])


def versioned(name: str) -> str:
    """Return the path of a file below the console, which changes with its content."""
    return f"static/{_file(name).digest}/{name}"


def digest_of_all() -> str:
    """Return an identifier of this version of the pages."""
    return hashlib.sha256("".join(_file(name).digest for name in NAMES).encode()).hexdigest()[:12]


async def serve(request: Request) -> Response:
    """Send a file; under another digest than its own it is not there."""
    name, digest = request.path_params["name"], request.path_params["digest"]
    if name not in NAMES or _file(name).digest != digest:
        return PlainTextResponse("There is no such file.", 404)
    file = _file(name)
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.compressed, media_type=file.media_type, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)

"""Finds the files that a blueprint imports. Nothing here reaches for the network.

What can be imported depends on who parses: a manager knows plugins and other blueprints, a laptop does not.
So the parser asks an ``ImportResolver`` for whatever is not a file beside the importing one and not one of
the language's own types, and the resolver that is used by default refuses with a reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

_SCHEME = re.compile(r"(https?|ftp|file|plugin|blueprint):", re.IGNORECASE)
_OWN_TYPES_URL = re.compile(
    r"https?://(?:(?:www\.)?(?:getcloudify\.org|cloudify\.co)/spec/cloudify/[\w.]+"
    r"|raw\.githubusercontent\.com/cloudify-cosmo/cloudify-manager/[\w.-]+/resources/rest-service/cloudify/types)"
    r"/types\.yaml$",
    re.IGNORECASE,
)
OWN_TYPES = "cloudify/types/types.yaml"


class ImportRefused(Exception):
    """An import cannot be resolved; the message says why, for the author of the blueprint."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a resolver found: ``location`` is its unique name in messages, ``folder`` is where
    its own relative imports are looked for (None: it may have none). ``extra`` holds ``labels``,
    ``blueprint_labels`` and ``resource_tags`` of an installed plugin, each a mapping of keys to lists of
    values or to values."""

    location: str
    text: str
    folder: Path | None = None
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class ImportResolver(Protocol):
    def resolve(self, reference: str, *, version: str) -> Imported:
        """Return the file that ``reference`` (``plugin:``, ``blueprint:``, a URL, or a path that was not
        found beside the importing file) stands for. ``version`` is the blueprint's, such as ``1_3``. Raises
        ImportRefused.
        """
        ...


class NoImports:
    """Refuses everything, and says what kind of thing was asked for."""

    def resolve(self, reference: str, *, version: str) -> Imported:
        scheme = scheme_of(reference)
        if scheme == "plugin":
            raise ImportRefused("plugins are known to a manager, and there is none here to ask.")
        if scheme == "blueprint":
            raise ImportRefused("other blueprints are known to a manager, and there is none here to ask.")
        if scheme in ("http", "https", "ftp"):
            raise ImportRefused(
                "URLs are not opened while a blueprint is parsed; put the file beside the blueprint."
            )
        raise ImportRefused("there is no such file below the blueprint's folder.")


@dataclass(frozen=True, slots=True)
class MappedImports:
    """Answers references by prefix, longest first, from folders; what no prefix fits goes to ``fallback``.

    Where a folder has a variant of the file for the blueprint's version (``types_1_3.yaml``), that is it.

    ``rules`` maps a prefix, for example ``https://example.com/types/``, to the folder that has its files.
    """

    rules: Mapping[str, Path]
    fallback: ImportResolver = field(default_factory=NoImports)

    def resolve(self, reference: str, *, version: str) -> Imported:
        for prefix in sorted(self.rules, key=len, reverse=True):
            if reference.startswith(prefix):
                folder = self.rules[prefix]
                plain = PurePath(reference[len(prefix) :])
                variant = plain.with_name(f"{plain.stem}_{version}{plain.suffix}")
                for name in (variant, plain):
                    found = beside(folder, str(name), folder)
                    if found is not None:
                        return found
        return self.fallback.resolve(reference, version=version)


def scheme_of(reference: str) -> str | None:
    match = _SCHEME.match(reference)
    return match[1].lower() if match else None


def own_types_version(reference: str) -> bool:
    """Return whether ``reference`` means the language's own types, by name or by one of their old
    addresses.
    """
    return reference == OWN_TYPES or bool(_OWN_TYPES_URL.match(reference))


def path_of(reference: str) -> str | None:
    """Return the path that a reference is, or that its ``file:`` URL has; None for other kinds of
    references.
    """
    scheme = scheme_of(reference)
    if scheme == "file":
        return unquote(urlsplit(reference).path)
    return reference if scheme is None else None


def beside(folder: Path, name: str, root: Path) -> Imported | None:
    """Return the file ``name`` in ``folder``, if it is below ``root`` with links and ``..`` resolved; or
    None.
    """
    try:
        path = folder / name
        if path.is_file() and path.resolve().is_relative_to(root.resolve()):
            return read_file(Path(os.path.normpath(path)))
    except (OSError, ValueError):
        # No name that a file could have.
        return None
    return None


def read_file(path: Path) -> Imported:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text in UTF-8; save it as one"
        raise ImportRefused(f"{reason}.") from error
    return Imported(str(path), text, path.parent)

"""Which functions exist under the package names of Cloudify's runtime, for mappings that lead there.

Workflow and operation processes take these packages from ``compat`` and from nowhere else. The manager reads
their text instead of importing them: what belongs in a child stays out of the manager.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_COMPAT = Path(__file__).parents[1] / "compat"
#: Packages of Cloudify's own that types and plugins of it map operations to. Those among them that ``compat``
#: does not have do not exist in this version.
_CLOUDIFYS = frozenset({"cloudify_agent", "cloudify_types"})


def is_missing(mapping: str) -> bool:
    """Return whether ``mapping`` (``package.module.function``) leads into one of these packages, to nothing.

    A mapping into any other package is a plugin's own affair, and not missing here.
    """
    root = mapping.partition(".")[0]
    if root not in _roots():
        return root in _CLOUDIFYS
    module, _, function = mapping.rpartition(".")
    names = _names(module)
    return names is None or function not in names


@cache
def _roots() -> frozenset[str]:
    return frozenset(init.parent.name for init in _COMPAT.glob("*/__init__.py"))


@cache
def _names(module: str) -> frozenset[str] | None:
    """Return the names that a module binds at its top level; None if there is no such module."""
    path = _COMPAT.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return frozenset(_bound(ast.parse(file.read_text("utf-8")).body))
    return None


def _bound(statements: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If(body=body, orelse=other):
                yield from _bound([*body, *other])

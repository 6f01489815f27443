"""What operations of a plugin load again and again, loaded once in their zygote.

An operation says at its end what it loaded and its zygote had not (``newly_loaded``); the next zygote of that
environment loads it before it forks anyone (``warm``). That is modules, each tried in a child first, and what
libraries read of their own files: nothing that belongs to a user, no credential and no connection.
"""

from __future__ import annotations

import importlib
import sys
from typing import TypedDict

from cloudwright.operation import botocore_models


class Loaded(TypedDict):
    """``modules`` by name; ``models`` as ``botocore_models`` names them."""

    modules: list[str]
    models: list[list[str]]


class Wanted(Loaded):
    """``seconds``: how long one import may take in its trial."""

    seconds: float


#: What this process's zygote was asked to load; None if nobody asks.
_there: Loaded | None = None
#: The modules that it has.
_modules: frozenset[str] = frozenset()
#: How many modules one operation names at most.
_MOST = 100


def warm(wanted: Wanted) -> dict[str, str]:
    """Load what is wanted, in a zygote; return why modules were left out, by their names.

    Raises RuntimeError if the import of a module did here what it had not done in the child.
    """
    global _there, _modules
    refused: dict[str, str] = {}
    if wanted["modules"]:
        # Only zygotes that try modules need it.
        from cloudwright.operation.trial_import import Traces, tried  # noqa: PLC0415 - see above

        for module in wanted["modules"]:
            why = tried(module, wanted["seconds"])
            if why is not None:
                refused[module] = why
                continue
            before = Traces()
            importlib.import_module(module)
            left = before.left()
            if left is not None:
                raise RuntimeError(f"the import of `{module}` left {left}, which it had not in a trial")
    botocore_models.load(wanted["models"])
    _there, _modules = wanted, frozenset(sys.modules)
    return refused


def newly_loaded(mapping: str) -> Loaded | None:
    """Return what an operation loaded that its zygote had not; None if that is nothing, or nobody asks."""
    if _there is None:
        return None
    module = mapping.rpartition(".")[0]
    # The first time its own module, which imports nearly all; then what it imported as it went.
    new = [module] if module not in _modules else [name for name in sys.modules if name not in _modules]
    modules = [name for name in new if name not in _there["modules"] and _is_installed(name)][:_MOST]
    models = [name for name in botocore_models.loaded() if name not in _there["models"]]
    return {"modules": modules, "models": models} if modules or models else None


def _is_installed(name: str) -> bool:
    """Whether a module is part of the environment or of Python: not of a blueprint, nor made by a program."""
    module = sys.modules.get(name)
    spec, file = getattr(module, "__spec__", None), getattr(module, "__file__", None) or ""
    return spec is not None and spec.name == name and file.startswith((sys.prefix, sys.base_prefix))

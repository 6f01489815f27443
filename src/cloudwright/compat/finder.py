"""Makes the names that existing plugins import lead to this package, whatever else is installed.

``import cloudify.workflows.api`` gives the very module ``cloudwright.compat.cloudify.workflows.api``: one
module under two names, so that no class of it exists twice. A name below ``cloudify`` that is not here does
not exist.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

from cloudwright.compat.sdk import SdkFinder

if TYPE_CHECKING:
    from importlib.abc import Loader
else:
    # Every operation's process carries what is imported here, and that module brings a megabyte with it.
    Loader = object

_PACKAGE = __name__.rpartition(".")[0]
_FOLDER = os.path.dirname(__file__)


class _Alias(Loader):
    """Loads a module by handing out another one."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._target)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just made it say that it was loaded as the alias, which relative imports
        # stumble over.
        module.__spec__ = self._spec


class AliasFinder:
    """Finds the modules below the packages of this folder under the packages' own names."""

    def __init__(self) -> None:
        self.roots = frozenset(
            name for name in os.listdir(_FOLDER) if os.path.exists(os.path.join(_FOLDER, name, "__init__.py"))
        )

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the alias's spec, or None for a name that is none of ours or that does not exist here."""
        if name.partition(".")[0] not in self.roots:
            return None
        own = f"{_PACKAGE}.{name}"
        found = sys.modules.get(own)
        spec = found.__spec__ if found is not None else importlib.util.find_spec(own)
        if spec is None:
            return None
        alias = ModuleSpec(name, _Alias(own), is_package=spec.submodule_search_locations is not None)
        alias.submodule_search_locations = spec.submodule_search_locations
        return alias


def install() -> None:
    """Put the aliases ahead of everything else that can be imported; doing it again changes nothing."""
    for known in sys.meta_path:
        if isinstance(known, AliasFinder):
            return
    finder = AliasFinder()
    for name in [name for name in sys.modules if name.partition(".")[0] in finder.roots]:
        del sys.modules[name]
    sys.meta_path[:0] = [finder, SdkFinder()]

"""Leads what the plugins' common library looks for under Cloudify's fixed paths to where it is here.

``cloudify_common_sdk`` (of the plugins for Terraform, Ansible, Helm and others) looks for the work folder of
a deployment below `/opt/manager/resources`. Its one function that does so is replaced when the library is
imported: a folder there would need root, or a mount for each process, which only some machines allow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from cloudwright.child.current import current_ctx

#: The module with the function.
MODULE = "cloudify_common_sdk.utils"


class _Patched:
    """Loads the module as its own loader does, and replaces the function."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.get_deployment_dir = get_deployment_dir  # type: ignore[attr-defined]


class SdkFinder:
    """Finds that module, and leaves everything else to the finders after it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != MODULE:
            return None
        after = sys.meta_path[sys.meta_path.index(self) + 1 :]
        for finder in after:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _Patched(spec.loader)  # type: ignore[assignment]
                return spec
        return None


def get_deployment_dir(deployment_name: str | None = None, deployment_id: str | None = None) -> str:
    """Return the work folder of a deployment of this tenant."""
    own = str(current_ctx.get_ctx().local_deployment_workdir())
    name = deployment_name or deployment_id
    folder = os.path.join(os.path.dirname(own), os.path.basename(name)) if name else own
    os.makedirs(folder, exist_ok=True)
    return folder

"""Everything that workflows commonly import, so that a zygote has it before it forks them."""

from __future__ import annotations

import importlib

from cloudwright.workflow import child

# By name: what existing plugins import is made of this package, not the other way round.
importlib.import_module("cloudwright.compat.finder").install()
for _name in (
    "cloudify.plugins.workflows",
    "cloudify.decorators",
    "cloudify.exceptions",
    "cloudify.workflows.tasks",
):
    importlib.import_module(_name)

__all__ = ["child"]

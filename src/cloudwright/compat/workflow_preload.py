"""What workflows commonly import, so that a zygote has it before it forks them."""

from __future__ import annotations

from cloudwright.compat import finder
from cloudwright.compat.cloudify import decorators, exceptions
from cloudwright.compat.cloudify.plugins import workflows
from cloudwright.compat.cloudify.workflows import tasks

finder.install()

__all__ = ["decorators", "exceptions", "tasks", "workflows"]

"""Everything that operations commonly import, so that a zygote has it before it forks them."""

from contextlib import suppress

from cloudwright.compat import finder
from cloudwright.compat.cloudify import (
    context,
    decorators,
    exceptions,
    logs,
    manager,
    state,
    utils,
)
from cloudwright.compat.script_runner import tasks

__all__ = ["context", "decorators", "exceptions", "finder", "logs", "manager", "state", "tasks", "utils"]

with suppress(ImportError):
    # Only where a template is rendered, but there it would be half of what the operation costs.
    import jinja2  # noqa: F401

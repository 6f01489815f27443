"""What operations commonly import, so that a zygote has it before it forks them.

No more than that: every megabyte and every library that a zygote holds makes each fork dearer. So what few
operations need (jinja2, archives) is imported by those that do.
"""

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

finder.install()

__all__ = ["context", "decorators", "exceptions", "logs", "manager", "state", "tasks", "utils"]

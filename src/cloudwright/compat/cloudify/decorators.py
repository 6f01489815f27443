"""``cloudify.decorators``."""

from cloudwright.operation.decorators import operation, serial_operation
from cloudwright.workflow.decorators import workflow

#: An older name of ``operation``.
task = operation

__all__ = ["operation", "serial_operation", "task", "workflow"]

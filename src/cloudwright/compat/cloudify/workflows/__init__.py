"""``cloudify.workflows``."""

from cloudwright.compat.cloudify.workflows import api
from cloudwright.workflow.current import workflow_ctx as ctx
from cloudwright.workflow.current import workflow_parameters as parameters

__all__ = ["api", "ctx", "parameters"]

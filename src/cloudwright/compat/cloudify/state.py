"""``cloudify.state``."""

from cloudwright.child.current import (
    CurrentContext,
    Parameters,
    ctx,
    ctx_parameters,
    current_ctx,
)
from cloudwright.child.errors import NotInContext
from cloudwright.workflow.current import current_workflow_ctx, workflow_ctx, workflow_parameters

CtxParameters = Parameters

__all__ = [
    "CtxParameters",
    "CurrentContext",
    "NotInContext",
    "ctx",
    "ctx_parameters",
    "current_ctx",
    "current_workflow_ctx",
    "workflow_ctx",
    "workflow_parameters",
]

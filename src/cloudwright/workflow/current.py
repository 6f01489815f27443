"""The current workflow context: a process runs one workflow, so all its threads see the same."""

from __future__ import annotations

from typing import Any

from cloudwright.child.current import CurrentContext, Proxy

current_workflow_ctx = CurrentContext()
#: Imported by workflows as ``ctx`` and ``parameters``, before there are any.
workflow_ctx: Any = Proxy(current_workflow_ctx.get_ctx)
workflow_parameters: Any = Proxy(current_workflow_ctx.get_parameters)

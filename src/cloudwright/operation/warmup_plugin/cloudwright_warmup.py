"""The plugin that warms a zygote up: does a little of everything that most operations do."""

from __future__ import annotations

from typing import Any

from cloudify import ctx
from cloudify.decorators import operation


@operation  # type: ignore[untyped-decorator]
def run(**_: Any) -> str:
    """Log, read a property, and change a runtime property."""
    ctx.logger.info("warming up %s", ctx.node.properties["part"])
    ctx.instance.runtime_properties["warm"] = True
    return "warm"

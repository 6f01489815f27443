"""The plugin of a rehearsal: does a little of everything that most operations do."""

from __future__ import annotations

from typing import Any

from cloudify import ctx
from cloudify.decorators import operation


@operation  # type: ignore[untyped-decorator]
def play(**_: Any) -> str:
    """Log, read a property, and change a runtime property."""
    ctx.logger.info("rehearsing %s", ctx.node.properties["part"])
    ctx.instance.runtime_properties["played"] = True
    return "played"

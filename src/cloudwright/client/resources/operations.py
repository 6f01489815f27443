"""The operations of executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import Operation


class Operations(Collection["Operation"]):
    path = "/operations"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        execution_id: str | None = None,
        graph_id: str | None = None,
        state: str | None = None,
        skip_internal: bool = True,
    ) -> Page[Operation]:
        return self._list(
            part,
            execution_id=execution_id,
            graph_id=graph_id,
            state=state,
            skip_internal=skip_internal or None,
        )

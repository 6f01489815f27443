"""Operations and the graphs that they are stored in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from cloudwright.api import making, reading, shapes
from cloudwright.api.answers import Json, only, told, whole
from cloudwright.api.asking import Asked, Fields, Listed, check_fields, some
from cloudwright.api.bodies import routes_of
from cloudwright.api.listing import OPERATION
from cloudwright.errors import InvalidInput
from cloudwright.model.operation import OperationState
from cloudwright.storage import operations
from cloudwright.storage.filters import OperationFilter
from cloudwright.storage.telling import tell_page

router = routes_of("operations")


@router.get("/operations", response_model=shapes.Listed[shapes.Operation])
async def list_operations(
    asking: Asked,
    listing: Listed,
    execution_id: str | None = None,
    graph_id: str | None = None,
    state: Annotated[list[str] | None, Query()] = None,
    skip_internal: Annotated[bool, Query(description="Only what runs outside of the workflow.")] = False,
) -> Response:
    check_fields(listing.fields, shapes.Operation)
    if execution_id is None and graph_id is None:
        raise InvalidInput("Say whose operations: give `execution_id` or `graph_id`.")
    if execution_id is not None:
        await asking.manager.store.read(reading.get_execution, asking.tenant, execution_id)
    filter = OperationFilter(
        tenant=asking.tenant,
        execution_id=execution_id,
        graph_id=graph_id,
        states=_states(some(state)),
        kinds=["operation"] if skip_internal else None,
    )
    found = operations.listing(filter)
    return told(
        await asking.manager.store.read(tell_page, found, OPERATION, listing.fields, listing.page),
        listing.page,
    )


@router.get("/operations/{id}", response_model=shapes.Operation)
async def get_operation(asking: Asked, id: str, fields: Fields) -> Json:
    check_fields(fields, shapes.Operation)
    row, over = await asking.manager.store.read(reading.get_operation, asking.tenant, id)
    return Json(only(making.operation(row, over=over), fields))


@router.get("/tasks_graphs", response_model=shapes.Listed[shapes.TasksGraph])
async def list_graphs(asking: Asked, execution_id: str, fields: Fields, name: str | None = None) -> Json:
    check_fields(fields, shapes.TasksGraph)
    rows = await asking.manager.store.read(reading.list_graphs, asking.tenant, execution_id)
    return whole([only(making.tasks_graph(row), fields) for row in rows if name is None or row.name == name])


def _states(names: list[str] | None) -> list[OperationState] | None:
    if names is None:
        return None
    unknown = [name for name in names if name not in tuple(OperationState)]
    if unknown:
        raise InvalidInput(f"`{unknown[0][:200]}` is no state; there are: {', '.join(OperationState)}.")
    return [OperationState(name) for name in names]

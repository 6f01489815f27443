"""Operations and the graphs that they are stored in."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Query, Response

from cloudwright.api import serializers
from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep, FieldsDep, ListQueryDep, check_fields, split_values
from cloudwright.api.responses import (
    JsonResponse,
    json_page_response,
    json_response,
    pick_fields,
    single_page,
)
from cloudwright.api.routing import resource_router
from cloudwright.errors import InvalidInput
from cloudwright.manager import views
from cloudwright.manager.redaction import without_sealed
from cloudwright.model import rest
from cloudwright.model.operation import OperationState
from cloudwright.model.permissions import Permission
from cloudwright.storage.filters import OperationFilter
from cloudwright.storage.resources import execution, operation

router = resource_router("operations")


@router.get("/operations", response_model=rest.Page[rest.Operation])
@requires(Permission.OPERATIONS)
async def list_operations(
    context: ContextDep,
    query: ListQueryDep,
    execution_id: str | None = None,
    graph_id: str | None = None,
    state: Annotated[list[str] | None, Query()] = None,
    skip_internal: Annotated[
        bool, Query(description="Only operations that run outside the workflow's process.")
    ] = False,
) -> Response:
    check_fields(query.fields, rest.Operation)
    if execution_id is None and graph_id is None:
        raise InvalidInput("`execution_id` or `graph_id` is required.")
    store = context.manager.store
    if execution_id is not None:
        await context.check_seen("executions", execution_id)
        await store.read(execution.check, context.tenant, execution_id)
    filter = OperationFilter(
        tenant=context.scope,
        execution_id=execution_id,
        graph_id=graph_id,
        states=_states(split_values(state)),
        kinds=["operation"] if skip_internal else None,
    )
    found = await store.read_page(operation.get_page, filter, query.fields, query.page)
    return json_page_response(replace(found, items=without_sealed(found.items)), query.page)


@router.get("/operations/{id}", response_model=rest.Operation)
@requires(Permission.OPERATIONS)
async def get_operation(context: ContextDep, id: str, fields: FieldsDep) -> Response:
    check_fields(fields, rest.Operation)
    found = await context.manager.store.read(operation.get_json, context.tenant, id, fields)
    return json_response(without_sealed(found))


@router.get("/tasks_graphs", response_model=rest.Page[rest.TasksGraph])
@requires(Permission.OPERATIONS)
async def list_graphs(
    context: ContextDep, execution_id: str, fields: FieldsDep, name: str | None = None
) -> JsonResponse:
    check_fields(fields, rest.TasksGraph)
    await context.check_seen("executions", execution_id)
    rows = await context.manager.store.read(views.list_graphs, context.tenant, execution_id)
    return single_page(
        [
            pick_fields(serializers.tasks_graph(row), fields)
            for row in rows
            if name is None or row.name == name
        ]
    )


def _states(names: list[str] | None) -> list[OperationState] | None:
    if names is None:
        return None
    unknown = [name for name in names if name not in tuple(OperationState)]
    if unknown:
        raise InvalidInput(f"`{unknown[0][:200]}` is not a state; they are: {', '.join(OperationState)}.")
    return [OperationState(name) for name in names]

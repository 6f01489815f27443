"""Deployments: their list, a deployment with its topology, and starting a workflow by a form."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from cloudwright.api.routes import executions as api_executions
from cloudwright.console import parameter_forms, topology
from cloudwright.console.pages import number_of
from cloudwright.console.rest import RestError
from cloudwright.console.routes.executions import FIELDS
from cloudwright.console.visits import Visit, visited

PAGE = 50
#: How many instances a page shows.
INSTANCES = 200
_FIELDS = (
    "id,display_name,blueprint_id,created_at,created_by,installation_status,deployment_status,"
    "latest_execution_id,latest_execution_status,latest_execution_workflow_id,visibility"
)


async def _list(visit: Visit) -> Response:
    return visit.page("deployments.html", **await _rows(visit))


async def _list_fragment(visit: Visit) -> Response:
    return visit.page("_deployments.html", **await _rows(visit))


async def _rows(visit: Visit) -> dict[str, Any]:
    query = visit.request.query_params
    search, blueprint = query.get("_search", "").strip(), query.get("_blueprint", "").strip()
    page = number_of(query.get("page"))
    found = await visit.rest.get(
        "/deployments",
        _search=search or None,
        blueprint_id=blueprint or None,
        _size=PAGE,
        _offset=page * PAGE,
        _sort="-created_at",
        _include=_FIELDS,
    )
    total = found["metadata"]["pagination"]["total"]
    kept = {"_search": search, "_blueprint": blueprint}
    return {
        "deployments": found["items"],
        "total": total,
        "search": search,
        "blueprint": blueprint,
        "fragment": visit.url("deployments/rows", **kept, page=page or None),
        "newer": visit.url("deployments", **kept, page=page - 1 or None) if page else None,
        "older": visit.url("deployments", **kept, page=page + 1) if (page + 1) * PAGE < total else None,
    }


async def _page(visit: Visit) -> Response:
    return visit.page("deployment.html", **await _read(visit))


async def _live(visit: Visit) -> Response:
    return visit.page("_deployment.html", **await _read(visit))


async def _read(visit: Visit) -> dict[str, Any]:
    id = visit.request.path_params["id"]
    # What it takes nothing from is read at once; a name that does not exist is refused by the first.
    deployment = await visit.rest.get(f"/deployments/{id}")
    nodes, instances, latest, outputs, capabilities = await asyncio.gather(
        visit.rest.get("/nodes", deployment_id=id, _include="id,type,host_id,relationships", _size=1000),
        visit.rest.get("/node-instances", deployment_id=id, _size=INSTANCES),
        visit.rest.get("/executions", deployment_id=id, _sort="-created_at", _size=10, _include=FIELDS),
        _values(visit, id, "outputs"),
        _values(visit, id, "capabilities"),
    )
    return {
        "deployment": deployment,
        "topology": topology.draw(nodes["items"], instances["items"]),
        "node_count": len(nodes["items"]),
        "instances": instances["items"],
        "instance_total": instances["metadata"]["pagination"]["total"],
        "executions": latest["items"],
        "values": [("Inputs", deployment["inputs"]), ("Outputs", outputs), ("Capabilities", capabilities)],
        "workflows": sorted(deployment["workflows"], key=lambda workflow: str(workflow["name"])),
        "may_start": visit.may(api_executions.start_execution),
    }


async def _values(visit: Visit, id: str, which: str) -> Any:
    """Read what is evaluated now; if that cannot be done, why."""
    try:
        return (await visit.rest.get(f"/deployments/{id}/{which}"))[which]
    except RestError as error:
        return {"not known now": error.message}


async def _start_form(visit: Visit) -> Response:
    workflow = await _workflow(visit)
    return _form(visit, workflow, {}, {}, None)


async def _start(visit: Visit) -> Response:
    workflow = await _workflow(visit)
    given = parameter_forms.entered(visit.form.multi_items())
    values, problems = parameter_forms.values_of(workflow["parameters"], given)
    if problems:
        return _form(visit, workflow, given, problems, "Nothing was started: some values cannot be read.")
    body = {
        "deployment_id": visit.request.path_params["id"],
        "workflow_id": workflow["name"],
        "parameters": values,
        **{name: True for name in ("dry_run", "queue", "force") if visit.form.get(name)},
    }
    try:
        execution = await visit.rest.post("/executions", body)
    except RestError as error:
        if error.status not in (400, 409):
            raise
        return _form(visit, workflow, given, {}, f"Nothing was started. {error.message}")
    return visit.redirect(visit.url(f"executions/{execution['id']}"))


async def _workflow(visit: Visit) -> dict[str, Any]:
    id, name = visit.request.path_params["id"], visit.request.path_params["workflow"]
    deployment = await visit.rest.get(f"/deployments/{id}", _include="workflows")
    for workflow in deployment["workflows"]:
        if workflow["name"] == name:
            found: dict[str, Any] = workflow
            return found
    raise RestError(404, {"message": f"Deployment `{id}` has no workflow `{name}`."})


def _form(
    visit: Visit, workflow: dict[str, Any], given: dict[str, str], problems: dict[str, str], said: str | None
) -> Response:
    return visit.page(
        "start.html",
        200 if said is None else 400,
        deployment_id=visit.request.path_params["id"],
        workflow=workflow,
        fields=parameter_forms.fields_of(workflow["parameters"], given),
        prefix=parameter_forms.PREFIX,
        problems=problems,
        said=said,
        chosen={name for name in ("dry_run", "queue", "force") if visit.form.get(name)},
    )


ROUTES = [
    Route("/deployments", visited(_list)),
    Route("/deployments/rows", visited(_list_fragment)),
    Route("/deployments/{id}", visited(_page)),
    Route("/deployments/{id}/live", visited(_live)),
    Route("/deployments/{id}/start/{workflow}", visited(_start_form)),
    Route("/deployments/{id}/start/{workflow}", visited(_start), methods=["POST"]),
]

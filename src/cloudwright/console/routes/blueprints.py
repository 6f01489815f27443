"""Blueprints: their list, uploading one, a blueprint with its topology, and deploying it by a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.responses import Response
from starlette.routing import Route

from cloudwright.api.routes import blueprints as api
from cloudwright.api.routes import deployments as api_deployments
from cloudwright.api.routes import executions as api_executions
from cloudwright.console import parameter_forms, topology
from cloudwright.console.pages import page_of
from cloudwright.console.rest import RestError
from cloudwright.console.visits import Visit, visited
from cloudwright.errors import InvalidInput
from cloudwright.manager.identifiers import check_id

_FIELDS = "id,description,state,error,created_at,created_by,visibility,main_file_name"
_EMPTY_FORM = {"id": "", "application_file_name": "", "visibility": "tenant"}


async def _list(visit: Visit, *, said: str | None = None) -> Response:
    given = {name: str(visit.form.get(name, value)) for name, value in _EMPTY_FORM.items()}
    found = await page_of(visit, "/blueprints", "blueprints", _sort="-created_at", _include=_FIELDS)
    return visit.page(
        "blueprints.html",
        200 if said is None else 400,
        **found,
        may_upload=visit.may(api.upload_blueprint),
        given=given,
        said=said,
    )


async def _upload(visit: Visit) -> Response:
    id, archive = str(visit.form.get("id", "")).strip(), visit.form.get("archive")
    if not isinstance(archive, UploadFile) or not archive.size:
        return await _list(visit, said="Nothing was uploaded: choose an archive.")
    params = {
        "application_file_name": str(visit.form.get("application_file_name", "")).strip() or None,
        "visibility": str(visit.form.get("visibility", "")) or None,
    }
    try:
        check_id("blueprint", id)
        made = await visit.rest.send_file("PUT", f"/blueprints/{id}", archive, params)
    except InvalidInput as error:
        return await _list(visit, said=f"Nothing was uploaded. {error}")
    except RestError as error:
        if error.status not in (400, 409, 413):
            raise
        # One that is not valid is listed with its problems.
        return await _list(visit, said=error.message)
    warnings = "".join(f" Warning: {each['message']}" for each in (made.get("warnings") or [])[:3])
    return visit.redirect(_url(visit, id), f"Blueprint `{id}` is uploaded.{warnings}")


async def _page(visit: Visit) -> Response:
    blueprint = await visit.rest.get(f"/blueprints/{_id(visit)}")
    plan = blueprint["plan"] or {}
    nodes = [{"host_id": None, **node} for node in plan.get("nodes") or []]
    used = await visit.rest.get("/deployments", blueprint_id=blueprint["id"], _size=0)
    return visit.page(
        "blueprint.html",
        blueprint=blueprint,
        topology=topology.draw(nodes, ()),
        nodes=nodes,
        inputs=parameter_forms.fields_of(plan.get("inputs") or {}, {}),
        workflows=sorted(plan.get("workflows") or {}),
        deployments_total=used["metadata"]["pagination"]["total"],
        may_deploy=visit.may(api_deployments.create_deployment) and blueprint["state"] == "uploaded",
        may_delete=visit.may(api.delete_blueprint),
        may_download=visit.may(api.download_blueprint),
    )


async def _delete(visit: Visit) -> Response:
    try:
        await visit.rest.delete(f"/blueprints/{_id(visit)}")
    except RestError as error:
        if error.status not in (400, 409):
            raise
        return visit.redirect(_url(visit), error.message)
    return visit.redirect(
        visit.url("blueprints"), f"Blueprint `{visit.request.path_params['id']}` is deleted."
    )


async def _download(visit: Visit) -> Response:
    content, headers = await visit.rest.get_file(f"/blueprints/{_id(visit)}/archive")
    return Response(content, headers=headers)


async def _deploy_form(visit: Visit) -> Response:
    return _form(visit, await _inputs(visit), {}, {}, None)


async def _deploy(visit: Visit) -> Response:
    inputs = await _inputs(visit)
    given = parameter_forms.entered(visit.form.multi_items())
    values, problems = parameter_forms.values_of(inputs, given)
    if problems:
        return _form(visit, inputs, given, problems, "Nothing was created: some values cannot be read.")
    id = str(visit.form.get("id", "")).strip()
    name = str(visit.form.get("display_name", "")).strip()
    body = {"blueprint_id": visit.request.path_params["id"], "inputs": values}
    try:
        check_id("deployment", id)
        await visit.rest.put(f"/deployments/{id}", {**body, **({"display_name": name} if name else {})})
    except InvalidInput as error:
        return _form(visit, inputs, given, {}, f"Nothing was created. {error}")
    except RestError as error:
        if error.status not in (400, 409):
            raise
        return _form(visit, inputs, given, {}, f"Nothing was created. {error.message}")
    address = visit.url(f"deployments/{quote(id, safe='')}")
    if not visit.form.get("install"):
        return visit.redirect(address, f"Deployment `{id}` is created. Nothing of it is installed yet.")
    try:
        started = await visit.rest.post("/executions", {"deployment_id": id, "workflow_id": "install"})
    except RestError as error:
        return visit.redirect(address, f"Deployment `{id}` is created, and not installed: {error.message}")
    return visit.redirect(visit.url(f"executions/{started['id']}"))


async def _inputs(visit: Visit) -> dict[str, Any]:
    blueprint = await visit.rest.get(f"/blueprints/{_id(visit)}", _include="id,plan")
    found: dict[str, Any] = (blueprint["plan"] or {}).get("inputs") or {}
    return found


def _form(
    visit: Visit,
    inputs: Mapping[str, Any],
    given: dict[str, str],
    problems: dict[str, str],
    said: str | None,
) -> Response:
    return visit.page(
        "deploy.html",
        200 if said is None else 400,
        blueprint_id=visit.request.path_params["id"],
        fields=parameter_forms.fields_of(inputs, given),
        prefix=parameter_forms.PREFIX,
        problems=problems,
        said=said,
        given={name: str(visit.form.get(name, "")) for name in ("id", "display_name", "install")},
        may_install=visit.may(api_executions.start_execution),
    )


def _id(visit: Visit) -> str:
    id: str = visit.request.path_params["id"]
    return id


def _url(visit: Visit, id: str | None = None) -> str:
    return visit.url(f"blueprints/{quote(id or visit.request.path_params['id'], safe='')}")


ROUTES = [
    Route("/blueprints", visited(_list)),
    Route("/blueprints", visited(_upload), methods=["POST"]),
    Route("/blueprints/{id}", visited(_page)),
    Route("/blueprints/{id}/delete", visited(_delete), methods=["POST"]),
    Route("/blueprints/{id}/archive", visited(_download)),
    Route("/blueprints/{id}/deploy", visited(_deploy_form)),
    Route("/blueprints/{id}/deploy", visited(_deploy), methods=["POST"]),
]

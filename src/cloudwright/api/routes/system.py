"""The manager itself: version, status, configuration, and what it is made of."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from cloudwright.api import shapes
from cloudwright.api.answers import Json, listed, whole
from cloudwright.api.asking import Asked, Listed
from cloudwright.api.bodies import routes_of
from cloudwright.api.gate import PREFIX
from cloudwright.errors import NotFound
from cloudwright.manager.manager import Manager

router = routes_of("system")
#: What may be asked by anybody.
open_router = APIRouter(prefix=PREFIX, tags=["system"])

EDITION = "community"


@open_router.get("/ok", response_model=str)
async def ok() -> Json:
    """Whether the manager answers at all; needs no credentials."""
    return Json("OK")


@router.get("/version", response_model=shapes.Version)
async def get_version(asking: Asked) -> Json:
    return Json(
        {"version": asking.manager.version, "edition": EDITION, "distribution": None, "distro_release": None}
    )


@router.get("/status", response_model=shapes.Status)
async def get_status(asking: Asked) -> Json:
    """Whether the manager is well. It waits for a database that does not answer, and loses nothing."""
    store = asking.manager.store
    trouble = {} if store.trouble is None else {"trouble": store.trouble}
    services = {
        "REST API": _service(True, {}),
        "Database": _service(store.healthy, trouble),
        "Workflow engine": _service(True, {}),
    }
    return Json({"status": "OK" if store.healthy else "Fail", "services": services})


@router.get("/config", response_model=shapes.Listed[shapes.ConfigItem])
async def list_config(asking: Asked, scope: str | None = None) -> Json:
    """The settings that clients and plugins may want to know."""
    return whole([item for item in _config(asking.manager) if scope is None or scope in item["scope"]])


@router.get("/config/{name}", response_model=shapes.ConfigItem)
async def get_config(asking: Asked, name: str) -> Json:
    for item in _config(asking.manager):
        if name in (item["name"], *(f"{scope}.{item['name']}" for scope in item["scope"])):
            return Json(item)
    raise NotFound(f"There is no setting `{name}`.")


@router.get("/provider/context", response_model=shapes.Context)
async def get_context(_asking: Asked) -> Json:
    """What earlier managers kept about the cloud that they were started in; here, nothing."""
    return Json({"name": "cloudwright", "context": {}})


@router.get("/managers", response_model=shapes.Listed[shapes.ManagerItem])
async def list_managers(request: Request, asking: Asked) -> Json:
    host = _host(request)
    item: shapes.ManagerItem = {
        "id": 1,
        "hostname": asking.manager.name,
        "private_ip": host,
        "public_ip": host,
        "version": asking.manager.version,
        "edition": EDITION,
        "distribution": None,
        "distro_release": None,
    }
    return whole([item])


@router.get("/brokers", response_model=shapes.Listed[shapes.BrokerItem])
async def list_brokers(request: Request, _asking: Asked) -> Json:
    """The message bus, which is part of the manager's process."""
    item: shapes.BrokerItem = {
        "name": "in process",
        "host": _host(request),
        "port": None,
        "is_external": False,
        "networks": {},
    }
    return whole([item])


@router.get("/db-nodes", response_model=shapes.Listed[shapes.DatabaseNode])
async def list_database_nodes(request: Request, _asking: Asked) -> Json:
    item: shapes.DatabaseNode = {"name": "database", "host": _host(request), "is_external": False}
    return whole([item])


@router.get("/maintenance", response_model=shapes.Maintenance)
async def get_maintenance(_asking: Asked) -> Json:
    """There is no maintenance mode, so it is never on."""
    return Json(
        {
            "status": "deactivated",
            "activated_at": None,
            "activation_requested_at": None,
            "remaining_executions": [],
            "requested_by": None,
        }
    )


async def _list_none(_asking: Asked, listing: Listed) -> Json:
    """There are none: managers do not have these yet, and clients ask for them all the same."""
    return listed([], 0, listing.page)


for _noun in ("sites", "agents", "deployment-groups", "execution-groups", "execution-schedules", "snapshots"):
    router.add_api_route(
        f"/{_noun}",
        _list_none,
        name=f"list_{_noun.replace('-', '_')}",
        response_model=shapes.Listed[dict[str, Any]],
    )


def _service(active: bool, extra: dict[str, Any]) -> shapes.ServiceStatus:
    return {"status": "Active" if active else "Inactive", "is_remote": False, "extra_info": extra}


def _config(manager: Manager) -> list[shapes.ConfigItem]:
    settings = manager.settings
    values = {
        "workflow": {
            "max_retries": settings.task_retries,
            "retry_interval": settings.task_retry_interval,
            "subgraph_retries": settings.subgraph_retries,
        },
        "rest": {"max_archive": settings.max_archive, "kill_grace": settings.kill_grace},
    }
    return [
        {
            "name": name,
            "value": value,
            "scope": [scope],
            "schema": None,
            "is_editable": False,
            "admin_only": False,
            "updated_at": None,
            "updater_name": None,
        }
        for scope, items in values.items()
        for name, value in items.items()
    ]


def _host(request: Request) -> str:
    """Where this manager was reached."""
    server = request.scope.get("server")
    return str(server[0]) if server else "127.0.0.1"

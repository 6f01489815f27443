"""The manager itself: version, status, configuration, and what it is made of."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import ContextDep
from cloudwright.api.loop_lag import LoopLag
from cloudwright.api.middleware import PREFIX
from cloudwright.api.responses import JsonResponse, single_page
from cloudwright.api.routing import resource_router
from cloudwright.model import rest
from cloudwright.model.permissions import Permission

router = resource_router("system")
#: Routes that need no credentials.
public_router = APIRouter(prefix=PREFIX, tags=["system"])

EDITION = "community"


@public_router.get("/ok", response_model=str)
async def ok() -> JsonResponse:
    """Confirm that the manager responds; needs no credentials."""
    return JsonResponse("OK")


@router.get("/version", response_model=rest.Version)
@requires(Permission.VERSION_GET)
async def get_version(context: ContextDep) -> JsonResponse:
    return JsonResponse(
        {"version": context.manager.version, "edition": EDITION, "distribution": None, "distro_release": None}
    )


@router.get("/status", response_model=rest.Status)
@requires(Permission.STATUS_GET)
async def get_status(
    request: Request,
    context: ContextDep,
    disk: Annotated[bool, Query(description="Measure what the manager's home takes of the disk.")] = False,
) -> JsonResponse:
    """Return whether the manager and its services work. While the database is away, writes wait."""
    store = context.manager.store
    trouble = {} if store.trouble is None else {"trouble": store.trouble}
    services = {
        "REST API": _service(True, {"event_loop_lag_ms": _milliseconds(request.app.state.loop_lag)}),
        "Database": _service(store.healthy, trouble),
        "Workflow engine": _service(True, {"processes_tracked_by": context.manager.tracking}),
    }
    if disk:
        use = await context.manager.disk.measure()
        services["Disk"] = _service(True, {"free_bytes": use.free, "used_bytes": use.used})
    return JsonResponse({"status": "OK" if store.healthy else "Fail", "services": services})


@router.get("/managers", response_model=rest.Page[rest.ManagerItem])
@requires(Permission.MANAGER_GET)
async def list_managers(request: Request, context: ContextDep) -> JsonResponse:
    host = _host(request)
    item: rest.ManagerItem = {
        "id": 1,
        "hostname": context.manager.name,
        "private_ip": host,
        "public_ip": host,
        "version": context.manager.version,
        "edition": EDITION,
        "distribution": None,
        "distro_release": None,
    }
    return single_page([item])


@router.get("/brokers", response_model=rest.Page[rest.BrokerItem])
@requires(Permission.BROKER_GET)
async def list_brokers(request: Request, _context: ContextDep) -> JsonResponse:
    """Return the message bus, which is part of the manager's process."""
    item: rest.BrokerItem = {
        "name": "in process",
        "host": _host(request),
        "port": None,
        "is_external": False,
        "networks": {},
    }
    return single_page([item])


@router.get("/db-nodes", response_model=rest.Page[rest.DatabaseNode])
@requires(Permission.DB_NODES_GET)
async def list_database_nodes(request: Request, _context: ContextDep) -> JsonResponse:
    item: rest.DatabaseNode = {"name": "database", "host": _host(request), "is_external": False}
    return single_page([item])


def _milliseconds(lag: LoopLag) -> dict[str, float]:
    return {"last": round(lag.last * 1000, 1), "largest_of_last_minute": round(lag.largest * 1000, 1)}


def _service(active: bool, extra: dict[str, Any]) -> rest.ServiceStatus:
    return {"status": "Active" if active else "Inactive", "is_remote": False, "extra_info": extra}


def _host(request: Request) -> str:
    """Return the address under which this manager was reached."""
    server = request.scope.get("server")
    return str(server[0]) if server else "127.0.0.1"

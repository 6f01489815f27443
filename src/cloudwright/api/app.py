"""The ASGI application of the REST API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from cloudwright.api.change_feed import ChangeFeed
from cloudwright.api.dependencies import CREDENTIALS
from cloudwright.api.errors import on_error, on_http_error, on_invalid_request
from cloudwright.api.hosts import own_names
from cloudwright.api.loop_lag import LoopLag
from cloudwright.api.middleware import (
    PREFIX,
    ApiVersionMiddleware,
    AuthMiddleware,
    BodyLimitMiddleware,
    ErrorMiddleware,
    HostMiddleware,
)
from cloudwright.api.responses import JsonResponse
from cloudwright.api.routes import (
    agents,
    audit,
    blueprints,
    changes,
    configuration,
    console_links,
    deployment_groups,
    deployment_modifications,
    deployment_updates,
    deployments,
    evaluation,
    events,
    execution_groups,
    execution_schedules,
    executions,
    filters,
    identity,
    inner_searches,
    inter_deployment_dependencies,
    labels,
    metrics,
    nodes,
    operations,
    permissions,
    plugins,
    retention,
    searches,
    secret_sharing,
    secrets,
    sites,
    snapshots,
    summaries,
    system,
    tenants,
    tokens,
    user_groups,
    users,
    visibility,
)
from cloudwright.api.routing import JsonRoute
from cloudwright.api.streaming import Followers
from cloudwright.errors import CloudwrightError
from cloudwright.manager.manager import Manager
from cloudwright.model import rest

# A request is compared with one path after the other: frequent ones come first.
_NOUNS = (
    executions,
    events,
    operations,
    nodes,
    # Before that of a deployment with this name.
    inter_deployment_dependencies,
    deployments,
    deployment_modifications,
    deployment_updates,
    blueprints,
    plugins,
    secret_sharing,
    secrets,
    tokens,
    users,
    user_groups,
    tenants,
    permissions,
    changes,
    visibility,
    audit,
    system,
    configuration,
    sites,
    searches,
    inner_searches,
    filters,
    summaries,
    evaluation,
    retention,
    snapshots,
    labels,
    execution_schedules,
    console_links,
    deployment_groups,
    agents,
    execution_groups,
)
_ROUTERS = (
    *(noun.router for noun in _NOUNS),
    system.public_router,
    identity.router,
    metrics.router,
)


class _Api(FastAPI):
    """An application that draws its OpenAPI document from routes with models of their responses."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            documented = FastAPI(
                title=self.title,
                summary=self.summary,
                version=self.version,
                default_response_class=JsonResponse,
                responses={"4XX": {"model": rest.ErrorBody}, "5XX": {"model": rest.ErrorBody}},
            )
            described = APIRouter()
            for router in _ROUTERS:
                for route in router.routes:
                    described.routes.append(route.documented() if isinstance(route, JsonRoute) else route)
            documented.include_router(described)
            self.openapi_schema = documented.openapi()
        return self.openapi_schema


def create_app(manager: Manager) -> FastAPI:
    """Return the REST API of a manager, below ``/api``. Its OpenAPI document is at
    ``/api/v3.1/openapi.json``.
    """
    app = _Api(
        title="Cloudwright",
        summary="Blueprints, deployments and executions that can always be stopped.",
        version=manager.version,
        openapi_url=f"{PREFIX}/openapi.json",
        # Pages that would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=JsonResponse,
        exception_handlers={
            CloudwrightError: on_error,
            RequestValidationError: on_invalid_request,
            HTTPException: on_http_error,
        },
    )
    app.state.manager = manager
    app.state.loop_lag = LoopLag()
    app.state.followers = Followers()
    app.state.change_feed = ChangeFeed(manager.bus, manager.store)
    for router in _ROUTERS:
        # What is included is made once more when the first request comes; these are whole already.
        app.router.routes.extend(router.routes)
    # Clients read the version before they know the version of the API.
    app.add_api_route(
        "/api/version",
        system.get_version,
        response_model=None,
        dependencies=CREDENTIALS,
        include_in_schema=False,
    )
    # The last one added is the first that a request passes.
    app.add_middleware(BodyLimitMiddleware, max_archive=manager.settings.max_archive)
    app.add_middleware(AuthMiddleware, accounts=manager.accounts)
    app.add_middleware(HostMiddleware, allowed=own_names(manager.settings.allowed_host))
    app.add_middleware(ApiVersionMiddleware)
    app.add_middleware(ErrorMiddleware)
    return app

"""The ASGI application of the REST API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from cloudwright.api.change_feed import ChangeFeed
from cloudwright.api.dependencies import CREDENTIALS
from cloudwright.api.errors import on_error, on_http_error, on_invalid_request
from cloudwright.api.hosts import own_names
from cloudwright.api.late_routes import LateRoutes
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
    blueprints,
    deployments,
    events,
    executions,
    identity,
    inter_deployment_dependencies,
    metrics,
    nodes,
    operations,
    plugins,
    retention,
    system,
    visibility,
)
from cloudwright.api.routing import JsonRoute
from cloudwright.api.streaming import Followers
from cloudwright.errors import CloudwrightError
from cloudwright.manager.manager import Manager
from cloudwright.model import rest

# A request is compared with one path after the other: frequent ones come first.
_AT_ONCE = (
    executions.router,
    events.router,
    operations.router,
    nodes.router,
    # Before that of a deployment with this name.
    inter_deployment_dependencies.router,
    deployments.router,
    blueprints.router,
    plugins.router,
    visibility.router,
    retention.router,
    system.router,
    system.public_router,
    identity.router,
    metrics.router,
)
LATE = (
    LateRoutes("deployment_updates"),
    LateRoutes("deployment_modifications"),
    LateRoutes("secret_sharing", "secrets", "secrets-providers"),
    LateRoutes("secrets"),
    LateRoutes("tokens"),
    LateRoutes("users", "user", "users"),
    LateRoutes("user_groups"),
    LateRoutes("tenants"),
    LateRoutes("permissions"),
    LateRoutes("changes"),
    LateRoutes("audit"),
    LateRoutes("configuration", "config", "provider", "maintenance"),
    LateRoutes("sites"),
    LateRoutes("searches"),
    LateRoutes("inner_searches", "searches"),
    LateRoutes("filters"),
    LateRoutes("hooks"),
    LateRoutes("summaries", "summary"),
    LateRoutes("evaluation", "evaluate"),
    LateRoutes("snapshots", "snapshots", "snapshot-status"),
    LateRoutes("labels"),
    LateRoutes("execution_schedules"),
    LateRoutes("console_links"),
    LateRoutes("deployment_groups"),
    LateRoutes("agents"),
    LateRoutes("execution_groups"),
    # Behind all others, below whose paths these are.
    LateRoutes(
        "refusals",
        *("license", "license-check", "contacts", "ldap", "idp", "log-bundles", "managers", "brokers"),
        *("db-nodes", "agents", "executions", "operations", "tasks_graphs", "plugins", "nodes"),
        *("node-instances", "deployment-updates", "blueprints", "snapshots", "audit"),
    ),
)


def all_routes() -> list[BaseRoute]:
    """Return every route of the API; all its modules are loaded for that."""
    below = [*(router.routes for router in _AT_ONCE), *(late.routes for late in LATE)]
    return [route for routes in below for route in routes]


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
            for route in all_routes():
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
    for router in _AT_ONCE:
        # What is included is made once more when the first request comes; these are whole already.
        app.router.routes.extend(router.routes)
    app.router.routes.extend(LATE)
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
    settings = manager.settings
    app.add_middleware(
        HostMiddleware,
        allowed=own_names(settings.allowed_host, settings.public_url),
        public_url=settings.public_url,
    )
    app.add_middleware(ApiVersionMiddleware)
    app.add_middleware(ErrorMiddleware)
    return app

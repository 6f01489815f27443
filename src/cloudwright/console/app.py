"""The ASGI application of the console."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudwright.api.errors import response_for
from cloudwright.api.hosts import own_names
from cloudwright.api.middleware import BodyLimitMiddleware, ErrorMiddleware, HostMiddleware
from cloudwright.console import security, static_files
from cloudwright.console.mount import ROOT
from cloudwright.console.routes import (
    blueprints,
    changes,
    deployments,
    execution,
    execution_actions,
    execution_log,
    executions,
    listings,
    many_executions,
    overview,
    sign_in,
    tenants,
)
from cloudwright.console.templates import render
from cloudwright.errors import CloudwrightError


class _PolicyMiddleware:
    """Says to browsers what a page of the console may load and do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = security.POLICY
                # Without a referrer, browsers do not say of which origin a form is.
                headers["referrer-policy"] = "same-origin"
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _routes() -> list[Route]:
    """Return every route under its whole path: a mount would change what requests hold as their root."""
    pages = (
        overview,
        blueprints,
        deployments,
        executions,
        many_executions,
        execution,
        execution_actions,
        execution_log,
        listings,
        tenants,
        changes,
    )
    return [
        Route(f"{ROOT}/static/{{digest}}/{{name:path}}", static_files.serve),
        *(_below(ROOT, route) for route in sign_in.ROUTES),
        *(_below(f"{ROOT}/t/{{tenant}}", route) for page in pages for route in page.ROUTES),
    ]


def _below(path: str, route: Route) -> Route:
    methods = sorted((route.methods or set()) - {"HEAD"})
    return Route(f"{path}{route.path}", route.endpoint, methods=methods)


def create_console(api: FastAPI) -> ASGIApp:
    """Return the console of a manager's REST API, to be reached below ``/console``."""
    settings = api.state.manager.settings
    console = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(_PolicyMiddleware),
            Middleware(ErrorMiddleware),
            Middleware(
                HostMiddleware,
                allowed=own_names(settings.allowed_host, settings.public_url),
                public_url=settings.public_url,
            ),
            Middleware(BodyLimitMiddleware, max_archive=settings.max_archive),
        ],
        exception_handlers={HTTPException: _on_http_error, CloudwrightError: _on_error},
    )
    console.state.api = api
    return console


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = "There is no such page" if error.status_code == 404 else str(error.detail)
    return Response(render("plain.html", {"title": title}), error.status_code, media_type="text/html")


async def _on_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, CloudwrightError)
    status = response_for(error).status_code
    return Response(render("plain.html", {"title": str(error)}), status, media_type="text/html")

"""Signing in and out."""

from __future__ import annotations

import secrets
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cloudwright.console import security
from cloudwright.console.mount import root_of
from cloudwright.console.rest import Rest, client_of
from cloudwright.console.templates import render
from cloudwright.console.visits import Visit, visited
from cloudwright.errors import CloudwrightError, TooManyRequests, Unauthorized
from cloudwright.manager.manager import Manager
from cloudwright.storage.records import DEFAULT_TENANT

# Before there is a session, the form's token is compared with a cookie.
_FORM_COOKIE = "cloudwright_sign_in"


async def _show(request: Request) -> Response:
    return _form(request, next=request.query_params.get("next", ""))


def _form(request: Request, *, next: str, username: str = "", error: str = "", status: int = 200) -> Response:
    token = secrets.token_hex(16)
    context = {
        "root": root_of(request),
        "csrf": token,
        "next": next,
        "username": username,
        "error": error,
        "version": _manager(request).version,
    }
    response = Response(render("sign_in.html", context), status, media_type="text/html")
    response.set_cookie(
        _FORM_COOKIE,
        token,
        path=root_of(request),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


async def _sign_in(request: Request) -> Response:
    form = await request.form()
    username, password = str(form.get("username", "")), str(form.get("password", ""))
    next = str(form.get("next", ""))
    token = str(form.get(security.CSRF_FIELD, ""))
    if not token or not secrets.compare_digest(
        token.encode(), request.cookies.get(_FORM_COOKIE, "").encode()
    ):
        return _form(
            request, next=next, username=username, error="The form was too old. Try again.", status=403
        )
    manager = _manager(request)
    address = request.client.host if request.client else ""
    try:
        if "\0" in username:
            raise Unauthorized("The user name or the password is wrong.")
        principal = await manager.accounts.authenticate_basic(username, password, address)
    except (Unauthorized, TooManyRequests) as error:
        status = 429 if isinstance(error, TooManyRequests) else 401
        return _form(request, next=next, username=username, error=str(error), status=status)
    return _signed_in(request, await manager.sessions.open(principal), next)


async def _open_link(request: Request) -> Response:
    """Sign in by a link of `cfy console`."""
    tenant = request.query_params.get("tenant", "")
    try:
        value = await _manager(request).sessions.redeem(request.query_params.get("code", ""))
    except CloudwrightError:
        error = "This link was opened before, or it is too old. `cfy console` makes a new one."
        return _form(request, next="", error=error, status=401)
    target = request.query_params.get("next") or (
        f"{root_of(request)}/t/{quote(tenant, safe='')}/" if tenant else ""
    )
    return _signed_in(request, value, target)


def _signed_in(request: Request, session: str, next: str) -> Response:
    response = RedirectResponse(_own_address(request, next), 303)
    security.set_session(response, request, session)
    response.delete_cookie(_FORM_COOKIE, path=root_of(request))
    return response


async def _sign_out(visit: Visit) -> Response:
    await visit.manager.sessions.close(visit.session)
    response = visit.redirect(visit.root_url("sign-in"))
    security.forget_session(response, visit.request)
    return response


async def _home(visit: Visit) -> Response:
    """Go to a tenant that the user may use."""
    rest = Rest(client_of(visit.request.app.state.api), visit.principal.username, DEFAULT_TENANT)
    tenants = [tenant["name"] for tenant in (await rest.get("/tenants"))["items"]]
    tenant = DEFAULT_TENANT if DEFAULT_TENANT in tenants or not tenants else tenants[0]
    return visit.redirect(visit.root_url(f"t/{quote(tenant, safe='')}/"))


def _own_address(request: Request, next: str) -> str:
    """Return where to go after signing in: a page of the console, whatever was asked for."""
    root = root_of(request)
    parts = urlsplit(next)
    if parts.scheme or parts.netloc or "\\" in next or not parts.path.startswith(f"{root}/"):
        return f"{root}/"
    return next


def _manager(request: Request) -> Manager:
    manager: Manager = request.app.state.api.state.manager
    return manager


ROUTES = [
    Route("/", visited(_home)),
    Route("/sign-in", _show),
    Route("/sign-in", _sign_in, methods=["POST"]),
    Route("/sign-out", visited(_sign_out), methods=["POST"]),
    Route("/open", _open_link),
]

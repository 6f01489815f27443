"""A request for a page: who sends it, for which tenant, and how it is responded to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cloudwright.api.authorization import authorize, permission_of
from cloudwright.api.routes import blueprints, deployments, executions
from cloudwright.console import security
from cloudwright.console.listings import Listing
from cloudwright.console.listings_of_managers import LISTINGS as LISTINGS_OF_MANAGERS
from cloudwright.console.listings_of_tenants import LISTINGS as LISTINGS_OF_TENANTS
from cloudwright.console.mount import root_of
from cloudwright.console.rest import Rest, RestError, client_of
from cloudwright.console.static_files import digest_of_all
from cloudwright.console.templates import render
from cloudwright.errors import Forbidden, Unauthorized
from cloudwright.manager.manager import Manager
from cloudwright.manager.principals import Principal

#: The pages in the order of the menu, each with the route of the REST API that it shows.
PAGES: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    ("o", "Overview", "", executions.list_executions),
    ("e", "Executions", "executions", executions.list_executions),
    ("d", "Deployments", "deployments", deployments.list_deployments),
    ("b", "Blueprints", "blueprints", blueprints.list_blueprints),
)
#: Further pages, in a menu of their own.
MORE: tuple[Listing, ...] = (*LISTINGS_OF_TENANTS, *LISTINGS_OF_MANAGERS)
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Visit:
    """``now`` is the server's time, by which all ages are told."""

    request: Request
    manager: Manager
    principal: Principal
    session: str
    tenant: str
    rest: Rest
    now: datetime
    form: FormData = field(default_factory=FormData)

    @property
    def is_fragment(self) -> bool:
        """Whether a script of the page asks for a part of it."""
        return "hx-request" in self.request.headers

    @property
    def pages(self) -> list[tuple[str, str, str]]:
        """Return the pages that the user may see: the key that opens each, its name and its path."""
        return [(key, name, path) for key, name, path, endpoint in PAGES if self.may(endpoint)]

    @property
    def more_pages(self) -> list[tuple[str, str, str]]:
        """Return the same for the pages of the further menu."""
        return [(page.key, page.title, page.path) for page in MORE if self.may(page.endpoint)]

    def url(self, path: str = "", **query: object) -> str:
        """Return the address of a page of the tenant."""
        return self.root_url(f"t/{quote(self.tenant, safe='')}/{path}", **query)

    def root_url(self, path: str = "", **query: object) -> str:
        given = {name: value for name, value in query.items() if value not in (None, "", [], ())}
        shown = f"?{urlencode(given, doseq=True)}" if given else ""
        return f"{root_of(self.request)}/{path}{shown}"

    def may(self, endpoint: Callable[..., Any]) -> bool:
        """Return whether the user may use a route of the REST API: what one may not do is not offered."""
        try:
            authorize(self.principal, permission_of(endpoint), self.tenant)
        except Forbidden:
            return False
        return True

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """Return a page, or a fragment of one."""
        content = render(template, self._context(context))
        headers = {"x-console-assets": digest_of_all()}
        response = Response(content, status, headers, media_type="text/html")
        security.take_notice(response, self.request)
        return response

    def redirect(self, url: str, notice: str | None = None) -> Response:
        """Go to another page, which says the notice."""
        response = RedirectResponse(url, 303)
        if notice is not None:
            security.set_notice(response, self.request, notice)
        return response

    def _context(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "visit": self,
            "url": self.url,
            "root_url": self.root_url,
            "now": self.now,
            "principal": self.principal,
            "tenant": self.tenant,
            "csrf": security.csrf_token(self.session),
            "version": self.manager.version,
            "notice": security.notice_of(self.request),
            **context,
        }


Handler = Callable[[Visit], Awaitable[Response]]


def visited(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Let a handler see signed-in users only, and their own forms only; show what the API refuses."""

    async def handle(request: Request) -> Response:
        visit = await _signed_in(request)
        if visit is None:
            return _sign_in_first(request)
        if request.method in _CHANGING and not security.is_own_form(
            visit.session, visit.form.get(security.CSRF_FIELD)
        ):
            return visit.page(
                "error.html",
                403,
                title="This form is not from this session",
                message="Nothing was done. Go back, reload the page, and try again.",
            )
        try:
            return await handler(visit)
        except RestError as error:
            if error.status == 401:
                return _sign_in_first(request)
            return visit.page(
                "error.html", error.status, title=_TITLES.get(error.status), message=error.message
            )

    return handle


_TITLES = {403: "You may not do this", 404: "There is nothing here", 503: "The manager cannot do this now"}


async def _signed_in(request: Request) -> Visit | None:
    api = request.app.state.api
    manager: Manager = api.state.manager
    value = security.session_value(request)
    if value is None:
        return None
    try:
        principal = await manager.sessions.authenticate(value)
    except Unauthorized:
        return None
    form = await request.form() if request.method in _CHANGING else FormData()
    tenant = request.path_params.get("tenant", "")
    address = request.client.host if request.client else None
    rest = Rest(client_of(api), principal.username, tenant, address)
    return Visit(request, manager, principal, value, tenant, rest, manager.clock(), form)


def _sign_in_first(request: Request) -> Response:
    if "hx-request" in request.headers:
        # Never a sign-in page inside of another: the page itself offers to sign in.
        return Response(status_code=401)
    root = root_of(request)
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        # A link on another site: the browser keeps the cookie back until the console itself asks again.
        return Response(render("again.html", {}), media_type="text/html")
    asked = (
        request.scope.get("root_path", "")
        + request.scope["path"]
        + (f"?{request.url.query}" if request.url.query else "")
    )
    wanted = f"?{urlencode({'next': asked})}" if request.method == "GET" else ""
    return RedirectResponse(f"{root}/sign-in{wanted}", 303)

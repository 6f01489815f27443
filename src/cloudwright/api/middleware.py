"""What every request passes before its route, one job each, and every response on its way out.

From the outside in: ``ErrorMiddleware`` (headers of responses, unforeseen errors), ``ApiVersionMiddleware``
(earlier versions of the API, characters that no path may hold), ``HostMiddleware`` (names and origins),
``AuthMiddleware`` (who sends it), ``BodyLimitMiddleware`` (how much is read). They apply to every request and
every WebSocket, whatever its path.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudwright.api.errors import error_response, incident_response, response_for
from cloudwright.api.hosts import is_allowed_host, is_same_origin
from cloudwright.errors import CloudwrightError, Forbidden, InvalidInput, Unauthorized
from cloudwright.manager.accounts import Accounts
from cloudwright.manager.principals import Principal
from cloudwright.model.manager_identity import IDENTITY_PATH

PREFIX = "/api/v3.1"
#: In the scope of a request from inside: its principal. No server puts it there.
KNOWN_PRINCIPAL = "cloudwright.principal"
METRICS_PATH = "/metrics"
#: Paths that need no user's credentials: the probe of a load balancer, the description of the API, the proof
#: that a client wants before it sends any, and the metrics, which have a token of their own.
PUBLIC = frozenset({f"{PREFIX}/ok", f"{PREFIX}{IDENTITY_PATH}", f"{PREFIX}/openapi.json", METRICS_PATH})
_EARLIER_VERSION = re.compile(r"/api/v(?:2|2\.1|3)(?=/|$)")
_UPLOAD = re.compile(
    rf"PUT {re.escape(PREFIX)}/blueprints/[^/]+(?:/validate)?|POST {re.escape(PREFIX)}/plugins"
)
_LARGEST_BODY = 16 << 20
# What a multipart body adds to the archive in it.
_ENVELOPE = 1 << 20
# How much of a refused body is read before the connection is closed.
_MOST_DROPPED = 64 << 20
# The code with which a WebSocket is closed that may not be opened (policy violation).
_REFUSED_SOCKET = 1008

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class _Middleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def _refuse(self, error: CloudwrightError, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with an error; a WebSocket is not opened."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _REFUSED_SOCKET, "reason": str(error)[:100]})
            return
        headers = Headers(scope=scope)
        response: Response = response_for(error, challenge=not _is_browser(headers))
        if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
            await response(scope, receive, send)
        else:
            await _refuse_body(response, receive, send)


async def _refuse_body(response: Response, receive: Receive, send: Send) -> None:
    """Respond before the body is read, then close the connection.

    A part of the body is read and dropped: a connection that is closed while its client sends loses the
    response.
    """
    response.headers["connection"] = "close"
    await send(
        {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    )
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    dropped, more = 0, True
    while more and dropped < _MOST_DROPPED:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.body", "body": b""})


class ErrorMiddleware(_Middleware):
    """Responds to unforeseen errors, and adds the headers that every response carries."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        outgoing = _Outgoing(send)
        try:
            await self._app(scope, receive, outgoing)
        except ClientDisconnect:
            # The client has disconnected.
            return
        except Exception as error:
            response = incident_response(error, f"{scope.get('method', scope['type'])} {scope['path']}")
            if outgoing.started or scope["type"] != "http":
                raise
            await response(scope, receive, outgoing)


class ApiVersionMiddleware(_Middleware):
    """Gives paths of earlier versions of the API the present prefix, and refuses NUL in paths and queries."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _EARLIER_VERSION.sub(PREFIX, scope["path"], count=1)
        scope = {**scope, "path": path, "raw_path": None}
        if "\0" in path or b"%00" in scope["query_string"]:
            error = InvalidInput("The path or query of the request contains a NUL character.")
            await self._refuse(error, scope, receive, send)
            return
        await self._app(scope, receive, send)


class HostMiddleware(_Middleware):
    """Refuses requests under foreign host names, and those that pages of other sites make browsers send."""

    def __init__(self, app: ASGIApp, *, allowed: Collection[str], public_url: str = "") -> None:
        super().__init__(app)
        self._allowed = frozenset(name.lower() for name in allowed)
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        if host is not None and not is_allowed_host(host, self._allowed):
            error: CloudwrightError = Forbidden(
                f"This manager is not known as `{host[:200]}`. Use its IP address, or start it with"
                " `--allowed-host NAME`."
            )
        elif origin is not None and not is_same_origin(origin, host, self._public_url):
            error = Forbidden(
                f"Pages of `{origin[:200]}` may not send requests to this manager, which was reached as"
                f" `{(host or '')[:200]}`. Behind a proxy, set `public_url` to the address in the browser."
            )
        else:
            await self._app(scope, receive, send)
            return
        await self._refuse(error, scope, receive, send)


class AuthMiddleware(_Middleware):
    """Puts the principal of a request into its state; without one only ``PUBLIC`` paths are reached."""

    def __init__(self, app: ASGIApp, *, accounts: Accounts) -> None:
        super().__init__(app)
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in PUBLIC:
            try:
                principal = scope.get(KNOWN_PRINCIPAL) or await self._authenticate(scope)
            except CloudwrightError as error:
                await self._refuse(error, scope, receive, send)
                return
            scope["state"] = {**scope.get("state", {}), "principal": principal}
        await self._app(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Principal:
        headers = Headers(scope=scope)
        token = headers.get("authentication-token")
        if token is not None:
            return await self._accounts.authenticate_token(token)
        given = headers.get("authorization")
        if given is None:
            # Nothing is verified, so how long this takes says nothing about users.
            raise Unauthorized(
                "Authentication required: use HTTP basic auth or the Authentication-Token header."
            )
        username, password = _basic(given)
        client = scope.get("client")
        return await self._accounts.authenticate_basic(username, password, client[0] if client else "")


class BodyLimitMiddleware(_Middleware):
    """Bounds how much of a request's body is read: archives may be larger than other bodies."""

    def __init__(self, app: ASGIApp, *, max_archive: int) -> None:
        super().__init__(app)
        self._max_archive = max_archive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = _LARGEST_BODY
        if _UPLOAD.fullmatch(f"{scope['method']} {scope['path']}"):
            limit = self._max_archive + _ENVELOPE
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > limit:
            response = error_response(413, _TOO_LARGE.format(limit), "request_too_large_error")
            await _refuse_body(response, receive, send)
            return
        await self._app(scope, _Limited(receive, limit), send)


class _Outgoing:
    """Adds the headers of every response, and knows whether one has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


class _Limited:
    """The rest of a request, up to a number of bytes: a chunked body has no length in advance."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._room = limit
        self._limit = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._room -= len(message.get("body", b""))
            if self._room < 0:
                raise HTTPException(413, _TOO_LARGE.format(self._limit))
        return message


_TOO_LARGE = "The body of the request is too large; the limit is {} bytes."


def _is_browser(headers: Headers) -> bool:
    """Return whether a browser sent it, which would ask for a password by itself and remember it."""
    return "sec-fetch-mode" in headers or "x-requested-with" in headers or "origin" in headers


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        if not colon or "\0" in username:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise Unauthorized(
            "Malformed Authorization header; expected `Basic <base64 user:password>`."
        ) from error
    return username, password


def principal_of(scope: Scope) -> Principal:
    """Return who sent a request that passed ``AuthMiddleware``. Only for routes that are not public."""
    principal = scope["state"]["principal"]
    assert isinstance(principal, Principal)
    return principal

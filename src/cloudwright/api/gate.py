"""What every request of the API passes before any more of it is read, and every answer on its way out."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudwright.api.errors import error_response, incident_response, response_for
from cloudwright.api.responses import JsonResponse
from cloudwright.errors import CloudwrightError, InvalidInput, Unauthorized
from cloudwright.manager.accounts import Accounts, Principal
from cloudwright.model.manager_identity import IDENTITY_PATH

PREFIX = "/api/v3.1"
#: In the scope of a request that comes from inside: who asks. No server puts it there.
KNOWN_PRINCIPAL = "cloudwright.principal"
# Who asks for these need not say who they are: a load balancer's question, and the description of the API.
_OPEN = frozenset({f"{PREFIX}/ok", f"{PREFIX}{IDENTITY_PATH}", f"{PREFIX}/openapi.json"})
_EARLIER_VERSION = re.compile(r"/api/v(?:2|2\.1|3)(?=/|$)")
_UPLOAD = re.compile(
    rf"PUT {re.escape(PREFIX)}/blueprints/[^/]+(?:/validate)?|POST {re.escape(PREFIX)}/plugins"
)
_LARGEST_BODY = 16 << 20
# What a multipart body adds to the archive in it.
_ENVELOPE = 1 << 20

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Gate:
    """Finds out who asks, bounds what is read, and answers for what nobody foresaw.

    The principal is in the request's ``state.principal``. Only paths of the API are looked at.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, *, max_archive: int) -> None:
        self._app = app
        self._accounts = accounts
        self._max_archive = max_archive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        path = _EARLIER_VERSION.sub(PREFIX, scope["path"], count=1)
        scope = {**scope, "path": path, "raw_path": None}
        outgoing = _Outgoing(send)
        limit = _LARGEST_BODY
        if _UPLOAD.fullmatch(f"{scope['method']} {path}"):
            limit = self._max_archive + _ENVELOPE
        try:
            refused = await self._refuse(scope, limit)
            if refused is None:
                await self._app(scope, _Limited(receive, limit), outgoing)
            else:
                await refused(scope, receive, outgoing)
        except ClientDisconnect:
            # Nobody is there any more to be answered.
            return
        except Exception as error:
            answer = incident_response(error, f"{scope['method']} {path}")
            if outgoing.started:
                raise
            await answer(scope, receive, outgoing)

    async def _refuse(self, scope: Scope, limit: int) -> JsonResponse | None:
        headers = Headers(scope=scope)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            return response_for(InvalidInput("The request's path or query holds a NUL character."))
        if scope["path"] not in _OPEN:
            try:
                principal = scope.get(KNOWN_PRINCIPAL) or await self._authenticate(headers)
            except CloudwrightError as error:
                return response_for(error)
            scope["state"] = {**scope.get("state", {}), "principal": principal}
        length = headers.get("content-length", "0")
        return _too_large(limit) if length.isdigit() and int(length) > limit else None

    async def _authenticate(self, headers: Headers) -> Principal:
        token = headers.get("authentication-token")
        if token is not None:
            return await self._accounts.authenticate_token(token)
        given = headers.get("authorization")
        if given is None:
            # Answered no sooner than a wrong password.
            with contextlib.suppress(Unauthorized):
                await self._accounts.authenticate_basic("", "")
            raise Unauthorized(
                "Say who you are: with a user name and a password (HTTP basic authentication), or with a"
                " token in the header Authentication-Token."
            )
        username, password = _basic(given)
        return await self._accounts.authenticate_basic(username, password)


class _Outgoing:
    """Adds what every answer carries, and knows whether one has begun."""

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
    """The rest of a request, up to a number of bytes: what is sent in chunks says no length before."""

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


_TOO_LARGE = "The request's body is too large: {} bytes is the limit here."


def _too_large(limit: int) -> JsonResponse:
    return error_response(413, _TOO_LARGE.format(limit), "request_too_large_error")


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
            "The header Authorization is not understood: it must be `Basic` and a user name and a password."
        ) from error
    return username, password


def principal_of(state: dict[str, Any]) -> Principal:
    """Who asks, from a request's state. Only for routes that are not open to everybody."""
    principal = state["principal"]
    assert isinstance(principal, Principal)
    return principal

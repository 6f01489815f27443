"""Requests of operations and workflows to the API, with the rights of the user who started the execution.

They pass all that other requests pass except the socket and the credentials: children have neither.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.types import ASGIApp, Message, Scope

from cloudwright.api.middleware import KNOWN_PRINCIPAL, PREFIX
from cloudwright.errors import Forbidden, InvalidInput
from cloudwright.manager.accounts import Accounts
from cloudwright.manager.principals import Principal
from cloudwright.model.execution import Caller
from cloudwright.model.frames.methods import RestRequest

#: The process that makes a request from inside, in the request's scope.
CALLER = "cloudwright.caller"
# They end only after the execution that sends the request.
_STREAMS = ("/events/stream", "/changes/stream")
_JSON = "application/json"
_BYTES = "application/octet-stream"
#: The headers of a response that is no JSON which its caller is told.
_PASSED_ON = ("content-type", "content-disposition")


class InProcessClient:
    """Carries out the ``rest`` calls of ``docs/concepts/frames.md``."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts

    async def request(
        self,
        username: str | None,
        tenant: str,
        asked: RestRequest,
        *,
        caller: Caller | None = None,
        address: str | None = None,
    ) -> dict[str, Any]:
        """Return what the request got as this user, in ``tenant`` unless it asks for another one. ``address``
        is where it comes from, if it is passed on for somebody.

        An error response is returned like any other. Raises Forbidden if the user no longer exists, and
        InvalidInput if it cannot be sent.
        """
        path = asked["path"]
        if path in _STREAMS:
            raise InvalidInput(f"`{path}` cannot be requested from inside an execution.")
        response = _ResponseCollector()
        content, content_type = _sent(asked)
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": asked["method"].upper(),
            "scheme": "http",
            "path": path if asked.get("from_root") else PREFIX + path,
            "root_path": "",
            "query_string": urlencode(_without_none(asked.get("params") or {}), doseq=True).encode(),
            "headers": [
                (b"content-type", content_type.encode("latin-1", "replace")),
                (b"content-length", str(len(content)).encode()),
                (b"tenant", (asked.get("tenant") or tenant).encode("latin-1", "replace")),
            ],
            "client": None if address is None else (address, 0),
            "server": None,
            KNOWN_PRINCIPAL: await self._principal(username),
            CALLER: caller,
        }
        await self._app(scope, _RequestBody(content), response)
        return response.reply()

    async def _principal(self, username: str | None) -> Principal:
        try:
            return await self._accounts.principal(username)
        except Forbidden as error:
            raise Forbidden(f"{error} This execution was started in that name.") from error


class _RequestBody:
    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content

    async def __call__(self) -> Message:
        if self._content is None:
            # In-process clients never disconnect; block until cancelled.
            await asyncio.get_running_loop().create_future()
        content, self._content = self._content, None
        return {"type": "http.request", "body": content or b"", "more_body": False}


class _ResponseCollector:
    def __init__(self) -> None:
        self._status = 500
        self._headers: dict[str, str] = {}
        self._content = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        else:
            self._content += message.get("body", b"")

    def reply(self) -> dict[str, Any]:
        """Return the value of the call's reply."""
        if not self._content:
            return {"status": self._status, "body": None}
        if self._headers.get("content-type") == _JSON:
            return {"status": self._status, "body": orjson.loads(self._content)}
        headers = {name: self._headers[name] for name in _PASSED_ON if name in self._headers}
        return {
            "status": self._status,
            "content": base64.b64encode(self._content).decode(),
            "headers": headers | {"content-length": str(len(self._content))},
        }


def _sent(asked: RestRequest) -> tuple[bytes, str]:
    """Return the body of a request and its content type. Raises InvalidInput."""
    encoded = asked.get("content")
    if encoded is None:
        body = asked.get("body")
        return b"" if body is None else orjson.dumps(body), _JSON
    try:
        return base64.b64decode(encoded, validate=True), asked.get("content_type") or _BYTES
    except ValueError as error:
        raise InvalidInput(f"The `content` of a request is not base64: {error}.") from error


def _without_none(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}

"""Requests of operations and workflows to the API, with the rights of the user who started the execution.

They pass all that other requests pass except the socket and the credentials: children have neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.types import ASGIApp, Message, Scope

from cloudwright.api.middleware import KNOWN_PRINCIPAL, PREFIX
from cloudwright.errors import Forbidden, InvalidInput, NotFound
from cloudwright.manager.accounts import Accounts, Principal
from cloudwright.model.execution import Caller

#: The process that makes a request from inside, in the request's scope.
CALLER = "cloudwright.caller"
# It ends only after the execution that sends the request.
_EVENT_STREAM = "/events/stream"


class InProcessClient:
    """Carries out the ``rest`` calls of ``docs/concepts/frames.md``."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts

    async def request(
        self,
        username: str | None,
        tenant: str,
        method: str,
        path: str,
        params: Mapping[str, Any],
        body: Any = None,
        *,
        caller: Caller | None = None,
    ) -> dict[str, Any]:
        """``{"status", "body"}`` of a request as this user; ``path`` is below ``/api/v3.1``.

        An error response is returned like any other. Raises Forbidden if the user no longer exists, and
        InvalidInput if the response is not JSON.
        """
        if path == _EVENT_STREAM:
            raise InvalidInput(f"`{path}` cannot be requested from inside an execution.")
        response = _ResponseCollector()
        content = b"" if body is None else orjson.dumps(body)
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method.upper(),
            "scheme": "http",
            "path": PREFIX + path,
            "root_path": "",
            "query_string": urlencode(_without_none(params), doseq=True).encode(),
            "headers": [(b"content-type", b"application/json"), (b"tenant", tenant.encode("latin-1"))],
            "client": None,
            "server": None,
            KNOWN_PRINCIPAL: await self._principal(username),
            CALLER: caller,
        }
        await self._app(scope, _RequestBody(content), response)
        return {"status": response.status, "body": response.json()}

    async def _principal(self, username: str | None) -> Principal:
        try:
            user = await self._accounts.user(username or "")
        except NotFound as error:
            raise Forbidden(f"There is no user `{username}`, who started this execution.") from error
        if not user.active:
            raise Forbidden(f"The user `{username}`, who started this execution, is not active.")
        return Principal(user.username, user.role)


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
        self.status = 500
        self._is_json = self._is_foreign = False
        self._content = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            self._is_json = kinds == [b"application/json"]
        elif self._is_json:
            self._content += message.get("body", b"")
        elif message.get("body"):
            self._is_foreign = True

    def json(self) -> Any:
        """None for an empty response. Raises InvalidInput."""
        if self._is_foreign:
            raise InvalidInput("The response is not JSON, so an operation cannot receive it.")
        return orjson.loads(self._content) if self._content else None


def _without_none(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}

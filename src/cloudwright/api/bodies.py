"""Reading JSON bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from cloudwright.errors import InvalidInput

# An escaped NUL, which is JSON but nothing that a database's text can hold.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class _JsonRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        if b"\\u0000" in body and _NUL.search(body):
            raise InvalidInput("The request's body holds a NUL character, which no text here may hold.")
        return orjson.loads(body)


class JsonRoute(APIRoute):
    """Reads bodies with a strict parser: no NaN and no half characters, which could not be stored later."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle_json

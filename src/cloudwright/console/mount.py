"""Where the console meets the REST API: which requests are its own. The first of them loads it."""

from __future__ import annotations

import asyncio
import importlib

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: The path of the console.
ROOT = "/console"


def root_of(request: Request) -> str:
    """Return the path of the console as the browser of a request sees it."""
    return f"{request.scope.get('root_path', '')}{ROOT}"


class ConsoleMount:
    """The API, with the console below ``ROOT``."""

    def __init__(self, api: FastAPI) -> None:
        self._api = api
        self._console: ASGIApp | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == ROOT or path.startswith(f"{ROOT}/"):
            await (await self._loaded())(scope, receive, send)
        elif path == "/" and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            await RedirectResponse(f"{scope.get('root_path', '')}{ROOT}/", 303)(scope, receive, send)
        else:
            await self._api(scope, receive, send)

    async def _loaded(self) -> ASGIApp:
        async with self._loading:
            if self._console is None:
                module = await asyncio.to_thread(importlib.import_module, "cloudwright.console.app")
                console: ASGIApp = module.create_console(self._api)
                self._console = console
        return self._console

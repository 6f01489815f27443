"""The REST API as the pages use it: with the rights of the user who signed in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import UploadFile

from cloudwright.api.internal_client import InProcessClient
from cloudwright.model.frames.methods import RestRequest


class RestError(Exception):
    """A response that is not a success, in the API's words."""

    def __init__(self, status: int, body: Any) -> None:
        said = body if isinstance(body, dict) else {}
        self.status = status
        self.message = str(said.get("message") or f"The manager responded with {status}.")
        self.code = str(said.get("error_code") or "")
        self.problems: list[dict[str, Any]] = said.get("problems") or []
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Rest:
    """Requests of one user in one tenant."""

    client: InProcessClient
    username: str
    tenant: str
    address: str | None = None

    async def get(self, path: str, **params: Any) -> Any:
        """Return the body of the response. Raises RestError."""
        return await self._send({"method": "GET", "path": path, "params": params})

    async def post(self, path: str, body: Any) -> Any:
        return await self._send({"method": "POST", "path": path, "body": body})

    async def put(self, path: str, body: Any) -> Any:
        return await self._send({"method": "PUT", "path": path, "body": body})

    async def delete(self, path: str, **params: Any) -> Any:
        return await self._send({"method": "DELETE", "path": path, "params": params})

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        asked: RestRequest = {"method": method, "path": path}
        return await self._send(asked if body is None else {**asked, "body": body})

    async def send_file(
        self, method: str, path: str, file: UploadFile, params: Mapping[str, str | None]
    ) -> Any:
        """Send the content of an uploaded file as the body. Raises RestError."""
        content = await asyncio.to_thread(lambda: base64.b64encode(file.file.read()).decode())
        asked: RestRequest = {"method": method, "path": path, "params": dict(params), "content": content}
        return await self._send(asked)

    async def get_file(self, path: str) -> tuple[bytes, dict[str, str]]:
        """Return a file, and the headers that say what it is. Raises RestError."""
        asked: RestRequest = {"method": "GET", "path": path}
        reply = await self.client.request(self.username, self.tenant, asked, address=self.address)
        if reply["status"] >= 400:
            raise RestError(reply["status"], reply.get("body"))
        return base64.b64decode(reply["content"]), reply["headers"]

    async def _send(self, asked: RestRequest) -> Any:
        reply = await self.client.request(self.username, self.tenant, asked, address=self.address)
        status, body = reply["status"], reply.get("body")
        if status >= 400:
            raise RestError(status, body)
        return body


def client_of(api: FastAPI) -> InProcessClient:
    return InProcessClient(api, api.state.manager.accounts)

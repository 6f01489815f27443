"""What agents connect to: a WebSocket, and files by HTTP. Their tokens are good for nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from cloudwright import agent_program
from cloudwright.errors import Unauthorized
from cloudwright.manager.agents import Agents, Refusal
from cloudwright.model.frames.worker import check_from_worker
from cloudwright.process.frames import FrameError
from cloudwright.worker.frame_stream import FrameReader

PREFIX = "/agents/v1/"
#: How long an agent may take to say `hello` (seconds).
HELLO_SECONDS = 10.0
#: Characters of a SHA-256.
_DIGEST_LENGTH = 64
#: Why a WebSocket is closed: the other side broke the protocol.
_PROTOCOL_ERROR = 1002

log = logging.getLogger(__name__)


class AgentGate:
    """An ASGI application in front of the REST API's."""

    def __init__(self, app: ASGIApp, agents: Agents) -> None:
        self._app = app
        self._agents = agents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if not path.startswith(PREFIX):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            socket = WebSocket(scope, receive, send)
            await socket.accept()
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._converse(socket)
        else:
            response = await self._file(Request(scope, receive), path.removeprefix(PREFIX))
            await response(scope, receive, send)

    async def _converse(self, socket: WebSocket) -> None:
        """Talk with a worker until its connection ends."""
        reader = FrameReader(check_from_worker)
        peer = socket.client.host if socket.client else ""
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await _receive(socket, reader)
            if hello["type"] != "hello":
                raise FrameError("the first frame is not `hello`")
            worker, session = await self._agents.let_in(
                _bearer(socket.headers.get("authorization")), hello, peer, socket.send_text
            )
        except Refusal as refusal:
            log.warning("an agent at %s was refused: %s", peer, refusal)
            await socket.send_json({"type": "refused", "reason": refusal.reason, "message": str(refusal)})
            await socket.close()
            return
        except (FrameError, TimeoutError) as error:
            log.warning("a connection of an agent at %s was closed: %s", peer, error)
            await socket.close(_PROTOCOL_ERROR)
            return
        hosts = self._agents.hosts
        session.send(
            {
                "type": "welcome",
                "session": session.number,
                "worker": worker.name,
                "manager": hosts.life,
                "silence": hosts.silence,
            }
        )
        sending = asyncio.ensure_future(session.run(hosts.silence / 5))
        stopped = False
        try:
            reading = asyncio.ensure_future(self._read(socket, reader, worker, session))
            await asyncio.wait([reading, sending], return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                stopped = await reading
        except FrameError as error:
            log.warning("the connection of agent %s was closed: %s", worker.name, error)
        finally:
            hosts.disconnect(worker.name, session, stopped=stopped)
            session.close()
            await asyncio.wait([sending])
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await socket.close(1000)

    async def _read(self, socket: WebSocket, reader: FrameReader, worker: Any, session: Any) -> bool:
        """Take frames until the connection ends; True if the worker said goodbye."""
        known = False
        while True:
            try:
                frame = await _receive(socket, reader)
            except WebSocketDisconnect:
                return False
            session.listen()
            if worker.session is not session:
                # The worker has a newer connection: what comes by this one counts no more.
                return False
            kind = frame["type"]
            if kind == "goodbye":
                return True
            if kind == "inventory":
                worker.take_inventory(frame)
                known = True
                self._agents.hosts.ready(worker.name)
            elif kind == "hello" or (not known and kind != "heartbeat"):
                raise FrameError(f"a frame of type `{kind}` came out of turn")
            else:
                worker.take(frame)

    async def _file(self, request: Request, path: str) -> Response:
        token = _bearer(request.headers.get("authorization"))
        try:
            if path == "enrolment" and request.method == "POST":
                return await self._enrol(request, token)
            if path == "program" and request.method == "GET":
                if not await self._agents.may_fetch_program(token):
                    return PlainTextResponse("The token of enrolment has expired.", 401)
                program = await asyncio.to_thread(agent_program.build)
                return Response(program, media_type="application/zip")
            await self._agents.authenticate(token)
        except Unauthorized as error:
            return PlainTextResponse(str(error), 401)
        kind, _, key = path.partition("/")
        if request.method == "GET" and kind == "resources":
            folder = self._agents.folder(key)
            if folder is not None:
                return StreamingResponse(_archive(folder), media_type="application/x-tar")
        elif request.method == "GET" and kind == "wheels":
            wheel = await asyncio.to_thread(self._agents.wheel, key)
            if wheel is not None:
                return FileResponse(wheel, media_type="application/zip")
        return PlainTextResponse("The manager has no such files any more.", 404)

    async def _enrol(self, request: Request, token: str) -> Response:
        digest = ""
        async for part in request.stream():
            digest += part.decode("ascii", "replace")
            if len(digest) > _DIGEST_LENGTH:
                break
        if len(digest) != _DIGEST_LENGTH or not digest.isalnum():
            return PlainTextResponse("The request must be the SHA-256 of the agent's secret.", 400)
        row = await self._agents.redeem(token, digest)
        log.info("agent %s is enrolled from %s", row.name, request.client.host if request.client else "?")
        return PlainTextResponse(row.name)


async def _receive(socket: WebSocket, reader: FrameReader) -> dict[str, Any]:
    while True:
        frame = reader.feed(await socket.receive_text())
        if frame is not None:
            return frame


def _bearer(header: str | None) -> str:
    scheme, _, token = (header or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _archive(folder: Path) -> AsyncIterator[bytes]:
    """Yield a tar archive of ``folder``, written by a thread into a pipe."""
    theirs, ours = os.pipe()
    writing = asyncio.ensure_future(asyncio.to_thread(_write, folder, ours))
    try:
        with os.fdopen(theirs, "rb") as stream:
            while chunk := await asyncio.to_thread(stream.read, 1 << 18):
                yield chunk
    finally:
        with contextlib.suppress(OSError):
            await asyncio.shield(writing)


def _write(folder: Path, descriptor: int) -> None:
    with os.fdopen(descriptor, "wb") as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        archive.add(folder, arcname=".")

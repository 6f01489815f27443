"""Evaluates the ``ctx`` commands of a running script.

The socket lies in a folder that only this user can enter. A request is the asking process's folder and the
command's words, with null characters between; a reply is the command's exit code (a byte), the length of
what it prints (four bytes), that, and what it prints as an error.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

from cloudwright.child.current import Proxy
from cloudwright.operation.scripts import client
from cloudwright.operation.scripts.ctx_command import Result, evaluate

#: In a script's environment: where its ``ctx`` command asks.
CTX_SOCKET_URL = "CTX_SOCKET_URL"
#: The longest question (bytes); what is larger belongs into a file.
MAX_QUESTION = 64 * 1024 * 1024


class CtxServer:
    """Serves until it is closed. ``folder`` is private; the command is put into its folder ``bin``."""

    def __init__(self, ctx: Any, folder: str) -> None:
        self.ctx = ctx._get_current_object() if type(ctx) is Proxy else ctx
        self.socket_url = f"unix://{folder}"
        self.bin = os.path.join(folder, "bin")
        self._asking = threading.Lock()
        self._closed = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Through the folder's descriptor, because an address may only have 108 bytes.
            self._listener.bind(f"/proc/self/fd/{handle}/socket")
        finally:
            os.close(handle)
        self._listener.listen(128)
        _write_command(self.bin)
        threading.Thread(target=self._serve, name="ctx", daemon=True).start()

    def close(self) -> None:
        """Answer no more. Waits for a command that is being evaluated."""
        with self._asking:
            self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._talk, args=(connection,), name="ctx question", daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        # Who asks may be gone before it has its answer: that is its business.
        with connection, suppress(OSError):
            question = bytearray()
            while part := connection.recv(1 << 16):
                question += part
                if len(question) > MAX_QUESTION:
                    return
            cwd, *words = os.fsdecode(bytes(question)).split("\0")
            # One at a time: contexts are not made for several threads.
            with self._asking:
                if self._closed:
                    return
                result = evaluate(self.ctx, words, cwd)
            connection.sendall(_packed(result))


def _packed(result: Result) -> bytes:
    out = result.out.encode("utf-8", "surrogateescape")
    err = result.err.encode("utf-8", "surrogateescape")
    return bytes([result.code]) + len(out).to_bytes(4, "big") + out + err


def _write_command(folder: str) -> None:
    os.mkdir(folder, 0o700)
    path = os.path.join(folder, "ctx")
    program = " ".join(shlex.quote(part) for part in (sys.executable, "-I", "-S", client.__file__))
    with open(path, "w", encoding="utf-8", opener=_executable) as stream:
        stream.write(f'#!/bin/sh\nexec {program} "$@"\n')


def _executable(path: str, flags: int) -> int:
    return os.open(path, flags, 0o700)

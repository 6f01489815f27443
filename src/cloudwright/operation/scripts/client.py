"""The ``ctx`` command of scripts: hands its words to the operation's process and prints the answer.

A program of its own, run for every question that a script asks. So it imports as little as can be: starting
the interpreter is most of what it costs.
"""

from __future__ import annotations

import os
import sys
from _socket import AF_UNIX, SHUT_WR, SOCK_STREAM, socket


def main() -> int:
    """Return the exit code: 0, or 1 if the answer is an error."""
    folder = os.environ.get("CTX_SOCKET_URL", "").removeprefix("unix://")
    if not folder:
        return _fail("CTX_SOCKET_URL is not set: it works in scripts that an operation runs")
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        # Through the folder's descriptor, because an address may only have 108 bytes.
        handle = os.open(folder, os.O_RDONLY)
        connection.connect(f"/proc/self/fd/{handle}/socket")
        words = [os.getcwd(), *sys.argv[1:]]
        connection.sendall(b"\0".join(os.fsencode(word) for word in words))
        connection.shutdown(SHUT_WR)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
    except OSError as error:
        return _fail(f"the operation that runs this script does not answer: it has ended ({error.strerror})")
    if len(answer) < 5:
        return _fail("the operation that runs this script has ended without an answer")
    size = int.from_bytes(answer[1:5], "big")
    _write(1, answer[5 : 5 + size])
    _write(2, answer[5 + size :])
    return answer[0]


def _fail(message: str) -> int:
    _write(2, f"ctx: {message}\n".encode())
    return 1


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


if __name__ == "__main__":
    sys.exit(main())

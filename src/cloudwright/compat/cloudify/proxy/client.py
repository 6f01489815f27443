"""``cloudify.proxy.client``, and the ``ctx`` command of scripts on other machines.

Plugins that run scripts over SSH copy this one file there and run it, with whatever Python 3 that machine
has. So it needs nothing but the standard library; ``server.HTTPCtxProxy`` answers it.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

CTX_SOCKET_URL = "CTX_SOCKET_URL"

try:
    from cloudwright.child.errors import ScriptException
except ImportError:  # on the other machine

    class ScriptException(Exception):  # type: ignore[no-redef]
        """A script asked for the end of its operation."""


__all__ = ["CTX_SOCKET_URL", "RequestError", "ScriptException", "ask", "main"]


class RequestError(RuntimeError):
    """The operation could not be asked, or what was asked of it failed."""


def ask(url: str, words: list[str], timeout: float | None = 300) -> dict[str, Any]:
    """Return the ``code``, ``out`` and ``err`` of a ``ctx`` command. Raises RequestError."""
    body = json.dumps({"cwd": os.getcwd(), "words": words}).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise RequestError(f"the operation that runs this script does not answer: {error}") from error
    return answer


def main(args: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    url = os.environ.get(CTX_SOCKET_URL)
    if not url:
        sys.stderr.write(f"ctx: {CTX_SOCKET_URL} is not set: it works in scripts that an operation runs\n")
        return 1
    try:
        answer = ask(url, sys.argv[1:] if args is None else args)
    except RequestError as error:
        sys.stderr.write(f"ctx: {error}\n")
        return 1
    sys.stdout.write(answer["out"])
    sys.stderr.write(answer["err"])
    return int(answer["code"])


if __name__ == "__main__":
    sys.exit(main())

"""The parser as a process of its own: a blueprint that needs too much time or memory takes nobody down with
it.

Frames are those of ``docs/frames.md``: ``begin`` with ``path`` and ``limits``, and perhaps ``resolves``: then
imports that are not found beside the blueprint are asked for with a ``call`` of ``resolve_import``. The last
frame is ``end`` with the packed ``plan``, or with the ``problems`` that were found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from cloudwright.dsl.blueprint import parse_blueprint
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.problems import BlueprintError
from cloudwright.dsl.resolver import Imported, ImportRefused, NoImports


class Channel(Protocol):
    def send(self, frame: dict[str, Any]) -> None: ...
    def receive(self) -> dict[str, Any] | None: ...


class AskingResolver:
    """Asks the supervisor. Its answer is ``{"location", "path"}`` or ``{"location", "text"}``, and perhaps
    ``folder`` and ``extra`` (see ``resolver.Imported``)."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._calls = 0

    def resolve(self, reference: str, *, version: str) -> Imported:
        self._calls += 1
        arguments = {"reference": reference, "version": version}
        self._channel.send({"type": "call", "id": self._calls, "method": "resolve_import", "args": arguments})
        reply = self._channel.receive()
        if reply is None:
            raise ImportRefused("nobody answers who could know it.")
        error = reply.get("error")
        if error is not None:
            raise ImportRefused(str(error.get("message", "it is not known.")))
        value = reply["value"]
        folder = value.get("folder")
        text = value.get("text")
        if text is None:
            path = Path(value["path"])
            folder = folder or str(path.parent)
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as failure:
                raise ImportRefused(f"`{path}` cannot be read: {failure}.") from failure
        return Imported(value["location"], text, Path(folder) if folder else None, value.get("extra") or {})


def main(channel: Channel) -> None:
    """Parses one blueprint, and says what came of it."""
    begin = channel.receive()
    if begin is None:
        return
    resolver = AskingResolver(channel) if begin.get("resolves") else NoImports()
    try:
        plan = parse_blueprint(
            Path(begin["path"]), resolver=resolver, limits=Limits.from_json(begin.get("limits") or {})
        )
    except BlueprintError as error:
        channel.send({"type": "end", "problems": [problem.to_json() for problem in error.problems]})
    else:
        channel.send({"type": "end", "plan": plan.pack()})

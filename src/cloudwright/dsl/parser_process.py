"""The parser as a process of its own: one that needs too much time or memory takes no other process down.

Frames (docs/concepts/frames.md): ``begin`` with ``path`` and ``limits``, and perhaps ``resolves``: then
imports that are not found beside the blueprint are asked for with a ``call`` of ``resolve_import``. The last
frame is ``end`` with the packed ``plan``, or with the ``problems`` that were found.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cloudwright.dsl.blueprint import parse_blueprint
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.problems import BlueprintError, Problem
from cloudwright.dsl.resolver import Imported, ImportRefused, NoImports
from cloudwright.errors import CloudwrightError
from cloudwright.model.frames.parser import check_to_parser


class Channel(Protocol):
    def send(self, frame: dict[str, Any]) -> None:
        """Raises CloudwrightError if the frame is too large, and then sends nothing."""
        ...

    def receive_begin(self, check: Callable[[Any], str | None]) -> dict[str, Any]: ...

    def receive(self) -> dict[str, Any] | None: ...


class RemoteResolver:
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
            raise ImportRefused("the manager did not answer.")
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
    """Parse one blueprint, and send the result."""
    begin = channel.receive_begin(check_to_parser)
    resolver = RemoteResolver(channel) if begin["resolves"] else NoImports()
    path, limits = Path(begin["path"]), Limits.from_json(begin["limits"])
    try:
        _hand_over(channel, parse_blueprint(path, resolver=resolver, limits=limits).pack(), path, limits)
    except BlueprintError as error:
        found = {"problems": error.problems, "warnings": error.warnings}
        told = {kind: [problem.to_json() for problem in problems] for kind, problems in found.items()}
        channel.send({"type": "end", **told})


def _hand_over(channel: Channel, plan: dict[str, Any], path: Path, limits: Limits) -> None:
    """Raises BlueprintError if the plan is too large for that."""
    try:
        channel.send({"type": "end", "plan": plan})
    except CloudwrightError:
        size = len(json.dumps(plan, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
        if size <= limits.plan_bytes:
            raise
        message = (
            f"The blueprint's plan takes {size / 2**20:.0f} MiB, and the limit is"
            f" {limits.plan_bytes / 2**20:.0f} MiB. Put long texts into files beside the blueprint, or make"
            " several blueprints of it."
        )
        raise BlueprintError([Problem(message, str(path))]) from None

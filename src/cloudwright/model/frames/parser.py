"""Frames between the process that parses a blueprint and the manager."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from cloudwright.model.frames.checking import frame_check
from cloudwright.model.frames.common import Call, Reply


class Begin(TypedDict):
    """First frame, once: what to parse."""

    type: Literal["begin"]
    version: Annotated[int, "of the frames"]
    path: Annotated[str, "the application file"]
    limits: Annotated[dict[str, int], "by name, those of `dsl.Limits` that differ from the usual"]
    resolves: Annotated[bool, "whether calls are answered"]


class Problem(TypedDict):
    """Something wrong with a blueprint."""

    message: str
    file: str | None
    line: int | None
    column: int | None
    path: Annotated[Any, "keys and indexes that lead to it"]
    expected: str | None
    suggestion: str | None


class End(TypedDict):
    """Last frame: ``plan``, or ``problems`` and ``warnings``."""

    type: Literal["end"]
    plan: NotRequired[
        Annotated[dict[str, Any], "packed, with its warnings ([plan.md](../reference/plan.md))"]
    ]
    problems: NotRequired[Annotated[list[Problem], "everything that is wrong"]]
    warnings: NotRequired[list[Problem]]


TO_PARSER = (Begin, Reply)
FROM_PARSER = (Call, End)
check_to_parser = frame_check(*TO_PARSER)
check_from_parser = frame_check(*FROM_PARSER)

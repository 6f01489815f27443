"""Draws the tables of docs/frames.md from the types of the frames."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, is_typeddict

from cloudwright.model.frames import common, operation, parser, worker, workflow
from cloudwright.model.frames.methods import METHODS, PARSER_METHODS, WORKFLOW_METHODS, Method

_NAMES = {str: "text", int: "integer", float: "number", bool: "boolean", NoneType: "null", Any: "any"}

#: The frames below each heading of the page.
DIRECTIONS = {
    "Host to workflow process": workflow.TO_WORKFLOW,
    "Workflow process to host": workflow.FROM_WORKFLOW,
    "Runner to operation process": operation.TO_OPERATION,
    "Operation process to runner": operation.FROM_OPERATION,
    "Manager to parser process": parser.TO_PARSER,
    "Parser process to manager": parser.FROM_PARSER,
}
#: Objects that are parts of frames, by the heading above their table.
PARTS: dict[str, type] = {
    "The execution": common.ExecutionFacts,
    "The deployment": common.DeploymentFacts,
    "The blueprint": common.BlueprintFacts,
    "An operation": operation.OperationFacts,
    "A failure": common.Failure,
    "A node instance": operation.NodeInstanceFacts,
    "A stored task": workflow.StoredTask,
    "A task": workflow.Task,
    "An event": workflow.EventEntry,
    "A log line": workflow.LogEntry,
    "A problem": parser.Problem,
}


#: The same for the page about workers.
WORKER_DIRECTIONS = {"Manager to agent": worker.TO_WORKER, "Agent to manager": worker.FROM_WORKER}


def worker_pages() -> dict[str, str]:
    """What the page about workers has below each heading that is drawn."""
    drawn = {heading: "\n\n".join(map(_frame, frames)) for heading, frames in WORKER_DIRECTIONS.items()}
    parts = {
        "An operation that is held": worker.HeldOperation,
        "A plugin that is installed": worker.PluginInstallation,
        "A wheel": worker.WheelFile,
    }
    return drawn | {heading: _table(part) for heading, part in parts.items()}


def pages() -> dict[str, str]:
    """What the page has below each heading that is drawn."""
    drawn = {heading: "\n\n".join(map(_frame, frames)) for heading, frames in DIRECTIONS.items()}
    drawn |= {heading: _table(part) for heading, part in PARTS.items()}
    drawn["Entries of a journal"] = _entries()
    drawn["Methods"] = "\n".join(
        [
            "| method | arguments | returns | asked by |",
            "|---|---|---|---|",
            *(_method(name, method, "workflow, operation") for name, method in METHODS.items()),
            *(_method(name, method, "workflow") for name, method in WORKFLOW_METHODS.items()),
            *(_method(name, method, "parser") for name, method in PARSER_METHODS.items()),
        ]
    )
    return drawn


def _frame(frame: type) -> str:
    kind = get_args(frame.__annotations__["type"])[0]
    return f"#### `{kind}`\n\n{_plain(frame.__doc__)}\n\n{_table(frame)}"


def _plain(docstring: str | None) -> str:
    return str(docstring).replace("``", "`")


def _table(kind: type) -> str:
    rows = [
        f"| `{name}` | {_type(annotation)} | {_note(annotation)} |"
        for name, annotation in kind.__annotations__.items()
        if name != "type"
    ]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])


def _entries() -> str:
    rows = []
    for entry in workflow.ENTRIES:
        kind, note = get_args(entry)
        first, *rest = get_args(kind)
        items = [f'"{get_args(first)[0]}"', *(_note(item) or _type(item) for item in rest)]
        rows.append(f"| `[{', '.join(items)}]` | {note} |")
    return "\n".join(["| entry | meaning |", "|---|---|", *rows])


def _is_optional(annotation: object) -> bool:
    origin: object = get_origin(annotation)
    return origin is NotRequired


def _method(name: str, method: Method, asked_by: str) -> str:
    names = [
        f"{argument}?" if _is_optional(annotation) else argument
        for argument, annotation in method.args.__annotations__.items()
    ]
    return f"| `{name}` | {', '.join(f'`{each}`' for each in names)} | {method.returns} | {asked_by} |"


def _note(annotation: Any) -> str:
    if get_origin(annotation) == NotRequired:
        return _note(get_args(annotation)[0])
    return get_args(annotation)[1] if get_origin(annotation) is Annotated else ""


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is NotRequired:
        return f"{_type(get_args(annotation)[0])}, optional"
    if origin is Annotated:
        return _type(get_args(annotation)[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (Union, UnionType):
        members = dict.fromkeys(_type(member) for member in get_args(annotation))
        return " or ".join(members)
    if origin in (list, tuple):
        return "list"
    if origin is dict or is_typeddict(annotation):
        return "object"
    return _NAMES[annotation]

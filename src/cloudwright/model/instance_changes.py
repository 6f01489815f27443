"""What an update does to each node instance, and why: a preview and the workflow decide it alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: The drift check of an instance, and the operations of which one is needed to update it as it stands.
CHECK_DRIFT = "cloudify.interfaces.lifecycle.check_drift"
UPDATING = ("preupdate", "update", "postupdate", "update_config", "update_apply", "update_postapply")

_GONE = ("uninitialized", "deleted")
# Such an instance was never started, or is no more: nobody depends on it yet, and no later execution would
# bring it further. One that was `stopped`, or was being stopped, may hold what must be kept.
_UNFINISHED = (
    *_GONE,
    "initializing",
    "creating",
    "created",
    "configuring",
    "configured",
    "starting",
    "deleting",
)
# Changes of the thing itself: relationships are linked and unlinked without recreating it.
_ITSELF = ("properties:", "operations:", "type")
_INTERFACES = "cloudify.interfaces."


class Action(StrEnum):
    # Taken down by the old plan, and installed by the new one.
    REPLACE = "replace"
    ADD = "add"
    # Checked for drift, and updated as it stands; or linked and unlinked.
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Staying:
    """An instance that the update does not remove. ``container`` is the id of what it is contained in."""

    id: str
    node_id: str
    state: str
    container: str | None
    operations: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """Which of the instances that stay are recreated, and which are updated if they have drifted; with the
    reason of each.
    """

    replaced: dict[str, str]
    updated: dict[str, str]


def decide(
    staying: Sequence[Staying],
    changed: Mapping[str, Sequence[str]],
    options: Mapping[str, Any],
    ill: Iterable[str] = (),
) -> Decision:
    """``changed`` says for each node that stays what of it changes; ``ill`` are instances whose check failed
    and that could not be healed. What ``options["skip"]`` names is left as it is.
    """
    replaced: dict[str, str] = {}
    updated: dict[str, str] = {}
    replaces = not options["skip_reinstall"]
    if replaces:
        replaced |= dict.fromkeys(ill, "its check failed, and it could not be healed")
        replaced |= _unfinished(staying)
    for one in staying:
        changes = changed.get(one.node_id)
        if not changes or one.state in _GONE:
            continue
        if _can_update(one) and not options["force_reinstall"] and not options["skip_drift_check"]:
            updated[one.id] = in_words(changes)
        elif replaces and (of_itself := [change for change in changes if change.startswith(_ITSELF)]):
            replaced.setdefault(one.id, in_words(of_itself))
    known = {one.id for one in staying}
    replaced |= {id: "reinstall_list" for id in options["reinstall_list"] if id in known}
    _add_contained(replaced, staying)
    skipped = frozenset(options.get("skip") or ())
    return Decision(
        {id: why for id, why in replaced.items() if id not in skipped},
        {id: why for id, why in updated.items() if id not in replaced and id not in skipped},
    )


def in_words(changes: Iterable[str]) -> str:
    """Return changes of a node, such as ``properties:port``, as a reason."""
    phrases = []
    changes = list(changes)
    for change in changes:
        kind, _, name = change.partition(":")
        # A plan has an operation under its short name too, if one interface alone has one of that name.
        if kind == "operations" and any(other.endswith(f".{name}") for other in changes):
            continue
        match kind:
            case "properties":
                phrases.append(f"property {name} changed")
            case "operations":
                phrases.append(f"operation {name.removeprefix(_INTERFACES)} changed")
            case _:
                phrases.append(f"{kind} changed")
    return ", ".join(dict.fromkeys(phrases))


def _unfinished(staying: Sequence[Staying]) -> dict[str, str]:
    """Return what an interrupted execution has left half-way, with the reasons.

    Of a deployment that is not installed nothing is half-way.
    """
    if all(one.state in _GONE for one in staying):
        return {}
    return {one.id: f"it is {one.state}, not started" for one in staying if one.state in _UNFINISHED}


def _can_update(one: Staying) -> bool:
    if not _is_implemented(one, CHECK_DRIFT):
        return False
    return any(_is_implemented(one, f"{_INTERFACES}lifecycle.{name}") for name in UPDATING)


def _is_implemented(one: Staying, operation: str) -> bool:
    return bool((one.operations.get(operation) or {}).get("operation"))


def _add_contained(replaced: dict[str, str], staying: Sequence[Staying]) -> None:
    contained: dict[str, list[str]] = {}
    for one in staying:
        if one.container is not None:
            contained.setdefault(one.container, []).append(one.id)
    pending = list(replaced)
    while pending:
        id = pending.pop(0)
        for inside in contained.get(id, ()):
            if inside not in replaced:
                replaced[inside] = f"contained in {id}"
                pending.append(inside)

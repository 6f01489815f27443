"""Whether a workflow may be started now, by the rules of its blueprint.

A node instance is *active* in the state ``started``. A workflow whose ``node_instances_active`` lists several
states is available in each of them; of ``node_types_required`` one type is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cloudwright.dsl.problems import listing

_ACTIVE = "started"
#: Functions of workflows that clean up. They may start whatever is active: an installation that failed at its
#: first instance leaves none active, and what was never installed is taken down by doing nothing.
_ALWAYS = frozenset(
    {"cloudify.plugins.workflows.uninstall", "cloudify.plugins.workflows.rollback"},
)


def needs_types(workflows: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the rules of some workflow name types of nodes."""
    return any(
        (workflow.get("availability_rules") or {}).get("node_types_required")
        for workflow in workflows.values()
    )


def refusal_of_rules(
    workflow: Mapping[str, Any], states: Collection[str], types: Collection[str]
) -> str | None:
    """Return why the rules of ``workflow`` (an entry of a plan) exclude it, or None if they do not.

    ``states`` are the states that node instances of the deployment are in, ``types`` the types of its nodes
    with those that they derive from. The reason is the end of a sentence.
    """
    rules = workflow.get("availability_rules") or {}
    if rules.get("available") is False:
        return "its blueprint switches it off (`available: false`)"
    allowed = rules.get("node_instances_active")
    if allowed is not None and workflow.get("operation") not in _ALWAYS:
        current = _activity(states)
        if current.isdisjoint(allowed):
            return (
                f"it is available while the started node instances of the deployment are {_either(allowed)}, "
                f"and they are `{min(current)}`"
            )
    required = rules.get("node_types_required")
    if required and set(required).isdisjoint(types):
        return f"it is for deployments with a node of a type among {listing(required)}"
    return None


def _activity(states: Collection[str]) -> set[str]:
    """Return which of ``all``, ``partial`` and ``none`` apply; of no instances, all and none are active."""
    if _ACTIVE not in states:
        return {"none"} if states else {"none", "all"}
    return {"all"} if set(states) == {_ACTIVE} else {"partial"}


def _either(names: Collection[str]) -> str:
    return " or ".join(f"`{name}`" for name in names) or "nothing"

"""Which secrets a deployment needs, as far as that is known when it is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cloudwright.dsl.functions.syntax import function_of, holds_functions
from cloudwright.dsl.plan import Plan
from cloudwright.planning.deployment import DeploymentPlan


def required_secrets(plan: Plan, deployment: DeploymentPlan) -> list[str]:
    """Return the keys that functions ask for: those that the blueprint names, and those that follow from the
    deployment's inputs. A key that is computed at run time is unknown.
    """
    asked = (plan.section("requirements") or {}).get("secrets") or []
    keys = dict.fromkeys(key for key in map(_key, asked) if isinstance(key, str))
    if len(keys) < len(asked) or holds_functions(deployment.inputs):
        # Only then something is to be found that the blueprint's parser has not found.
        parts = (deployment.nodes, deployment.inputs, deployment.outputs, deployment.capabilities)
        keys |= dict.fromkeys(key for part in parts for key in _asked(part))
    return list(keys)


def _key(arguments: Any) -> Any:
    return arguments[0] if isinstance(arguments, list) else arguments


def _asked(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            function = function_of(item)
            if function is not None and function[0] == "get_secret":
                key = _key(function[1])
                if isinstance(key, str):
                    yield key
            pending += item.values()
        elif isinstance(item, list):
            pending += item

"""Evaluation at run time: of an operation's inputs, of outputs and capabilities, of any value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.dsl.functions.syntax import function_of
from cloudwright.errors import NotFound
from cloudwright.planning.evaluation import EvaluationError, Evaluator, Here
from cloudwright.planning.functions import AT_RUN_TIME
from cloudwright.planning.scope import Scope


def evaluate(value: Any, scope: Scope, *, path: str = "") -> Any:
    """``value`` with every function in it evaluated; the same object if it holds none. Raises
    EvaluationError.

    ``path`` says in messages where the value stands, for example ``nodes.vm.properties``.
    """
    return Evaluator(AT_RUN_TIME, scope).value(value, _here(scope, path))


def evaluate_inputs(inputs: dict[str, Any], scope: Scope, *, path: str = "inputs") -> dict[str, Any]:
    """As ``evaluate``, for the inputs of an operation: a mapping by name, or one function that makes it."""
    return Evaluator(AT_RUN_TIME, scope).inputs(inputs, _here(scope, path))


def evaluate_outputs(outputs: Mapping[str, Mapping[str, Any]], scope: Scope) -> dict[str, Any]:
    """Return the values of a deployment's outputs by name.

    An output whose secret does not exist is left out; one whose value cannot be determined says why instead
    of it, so that the others can be seen.
    """
    result = {}
    for name, output in outputs.items():
        if _lacks_secret(output["value"], scope):
            continue
        try:
            result[name] = evaluate(output["value"], scope, path=f"outputs.{name}")
        except EvaluationError as error:
            result[name] = f"<ERROR: {error}>"
    return result


def evaluate_capabilities(capabilities: Mapping[str, Mapping[str, Any]], scope: Scope) -> dict[str, Any]:
    """Return the values of a deployment's capabilities by name; one whose secret does not exist is left
    out.
    """
    return {
        name: evaluate(capability["value"], scope, path=f"capabilities.{name}")
        for name, capability in capabilities.items()
        if not _lacks_secret(capability["value"], scope)
    }


def _lacks_secret(value: Any, scope: Scope) -> bool:
    function = function_of(value)
    if function is None or function[0] != "get_secret":
        return False
    key = function[1][0] if isinstance(function[1], list) else function[1]
    if not isinstance(key, str):
        return False
    try:
        scope.secret(key)
    except NotFound:
        return True
    return False


def _here(scope: Scope, path: str) -> Here:
    def node_of(instance_id: str | None) -> str | None:
        return scope.instance(instance_id).node_id if instance_id is not None else None

    return Here(
        self_node=node_of(scope.self_id),
        source_node=node_of(scope.source_id),
        target_node=node_of(scope.target_id),
        self_id=scope.self_id,
        source_id=scope.source_id,
        target_id=scope.target_id,
        path=path,
    )

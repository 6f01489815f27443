"""Evaluation at run time: of an operation's inputs, of outputs and capabilities, of any value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudwright.planning.evaluation import EvaluationError, Evaluator, Here
from cloudwright.planning.functions import AT_RUN_TIME
from cloudwright.planning.scope import Scope


def evaluate(value: Any, scope: Scope, *, path: str = "") -> Any:
    """``value`` with every function in it evaluated; the same object if it holds none. Raises
    EvaluationError.

    ``path`` says in messages where the value stands, for example ``nodes.vm.properties``.
    """
    return _concealing(scope, lambda: Evaluator(AT_RUN_TIME, scope).value(value, _here(scope, path)))


def evaluate_inputs(inputs: dict[str, Any], scope: Scope, *, path: str = "inputs") -> dict[str, Any]:
    """As ``evaluate``, for the inputs of an operation: a mapping by name, or one function that makes it."""
    evaluated: dict[str, Any] = _concealing(
        scope, lambda: Evaluator(AT_RUN_TIME, scope).inputs(inputs, _here(scope, path))
    )
    return evaluated


def evaluate_outputs(outputs: Mapping[str, Mapping[str, Any]], scope: Scope) -> dict[str, Any]:
    """Return the values of a deployment's outputs by name.

    One whose value cannot be determined says why instead of it, so that the others can be seen.
    """
    return _each("outputs", outputs, scope)


def evaluate_capabilities(capabilities: Mapping[str, Mapping[str, Any]], scope: Scope) -> dict[str, Any]:
    """As ``evaluate_outputs``, of a deployment's capabilities."""
    return _each("capabilities", capabilities, scope)


def _each(what: str, definitions: Mapping[str, Mapping[str, Any]], scope: Scope) -> dict[str, Any]:
    result = {}
    for name, definition in definitions.items():
        try:
            result[name] = evaluate(definition["value"], scope, path=f"{what}.{name}")
        except EvaluationError as error:
            result[name] = f"<ERROR: {error}>"
    return result


def _concealing(scope: Scope, work: Callable[[], Any]) -> Any:
    """Return what ``work`` returns; an error of it quotes no secret."""
    try:
        return work()
    except EvaluationError as error:
        said = scope.conceal(str(error))
        if said == str(error):
            raise
        # Not `from`: its cause may quote the secret too.
        raise EvaluationError(said) from None


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

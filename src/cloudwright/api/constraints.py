"""What the body of a search narrows it by: filter rules, or constraints as an input of a blueprint has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from cloudwright.api.dependencies import RequestContext
from cloudwright.api.list_filters import stored_rules
from cloudwright.errors import InvalidInput
from cloudwright.model.filter_rules import ATTRIBUTE, ATTRIBUTES, LABEL, FilterRule, parse_rules

#: What a pattern of a name may say, and the operator of a rule that says it.
_PATTERNS = {
    "contains": "contains",
    "starts_with": "starts_with",
    "ends_with": "ends_with",
    "equals_to": "any_of",
}
_OF_OWNED = ("filter_id", "labels", "tenants", "name_pattern", "valid_values")


class SearchBody(BaseModel):
    """Either rules or constraints."""

    model_config = ConfigDict(extra="forbid")

    filter_rules: list[Any] | None = None
    constraints: dict[str, Any] | None = None

    def check(self) -> None:
        """Raises InvalidInput if both are given."""
        if self.filter_rules and self.constraints:
            raise InvalidInput("Narrow a search by `filter_rules` or by `constraints`, not by both.")


async def owned_rules(
    context: RequestContext, body: SearchBody, resource: str, name: str
) -> tuple[FilterRule, ...]:
    """Return what narrows deployments or blueprints; a pattern of names is about the attribute ``name``.

    Raises InvalidInput, and NotFound for a stored filter that does not exist.
    """
    body.check()
    given = list(body.filter_rules or ())
    constraints = check_constraints(body.constraints, _OF_OWNED)
    for label in _list(constraints, "labels"):
        given += _label_rules(label)
    tenants = _list(constraints, "tenants")
    if tenants:
        given.append(_rule("tenant_name", "any_of", tenants))
    given += name_rules(constraints, name)
    stored = await stored_rules(context, resource, constraints.get("filter_id"))
    return (*stored, *parse_rules(given, ATTRIBUTES[resource], labels=True))


def named_rules(
    body: SearchBody, constraints: Mapping[str, Any], resource: str, name: str
) -> tuple[FilterRule, ...]:
    """Return what narrows things without labels; a pattern of names is about the attribute ``name``.

    Raises InvalidInput.
    """
    body.check()
    rules = [*(body.filter_rules or ()), *name_rules(constraints, name)]
    return parse_rules(rules, ATTRIBUTES[resource], labels=False)


def check_constraints(given: Mapping[str, Any] | None, known: Collection[str]) -> Mapping[str, Any]:
    """Return the constraints if every one is known. Raises InvalidInput."""
    for name in given or ():
        if name not in known:
            raise InvalidInput(
                f"There is no constraint `{name[:200]}` here; "
                f"the constraints are: {', '.join(sorted(known))}."
            )
    return given or {}


def name_rules(constraints: Mapping[str, Any], name: str) -> list[Any]:
    """Return the rules that names fulfil a pattern, and are among the valid values. Raises InvalidInput."""
    rules = pattern_rules(constraints, "name_pattern", name)
    valid = _list(constraints, "valid_values")
    if valid:
        rules.append(_rule(name, "any_of", valid))
    return rules


def pattern_rules(constraints: Mapping[str, Any], constraint: str, name: str) -> list[Any]:
    """Return the rules that a constraint, which is a pattern of names, stands for. Raises InvalidInput."""
    wanted = constraints.get(constraint) or {}
    if not isinstance(wanted, Mapping):
        raise InvalidInput(f'The constraint `{constraint}` is an object such as {{"contains": "web"}}.')
    for how in wanted:
        if how not in _PATTERNS:
            raise InvalidInput(
                f"The constraint `{constraint}` has no `{how[:200]}`; it has: {', '.join(sorted(_PATTERNS))}."
            )
    return [_rule(name, _PATTERNS[how], [part]) for how, part in wanted.items()]


def _list(constraints: Mapping[str, Any], name: str) -> list[Any]:
    value = constraints.get(name) or []
    if not isinstance(value, list):
        raise InvalidInput(f"The constraint `{name}` is a list.")
    return value


def _label_rules(label: Any) -> list[dict[str, Any]]:
    if not isinstance(label, Mapping):
        raise InvalidInput(
            f'The constraint `labels` is a list such as [{{"env": "test"}}]; not {label!r:.200}.'
        )
    rules = []
    for key, value in label.items():
        values = value if isinstance(value, list) else [value]
        rules.append({"type": LABEL, "key": key, "operator": "any_of", "values": [*map(str, values)]})
    return rules


def _rule(key: str, operator: str, values: list[Any]) -> dict[str, Any]:
    return {"type": ATTRIBUTE, "key": key, "operator": operator, "values": [*map(str, values)]}

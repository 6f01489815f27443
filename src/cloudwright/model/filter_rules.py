"""Rules that narrow a list: by labels, and by attributes of what is listed.

``{"type": "label", "key": "env", "operator": "any_of", "values": ["test"]}`` is one rule; a list of them has
to be fulfilled as a whole. Letters' case is ignored in keys, and by ``contains``, ``starts_with`` and their
kin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudwright.errors import InvalidInput
from cloudwright.model.labels import check_label_value, is_label_key, normalize_value

LABEL, ATTRIBUTE = "label", "attribute"

#: What a rule may be about, by what is listed. Only deployments and blueprints have labels.
ATTRIBUTES: Mapping[str, Sequence[str]] = {
    "deployments": (
        "id",
        "blueprint_id",
        "created_by",
        "site_name",
        "tenant_name",
        "display_name",
        "installation_status",
        "deployment_status",
    ),
    "blueprints": ("id", "created_by", "state", "tenant_name"),
    "secrets": ("key", "visibility"),
    "nodes": ("id", "type", "operation_name"),
    "node_instances": ("id",),
}

LABEL_OPERATORS = ("any_of", "not_any_of", "is_null", "is_not_null", "is_not")
ATTRIBUTE_OPERATORS = (
    "any_of",
    "not_any_of",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "is_not_empty",
)
#: These look for each of their values by itself, so they may have fewer.
SEARCHING = frozenset({"contains", "not_contains", "starts_with", "ends_with"})
#: These are about a key as such.
_WITHOUT_VALUES = frozenset({"is_null", "is_not_null", "is_not_empty"})
_FIELDS = {"key", "values", "operator", "type"}

MAX_RULES = 100
#: How many values the rules of a list have at most, all together.
MAX_VALUES = 10_000
MAX_SEARCHED = 100
_MAX_LENGTH = 256


class InvalidFilterRule(InvalidInput):
    """A rule that is none: ``rule`` as it came, and ``reason``."""

    code = "invalid_filter_rule"

    def __init__(self, rule: Any, reason: str) -> None:
        super().__init__(f"The filter rule {rule!r:.300} is not valid: {reason}")
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FilterRule:
    type: str
    key: str
    operator: str
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "values": list(self.values), "operator": self.operator, "type": self.type}

    def matches(self, value: str) -> bool:
        """Return whether the attribute's value fulfils the rule."""
        return _MATCHES[self.operator](value, self.values)


def _ignoring_case(holds: Callable[[str, str], bool]) -> Callable[[str, Collection[str]], bool]:
    return lambda value, wanted: any(holds(value.lower(), part.lower()) for part in wanted)


def _contains(value: str, part: str) -> bool:
    return part in value


_MATCHES: Mapping[str, Callable[[str, Collection[str]], bool]] = {
    "any_of": lambda value, wanted: value in wanted,
    "not_any_of": lambda value, wanted: value not in wanted,
    "contains": _ignoring_case(_contains),
    "not_contains": lambda value, wanted: not _ignoring_case(_contains)(value, wanted),
    "starts_with": _ignoring_case(str.startswith),
    "ends_with": _ignoring_case(str.endswith),
    "is_not_empty": lambda value, _wanted: bool(value),
}


def parse_rules(given: Sequence[Any], attributes: Collection[str], *, labels: bool) -> tuple[FilterRule, ...]:
    """Return the rules of a list from JSON, without duplicates; ``labels`` allows rules about labels.

    Raises InvalidFilterRule, and InvalidInput if there are too many of them.
    """
    if len(given) > MAX_RULES:
        raise InvalidInput(f"There are {len(given)} filter rules, and a list has at most {MAX_RULES}.")
    rules = tuple(dict.fromkeys(_rule(item, attributes, labels) for item in given))
    count = sum(len(rule.values) for rule in rules)
    if count > MAX_VALUES:
        raise InvalidInput(
            f"The filter rules have {count} values, and together they may have {MAX_VALUES} at most."
        )
    return rules


def _rule(given: Any, attributes: Collection[str], labels: bool) -> FilterRule:
    if not isinstance(given, Mapping) or given.keys() != _FIELDS:
        raise InvalidFilterRule(given, "it is an object with `key`, `values`, `operator` and `type`.")
    kind, key, operator, values = given["type"], given["key"], given["operator"], given["values"]
    if not isinstance(key, str):
        raise InvalidFilterRule(given, "`key` is a text.")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidFilterRule(given, "`values` is a list of texts.")
    kinds = (LABEL, ATTRIBUTE) if labels else (ATTRIBUTE,)
    if kind not in kinds:
        raise InvalidFilterRule(given, f"`type` is {_words(kinds)}.")
    operators = LABEL_OPERATORS if kind == LABEL else ATTRIBUTE_OPERATORS
    if operator not in operators:
        raise InvalidFilterRule(given, f"`operator` of type `{kind}` is {_words(operators)}.")
    if operator in _WITHOUT_VALUES and values:
        raise InvalidFilterRule(given, f"the operator `{operator}` has no values.")
    if operator not in _WITHOUT_VALUES and not values:
        raise InvalidFilterRule(given, f"the operator `{operator}` needs a value.")
    if operator in SEARCHING and len(values) > MAX_SEARCHED:
        raise InvalidFilterRule(given, f"the operator `{operator}` has at most {MAX_SEARCHED} values.")
    if kind == LABEL:
        return FilterRule(LABEL, _label_key(given, key), operator, _label_values(given, values))
    if key.lower() not in attributes:
        raise InvalidFilterRule(
            given,
            f"there is no attribute `{key[:100]}` to filter by; the attributes are {_words(attributes)}.",
        )
    for value in values:
        if len(value) > _MAX_LENGTH:
            raise InvalidFilterRule(given, f"a value is longer than {_MAX_LENGTH}.")
    return FilterRule(ATTRIBUTE, key.lower(), operator, tuple(values))


def _label_key(rule: Any, key: str) -> str:
    folded = key.strip().lower()
    if not is_label_key(folded):
        raise InvalidFilterRule(
            rule,
            f"`{key[:300]}` is not the key of a label, which holds letters, digits, `.`, `_` and `-`, and is"
            f" not longer than {_MAX_LENGTH}.",
        )
    return folded


def _label_values(rule: Any, values: Sequence[str]) -> tuple[str, ...]:
    for value in values:
        problem = check_label_value(value)
        if problem:
            raise InvalidFilterRule(rule, problem)
    return tuple(normalize_value(value) for value in values)


def _words(names: Collection[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)

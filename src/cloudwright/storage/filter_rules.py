"""Filter rules as conditions of a statement: every value is a parameter, every column is chosen here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, exists, not_, or_, select, tuple_

from cloudwright.model.filter_rules import LABEL, FilterRule, InvalidFilterRule

Column = ColumnElement[Any]
Condition = ColumnElement[bool]


def fulfil(
    rules: Sequence[FilterRule],
    key: tuple[Column, Column],
    attributes: Mapping[str, Column],
    labels: Table | None = None,
) -> Iterator[Condition]:
    """Yield the conditions that the rows whose tenant and id are ``key`` fulfil every rule.

    Raises InvalidFilterRule if a rule is about an attribute that is not there.
    """
    for rule in rules:
        if rule.type == LABEL:
            if labels is None:
                raise InvalidFilterRule(rule.to_json(), "there are no labels of these.")
            yield _of_labels(rule, key, labels)
        elif rule.key in attributes:
            yield _OF_ATTRIBUTES[rule.operator](attributes[rule.key], rule.values)
        else:
            raise InvalidFilterRule(rule.to_json(), f"there is no attribute `{rule.key}` here.")


def _of_labels(rule: FilterRule, key: tuple[Column, Column], labels: Table) -> Condition:
    tenant, id = key
    has_key = labels.c.key == rule.key
    values = list(rule.values)
    match rule.operator:
        case "any_of":
            conditions = [has_key, labels.c.value.in_(values)]
        case "not_any_of":
            conditions = [has_key, labels.c.value.not_in(values)]
        case "is_not_null":
            conditions = [has_key]
        case "is_null":
            return not_(exists().where(labels.c.tenant == tenant, labels.c.id == id, has_key))
        case _:
            its = labels.c.tenant == tenant, labels.c.id == id, has_key
            return not_(exists().where(*its, labels.c.value.in_(values)))
    return tuple_(tenant, id).in_(select(labels.c.tenant, labels.c.id).where(*conditions))


def _any(test: Callable[[Column, str], Condition]) -> Callable[[Column, Collection[str]], Condition]:
    return lambda column, values: or_(*(test(column, value) for value in values))


def _contains(column: Column, value: str) -> Condition:
    return column.icontains(value, autoescape=True)


_OF_ATTRIBUTES: Mapping[str, Callable[[Column, Collection[str]], Condition]] = {
    "any_of": lambda column, values: column.in_(list(values)),
    "not_any_of": lambda column, values: column.not_in(list(values)),
    "contains": _any(_contains),
    "not_contains": lambda column, values: not_(_any(_contains)(column, values)),
    "starts_with": _any(lambda column, value: column.istartswith(value, autoescape=True)),
    "ends_with": _any(lambda column, value: column.iendswith(value, autoescape=True)),
    "is_not_empty": lambda column, _values: column != "",
}

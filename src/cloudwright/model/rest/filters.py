"""Stored filters, and the rules that lists are narrowed by."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Owned


class FilterRule(TypedDict):
    """``type`` is `label` or `attribute`."""

    key: str
    values: list[str]
    operator: str
    type: str


class Filter(Owned, total=False):
    """``value`` has all rules, in their order."""

    id: str
    value: list[FilterRule]
    labels_filter_rules: list[FilterRule]
    attrs_filter_rules: list[FilterRule]
    is_system_filter: bool
    created_at: str
    updated_at: str

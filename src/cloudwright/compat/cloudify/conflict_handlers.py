"""``cloudify.conflict_handlers``."""

from __future__ import annotations

from typing import Any

__all__ = ["simple_merge_handler"]


def simple_merge_handler(previous_props: dict[str, Any], next_props: dict[str, Any]) -> dict[str, Any]:
    """Return the stored properties with those added that they do not have; stored values win."""
    return {**previous_props, **next_props}

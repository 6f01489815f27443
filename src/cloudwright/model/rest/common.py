"""Parts of many records."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

Object = dict[str, Any]


class Owned(TypedDict, total=False):
    tenant_name: str | None
    created_by: str | None
    visibility: str | None


class Label(TypedDict, total=False):
    key: str
    value: str
    created_at: str
    created_by: str | None
    creator_id: None

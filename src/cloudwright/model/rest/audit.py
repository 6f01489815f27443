"""The audit log."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict


class AuditRecord(TypedDict, total=False):
    """``operation`` is `create`, `update` or `delete`, ``action`` the permission that it needed, and
    ``address`` where the request came from; nothing if an execution sent it.
    """

    id: int
    ref_table: str
    ref_id: str | None
    ref_identifier: dict[str, Any]
    operation: str
    action: str
    creator_name: str
    execution_id: str | None
    address: str | None
    created_at: str


class Deleted(TypedDict, total=False):
    deleted: int

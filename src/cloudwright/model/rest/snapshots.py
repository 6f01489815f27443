"""Snapshots of a manager."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Owned


class Snapshot(Owned, total=False):
    """``status`` is `creating`, `created`, `uploaded` or `failed`, and ``error`` says why."""

    id: str
    status: str
    error: str | None
    created_at: str


class SnapshotStatus(TypedDict):
    """``status`` is `running` while a snapshot is restored, else `not-running`."""

    status: str

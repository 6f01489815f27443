"""Blueprints."""

from __future__ import annotations

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Label, Object, Owned
from cloudwright.model.rest.errors import Problem


class UploadExecution(TypedDict):
    id: str


class Blueprint(Owned, total=False):
    """``plan`` is in lists only if ``_include`` names it. The response to an upload has none, and has the
    plan's ``warnings`` instead.
    """

    id: str
    main_file_name: str
    description: str | None
    state: str
    error: str | None
    error_traceback: None
    plan: Object | None
    warnings: list[Problem]
    labels: list[Label]
    created_at: str | None
    updated_at: str | None
    upload_execution: UploadExecution | None
    is_hidden: bool
    requirements: Object | None

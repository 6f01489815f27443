"""Responses to requests that failed, and the problems of a blueprint."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict


class Problem(TypedDict, total=False):
    """One thing that is wrong in a blueprint, or probably not meant; ``line`` and ``column`` count from 1."""

    message: str
    file: str | None
    line: int | None
    column: int | None
    path: str
    expected: str | None
    suggestion: str | None


class _Refusal(TypedDict):
    message: str
    error_code: str
    server_traceback: None


class ErrorBody(_Refusal, total=False):
    """Every response that is not a success. An invalid blueprint adds ``problems`` and ``warnings``, an
    invalid filter rule ``err_filter_rule`` and ``err_reason``, a defect ``incident``.
    """

    problems: list[Problem]
    warnings: list[Problem]
    err_filter_rule: Any
    err_reason: str
    incident: str


class Validation(TypedDict):
    """A blueprint is valid, and these things in it are probably not meant."""

    warnings: list[Problem]

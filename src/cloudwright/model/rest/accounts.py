"""Users, their tokens, and tenants."""

from __future__ import annotations

from typing_extensions import TypedDict


class Token(TypedDict, total=False):
    """``value`` is complete only in the response that creates the token."""

    id: str
    username: str
    role: str | None
    description: str | None
    value: str
    expiration_date: str | None
    last_used: str | None


class User(TypedDict, total=False):
    username: str
    role: str
    active: bool
    created_at: str
    tenants: dict[str, list[str]]


class Tenant(TypedDict, total=False):
    name: str
    created_at: str

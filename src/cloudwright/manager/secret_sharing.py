"""Secrets on their way out of a manager and into one, as lists of records that Cloudify has too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cloudwright.errors import CloudwrightError, Conflict, InvalidInput
from cloudwright.manager.identifiers import VISIBILITIES, check_id
from cloudwright.manager.secret_passphrase import Passphrase
from cloudwright.manager.secrets import Secrets, Viewer
from cloudwright.storage import secrets
from cloudwright.storage.filters import SecretFilter
from cloudwright.storage.records import Secret
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.visibility import GLOBAL

_REQUIRED = ("key", "value", "visibility", "tenant_name", "is_hidden_value", "encrypted")

#: Returns why the user may not create secrets in a tenant; None if that is allowed.
WhyNot = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Imported:
    """``colliding`` are keys by tenant that existed before, ``errors`` what is wrong by place in the list."""

    colliding: dict[str, list[str]]
    errors: dict[str, dict[str, Any]]


async def export_secrets(
    store: Store, service: Secrets, viewer: Viewer, filter: SecretFilter, passphrase: str | None
) -> list[tuple[Secret, Any]]:
    """Return secrets with their values, which are encrypted texts if there is a passphrase.

    Those whose values the viewer may not see are left out. Raises Unreadable.
    """
    found = await store.read(service.export, viewer, filter)
    service.learn(viewer, [_text(value) for _, value in found])
    if not passphrase:
        return found
    key = Passphrase(passphrase)
    return await asyncio.to_thread(lambda: [(secret, key.encrypt(_text(value))) for secret, value in found])


async def import_secrets(
    store: Store,
    service: Secrets,
    viewer: Viewer,
    listed: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    why_not: WhyNot,
    passphrase: str | None = None,
    tenant_map: Mapping[str, str] | None = None,
    override: bool = False,
) -> Imported:
    """Create the secrets of an export, all that are right in one transaction.

    Those that exist are changed if ``override``, else left as they are. Raises InvalidInput if ``tenant_map``
    leads to tenants that may not be used.
    """
    tenants = tenant_map or {}
    refusals: dict[str, str | None] = {}
    for tenant in {*tenants.values(), *_tenants_of(listed, tenants)}:
        refusals[tenant] = await why_not(tenant)
    refused = [tenant for tenant in tenants.values() if refusals[tenant]]
    if refused:
        raise InvalidInput(
            f"Secrets cannot be created in these destination tenants: {', '.join(sorted(set(refused)))}. "
            f"{refusals[refused[0]]}"
        )
    key = Passphrase(passphrase) if passphrase else None

    def read() -> tuple[list[Secret], dict[str, dict[str, Any]]]:
        made, errors = [], {}
        for place, said in enumerate(listed):
            problems: dict[str, Any] = {}
            secret = _read(service, viewer, said, tenants, refusals, key, problems)
            if secret is None:
                errors[str(place)] = problems
            else:
                made.append(secret)
        return made, errors

    made, errors = await asyncio.to_thread(read)
    colliding = await store.write(_store, made, override, now)
    return Imported(colliding, errors)


def _tenants_of(listed: Iterable[Mapping[str, Any]], tenants: Mapping[str, str]) -> set[str]:
    names = {said.get("tenant_name") for said in listed}
    return {tenants.get(name, name) for name in names if isinstance(name, str)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(
    service: Secrets,
    viewer: Viewer,
    said: Mapping[str, Any],
    tenants: Mapping[str, str],
    refusals: Mapping[str, str | None],
    passphrase: Passphrase | None,
    problems: dict[str, Any],
) -> Secret | None:
    """Return the secret of a record, ready to be stored; None, and ``problems``, if something is wrong."""
    missing = [name for name in _REQUIRED if said.get(name) is None or said[name] == ""]
    if missing:
        problems["missing secret fields"] = missing
        return None
    name, key, visibility = str(said["tenant_name"]), str(said["key"]), said["visibility"]
    tenant = tenants.get(name, name)
    if refusals.get(tenant):
        problems["tenant_name"] = refusals[tenant]
    for field in ("is_hidden_value", "encrypted"):
        if not isinstance(said[field], bool):
            problems[field] = "Not boolean"
    if visibility not in VISIBILITIES:
        problems["visibility"] = "Not a valid visibility"
    elif visibility == GLOBAL and not viewer.is_admin:
        problems["visibility"] = "Only administrators may make a secret global."
    value = said["value"]
    schema = said.get("schema")
    try:
        check_id("secret", key)
        if said["encrypted"] is True:
            if passphrase is None:
                problems["No passphrase"] = "The secret is encrypted but no passphrase was given"
                return None
            value = passphrase.decrypt(str(value))
            if schema is not None:
                value = json.loads(value)
        if problems:
            return None
        new = Secret(
            key, None, tenant, visibility, said["is_hidden_value"], viewer.username, json_schema=schema
        )
        return service.encrypted(new, value)
    except (CloudwrightError, ValueError) as error:
        problems["value"] = str(error) if isinstance(error, CloudwrightError) else "Not JSON"
        return None


def _store(conn: Connection, made: list[Secret], override: bool, now: datetime) -> dict[str, list[str]]:
    colliding: dict[str, list[str]] = {}
    for secret in made:
        try:
            secrets.create(conn, replace(secret, created_at=now, updated_at=now), now)
        except Conflict:
            colliding.setdefault(secret.tenant, []).append(secret.key)
            if override:
                secrets.update(
                    conn,
                    secret.tenant,
                    secret.key,
                    now,
                    value_encrypted=secret.value_encrypted,
                    visibility=secret.visibility,
                    is_hidden_value=secret.is_hidden_value,
                    json_schema=secret.json_schema,
                )
    return colliding

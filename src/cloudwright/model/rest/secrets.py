"""Secrets."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Object, Owned


class Secret(Owned, total=False):
    """Lists, and the response to a change, have no ``value``. ``provider_name`` and ``provider_options`` are
    always null: there are no providers.
    """

    key: str
    value: Any
    is_hidden_value: bool
    schema: Object | None
    created_at: str | None
    updated_at: str | None
    provider_name: None
    provider_options: None
    private_resource: bool
    resource_availability: str


class ExportedSecret(TypedDict, total=False):
    """``value`` is a text if ``encrypted``. The last three are there if they were asked for."""

    key: str
    value: Any
    visibility: str
    tenant_name: str
    is_hidden_value: bool
    encrypted: bool
    schema: Object | None
    creator: str | None
    created_at: str | None
    updated_at: str | None


class ImportedSecrets(TypedDict):
    """``colliding_secrets`` are keys by tenant that existed before; ``secrets_errors`` says by the place in
    the list, from 0, why a secret was not imported.
    """

    colliding_secrets: dict[str, list[str]]
    secrets_errors: dict[str, Object]

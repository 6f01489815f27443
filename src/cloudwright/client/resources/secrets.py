"""Secrets: create, update, delete, export, import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import WHOLE, Collection

if TYPE_CHECKING:
    from cloudwright.model.rest import ExportedSecret, ImportedSecrets, Secret


class Secrets(Collection["Secret"]):
    path = "/secrets"

    def list(self, part: Slice = WHOLE, *, visibility: str | None = None) -> Page[Secret]:
        """Return a page of secrets, without their values."""
        return self._list(part, visibility=visibility)

    def create(
        self,
        key: str,
        value: Any,
        *,
        update_if_exists: bool = False,
        hidden_value: bool = False,
        visibility: str = "tenant",
        schema: Mapping[str, Any] | None = None,
    ) -> Secret:
        """Create a secret, and return it without its value.

        ``value`` is a text, or what ``schema`` (a JSON schema) allows; ``hidden_value`` shows it to the
        creator and to administrators only. Raises Conflict if there is one, unless ``update_if_exists``.
        """
        body: dict[str, Any] = {
            "value": value,
            "update_if_exists": update_if_exists,
            "is_hidden_value": hidden_value,
            "visibility": visibility,
        }
        if schema is not None:
            body["schema"] = dict(schema)
        return cast("Secret", self._transport.request("PUT", self._one(key), json=body))

    def update(
        self,
        key: str,
        *,
        value: Any = None,
        hidden_value: bool | None = None,
        visibility: str | None = None,
        owner: str | None = None,
    ) -> Secret:
        """Change what is given, and return the secret without its value. Raises NotFound, Forbidden."""
        body = {
            "value": value,
            "is_hidden_value": hidden_value,
            "visibility": visibility,
            "creator": owner,
        }
        given = {name: item for name, item in body.items() if item is not None}
        return cast("Secret", self._transport.request("PATCH", self._one(key), json=given))

    def set_visibility(self, key: str, visibility: str) -> Secret:
        body = {"visibility": visibility}
        return cast("Secret", self._transport.request("PATCH", self._one(key, "set-visibility"), json=body))

    def delete(self, key: str) -> None:
        self._transport.request("DELETE", self._one(key))

    def export(
        self,
        *,
        passphrase: str | None = None,
        visibility: str | None = None,
        search: str | None = None,
        all_tenants: bool = False,
    ) -> Sequence[ExportedSecret]:
        """Return secrets with their values, encrypted if there is a passphrase."""
        body = {
            "passphrase": passphrase,
            "visibility": visibility,
            "search": search,
            "all_tenants": all_tenants,
        }
        given = {name: item for name, item in body.items() if item is not None}
        return cast(
            "Sequence[ExportedSecret]",
            self._transport.request("POST", f"{self.path}/share/export", json=given),
        )

    def import_secrets(
        self,
        secrets: Sequence[Any],
        *,
        passphrase: str | None = None,
        tenant_map: Mapping[str, str] | None = None,
        override_collisions: bool = False,
    ) -> ImportedSecrets:
        """Create the secrets of an export.

        ``tenant_map`` has the tenants to create them in by those that they come from. Returns which existed,
        and were changed if ``override_collisions``, and which could not be imported.
        """
        body: dict[str, Any] = {"secrets_list": list(secrets), "override_collisions": override_collisions}
        if passphrase is not None:
            body["passphrase"] = passphrase
        if tenant_map is not None:
            body["tenant_map"] = dict(tenant_map)
        return cast(
            "ImportedSecrets", self._transport.request("POST", f"{self.path}/share/import", json=body)
        )

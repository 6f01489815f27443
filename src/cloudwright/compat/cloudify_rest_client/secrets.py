"""``cloudify_rest_client.secrets``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, ordered, request


class Secret(Record):
    pass


class SecretsClient(Resource):
    @request("PUT /secrets/{key}", Secret)
    def create(
        self,
        key,
        value,
        update_if_exists=False,
        is_hidden_value=False,
        visibility="tenant",
        schema=None,
        provider_name=None,
        provider_options=None,
    ): ...

    @request("DELETE /secrets/{key}")
    def delete(self, key): ...

    @request("GET /secrets/share/export", dict)
    def export(self, _include=None, **kwargs): ...

    @request("GET /secrets/{key}", Secret)
    def get(self, key): ...

    @request("POST /secrets/share/import", dict)
    def import_secrets(self, secrets_list, tenant_map=None, passphrase=None, override_collisions=False): ...

    def list(self, sort=None, is_descending=False, filter_rules=None, constraints=None, **kwargs):
        """Raises ValueError for rules and constraints at once."""
        if constraints and filter_rules:
            raise ValueError("It is filtered by `constraints` or by `filter_rules`, not by both.")
        params = ordered(kwargs, sort, is_descending)
        return self.filtered(
            "/secrets",
            "/searches/secrets",
            Secret,
            params,
            filter_rules=filter_rules or None,
            constraints=constraints or None,
        )

    @request("PATCH /secrets/{key}/set-visibility", dict, fixed={"visibility": "global"})
    def set_global(self, key): ...

    @request("PATCH /secrets/{key}/set-visibility", dict)
    def set_visibility(self, key, visibility): ...

    @request("PATCH /secrets/{key}", Secret)
    def update(
        self,
        key,
        value=None,
        visibility=None,
        is_hidden_value=None,
        provider_name=None,
        provider_options=None,
        **kwargs,
    ): ...

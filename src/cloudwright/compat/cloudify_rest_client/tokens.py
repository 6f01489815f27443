"""``cloudify_rest_client.tokens``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Token(Record):
    pass


class TokensClient(Resource):
    @request("POST /tokens", Token, names={"expiration": "expiration_date"})
    def create(self, description=None, expiration=None): ...

    @request("DELETE /tokens/{token_id}")
    def delete(self, token_id): ...

    @request("GET /tokens/{token_id}", Token)
    def get(self, token_id): ...

    @request("GET /tokens", [Token])
    def list(self, **kwargs): ...

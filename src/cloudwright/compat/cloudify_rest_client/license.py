"""``cloudify_rest_client.license``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import read
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class License(Record):
    @property
    def trial(self):
        return self.get("license_edition")


class LicenseClient(Resource):
    @request("GET /license-check")
    def check(self): ...

    @request("DELETE /license")
    def delete(self): ...

    @request("GET /license", [License])
    def list(self): ...

    def upload(self, license_path):
        return self.api.put("/license", data=read(license_path))

"""``cloudify_rest_client.log_bundles``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import download, read
from cloudwright.compat.cloudify_rest_client._resource import Resource, request
from cloudwright.compat.cloudify_rest_client.executions import Execution


class LogBundle(Record):
    pass


class LogBundlesClient(Resource):
    @request("PUT /log-bundles/{log_bundle_id}", Execution)
    def create(self, log_bundle_id, queue=False): ...

    @request("DELETE /log-bundles/{log_bundle_id}")
    def delete(self, log_bundle_id): ...

    def download(self, log_bundle_id, output_file, progress_callback=None):
        return download(self.api, f"/log-bundles/{log_bundle_id}/archive", output_file, progress_callback)

    @request("GET /log-bundles/{log_bundle_id}", LogBundle)
    def get(self, log_bundle_id, _include=None): ...

    @request("GET /log-bundles", [LogBundle])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request("PATCH /log-bundles/{log_bundle_id}")
    def update_status(self, log_bundle_id, status, error=None): ...

    def upload_archive(self, log_bundle_id, archive_path):
        self.api.put(f"/log-bundles/{log_bundle_id}/archive", data=read(archive_path))

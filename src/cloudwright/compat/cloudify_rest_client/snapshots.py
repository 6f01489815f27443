"""``cloudify_rest_client.snapshots``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import download, is_url, read
from cloudwright.compat.cloudify_rest_client._resource import Resource, request
from cloudwright.compat.cloudify_rest_client.executions import Execution


class Snapshot(Record):
    pass


class SnapshotsClient(Resource):
    @request("PUT /snapshots/{snapshot_id}", Execution, always=("tempdir_path", "listener_timeout"))
    def create(
        self,
        snapshot_id,
        include_credentials,
        include_logs=True,
        include_events=True,
        queue=False,
        tempdir_path=None,
        legacy=True,
        listener_timeout=None,
    ): ...

    @request("DELETE /snapshots/{snapshot_id}")
    def delete(self, snapshot_id): ...

    def download(self, snapshot_id, output_file, progress_callback=None):
        return download(self.api, f"/snapshots/{snapshot_id}/archive", output_file, progress_callback)

    @request("GET /snapshots/{snapshot_id}", Snapshot)
    def get(self, snapshot_id, _include=None): ...

    @request("GET /snapshot-status", dict)
    def get_status(self): ...

    @request("GET /snapshots", [Snapshot])
    def list(self, _include=None, sort=None, is_descending=False, **kwargs): ...

    @request("PATCH /snapshots/{snapshot_id}")
    def update_status(self, snapshot_id, status, error=None): ...

    def upload(self, snapshot_path, snapshot_id, progress_callback=None):
        """Upload a snapshot: a file, or a URL that the manager reads."""
        where = f"/snapshots/{snapshot_id}/archive"
        if is_url(snapshot_path):
            return Snapshot(self.api.put(where, params={"snapshot_archive_url": snapshot_path}))
        return Snapshot(self.api.put(where, data=read(snapshot_path, progress_callback)))

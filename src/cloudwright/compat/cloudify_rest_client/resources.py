"""``cloudify_rest_client.resources``: the work folder of a deployment, as the manager keeps it."""

from __future__ import annotations

import io
import os
import tarfile
from contextlib import contextmanager

from cloudwright.compat.cloudify_rest_client._files import multipart, read
from cloudwright.compat.cloudify_rest_client._resource import Resource


class ResourcesClient(Resource):
    def _folder(self, deployment_id):
        return f"/resources/deployments/{self.api.tenant_name}/{deployment_id}/"

    def get_file(self, path, **kwargs):
        return self.api.get(path, stream=True, url_prefix=False, **kwargs)

    def download_deployment_workdir(self, deployment_id, dst_dir):
        """Bring all files of the folder to ``dst_dir``."""
        packed = self.get_file(self._folder(deployment_id), params={"archive": True}).content
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(dst_dir, filter="data")

    def upload_deployment_workdir(self, deployment_id, src_dir):
        """Add all files of ``src_dir`` to the folder."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.add(src_dir, arcname="./")
        self._put(self._folder(deployment_id), packed.getvalue(), {"extract": "yes"})

    def upload_deployment_file(self, deployment_id, target_file_path, src_file, src_file_mtime=None):
        """Store one file in the folder."""
        where, content = f"{self._folder(deployment_id)}{target_file_path}", read(src_file)
        if src_file_mtime is None:
            self._put(where, content, {})
        else:
            form, content_type = multipart({"mtime": src_file_mtime}, {"file": content})
            self._put(where, form, {}, {"Content-Type": content_type})

    def delete_deployment_file(self, deployment_id, file_path):
        self.api.delete(f"{self._folder(deployment_id)}{file_path}", url_prefix=False)

    @contextmanager
    def sync_deployment_workdir(self, deployment_id, local_dir):
        """Bring the folder to ``local_dir`` for a while; afterwards, store what was changed there."""
        self.download_deployment_workdir(deployment_id, local_dir)
        before = _times(local_dir)
        try:
            yield
        finally:
            after = _times(local_dir)
            for name, time in after.items():
                if before.get(name) != time:
                    self.upload_deployment_file(deployment_id, name, os.path.join(local_dir, name))
            for name in before.keys() - after.keys():
                self.delete_deployment_file(deployment_id, name)

    def _put(self, where, content, params, headers=None):
        self.api.put(where, data=content, params=params, headers=headers, url_prefix=False)


def _times(folder):
    files = (os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    return {os.path.relpath(file, folder): os.stat(file).st_mtime_ns for file in files}

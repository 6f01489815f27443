"""``cloudify_rest_client.blueprints``."""

from __future__ import annotations

import json
import os
from urllib.parse import quote

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._files import download, is_url, multipart, packed, read
from cloudwright.compat.cloudify_rest_client._resource import Resource, ordered, request


class Blueprint(Record):
    pass


class BlueprintsClient(Resource):
    @staticmethod
    def calc_size(blueprint_path):
        """Return how large the archive of a blueprint"s folder is, in bytes."""
        with packed(blueprint_path) as archive:
            return os.path.getsize(archive)

    @request("DELETE /blueprints/{blueprint_id}")
    def delete(self, blueprint_id, force=False): ...

    def download(self, blueprint_id, output_file=None, progress_callback=None):
        """Write the blueprint"s archive to a file, and return its path."""
        return download(self.api, f"/blueprints/{blueprint_id}/archive", output_file, progress_callback)

    @request("GET /blueprints/{blueprint_id}", Blueprint)
    def get(self, blueprint_id, _include=None): ...

    def list(
        self,
        _include=None,
        sort=None,
        is_descending=False,
        filter_id=None,
        filter_rules=None,
        constraints=None,
        **kwargs,
    ):
        """Raises ValueError for rules and constraints at once."""
        if constraints and (filter_id or filter_rules):
            raise ValueError(
                "It is filtered by `constraints` or by `filter_id` and `filter_rules`, not by both."
            )
        params = ordered(kwargs, sort, is_descending)
        if filter_id:
            params["_filter_id"] = filter_id
        return self.filtered(
            "/blueprints",
            "/searches/blueprints",
            Blueprint,
            params,
            filter_rules=filter_rules or None,
            constraints=constraints or None,
            _include=_include,
        )

    def publish_archive(
        self,
        archive_location,
        blueprint_id,
        blueprint_filename=None,
        visibility="tenant",
        progress_callback=None,
        async_upload=False,
        labels=None,
        created_at=None,
        created_by=None,
        skip_execution=False,
        requirements=None,
    ):
        """Upload an archive: a file, or a URL that the manager reads."""
        given = {
            "visibility": visibility,
            "async_upload": async_upload,
            "skip_execution": skip_execution,
            "labels": labels,
            "created_at": created_at,
            "created_by": created_by,
            "requirements": requirements,
        }
        answer = self._put(
            f"/blueprints/{blueprint_id}", archive_location, blueprint_filename, given, progress_callback
        )
        return None if async_upload else Blueprint(answer)

    @request("PATCH /blueprints/{blueprint_id}/icon")
    def remove_icon(self, blueprint_id): ...

    @request("PATCH /blueprints/{blueprint_id}/set-visibility", dict, fixed={"visibility": "global"})
    def set_global(self, blueprint_id): ...

    @request("PATCH /blueprints/{blueprint_id}/set-visibility", dict)
    def set_visibility(self, blueprint_id, visibility): ...

    def update(self, blueprint_id, update_dict):
        return Blueprint(self.api.patch(f"/blueprints/{blueprint_id}", data=update_dict))

    def upload(
        self,
        path,
        entity_id,
        visibility="tenant",
        progress_callback=None,
        skip_size_limit=True,
        async_upload=False,
        labels=None,
        created_at=None,
        created_by=None,
        state=None,
        skip_execution=False,
        legacy=False,
        requirements=None,
    ):
        """Upload the folder of a blueprint, whose main file is ``path``."""
        given = {
            "visibility": visibility,
            "async_upload": async_upload,
            "skip_execution": skip_execution,
            "labels": labels,
            "created_at": created_at,
            "created_by": created_by,
            "state": state,
            "requirements": requirements,
        }
        with packed(path) as archive:
            answer = self._put(
                f"/blueprints/{entity_id}", archive, os.path.basename(path), given, progress_callback
            )
        return None if async_upload else Blueprint(answer)

    def upload_archive(self, blueprint_id, archive_path):
        self.api.put(f"/blueprints/{blueprint_id}/archive", data=read(archive_path))

    def upload_icon(self, blueprint_id, icon_path):
        self.api.patch(f"/blueprints/{blueprint_id}/icon", data=read(icon_path))

    def validate(
        self,
        path,
        entity_id,
        blueprint_filename=None,
        visibility="tenant",
        progress_callback=None,
        skip_size_limit=True,
    ):
        given = {"visibility": visibility, "async_upload": False, "skip_execution": False}
        with packed(path) as archive:
            return self._put(
                f"/blueprints/{entity_id}/validate",
                archive,
                os.path.basename(path),
                given,
                progress_callback,
            )

    def _put(self, where, archive, main_file, given, progress_callback):
        params = {key: value for key, value in given.items() if value is not None}
        if "labels" in params:
            params["labels"] = [
                {"key": key, "value": value} for label in params["labels"] for key, value in label.items()
            ]
        if main_file is not None:
            params["application_file_name"] = quote(main_file)
        if is_url(archive):
            params["blueprint_archive_url"] = archive
            content, content_type = multipart({"params": json.dumps(params)}, {})
        else:
            file = read(archive, progress_callback)
            content, content_type = multipart({"params": json.dumps(params)}, {"blueprint_archive": file})
        return self.api.put(where, data=content, headers={"Content-Type": content_type})

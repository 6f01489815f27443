"""Blueprints: upload, validate, download, delete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote

from cloudwright.client.records import Page, Slice
from cloudwright.client.resources.collection import UPLOAD_TIMEOUT, WHOLE, Collection, as_text

if TYPE_CHECKING:
    from cloudwright.model.rest import Blueprint, Problem


class Blueprints(Collection["Blueprint"]):
    path = "/blueprints"

    def list(
        self, part: Slice = WHOLE, *, filter_id: str | None = None, rules: Sequence[Mapping[str, Any]] = ()
    ) -> Page[Blueprint]:
        """Return a page of blueprints: those that fulfil the rules, and those of a stored filter."""
        if rules:
            return self._search(part, rules, _filter_id=filter_id)
        return self._list(part, _filter_id=filter_id)

    def set_labels(self, identifier: str, labels: Sequence[Mapping[str, str]]) -> Blueprint:
        """Replace the labels. Raises NotFound, BadRequest."""
        return self._label(identifier, labels)

    def set_icon(self, identifier: str, png: IO[bytes] | None) -> Blueprint:
        """Keep an image as the icon; None removes it. Raises NotFound, BadRequest."""
        path = self._one(identifier, "icon")
        return cast("Blueprint", self._transport.request("PATCH", path, content=png))

    def upload(
        self,
        identifier: str,
        archive: IO[bytes],
        *,
        main_file: str,
        visibility: str = "tenant",
        labels: Sequence[Mapping[str, str]] = (),
        background: bool = False,
    ) -> Blueprint:
        """Upload an archive (zip, tar, tar.gz or tar.bz2) as a blueprint.

        ``main_file`` is the path of its YAML file below the archive's folder; ``visibility`` is ``private``,
        ``tenant`` or ``global``; ``labels`` are one dictionary of key and value each. Returns the blueprint,
        parsed unless ``background``. Raises InvalidBlueprint with the problems of its text, and Conflict if
        the ID is taken.
        """
        pairs = [{"key": key, "value": value} for label in labels for key, value in label.items()]
        details = {"visibility": visibility, "async_upload": background, "labels": pairs}
        return cast("Blueprint", self._put(self._one(identifier), archive, main_file, details))

    def validate(self, identifier: str, archive: IO[bytes], *, main_file: str) -> Sequence[Problem]:
        """Parse an archive without storing it, and return the warnings of its text.

        Raises InvalidBlueprint with the problems of its text.
        """
        details = {"visibility": "tenant"}
        answer = self._put(
            self._one(identifier, "validate"), archive, main_file, details, params={"warnings": "true"}
        )
        return cast("Sequence[Problem]", (answer or {}).get("warnings") or ())

    def _put(
        self,
        path: str,
        archive: IO[bytes],
        main_file: str,
        details: dict[str, Any],
        params: Mapping[str, str] | None = None,
    ) -> Any:
        details = {**details, "application_file_name": quote(main_file)}
        return self._transport.request(
            "PUT",
            path,
            params=params,
            form={"params": json.dumps(details)},
            files={"blueprint_archive": ("blueprint", archive, "application/octet-stream")},
            timeout=UPLOAD_TIMEOUT,
        )

    def delete(self, identifier: str, *, force: bool = False) -> None:
        """Delete a blueprint; ``force`` also if other blueprints import it.

        Raises NotFound, and IllegalAction if deployments use it.
        """
        self._transport.request("DELETE", self._one(identifier), params={"force": as_text(force)})

    def download(self, identifier: str, into: IO[bytes]) -> int:
        """Write the uploaded archive to a file, and return its size in bytes. Raises NotFound."""
        return self._transport.download(self._one(identifier, "archive"), into)

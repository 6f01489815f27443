"""Plugins."""

from __future__ import annotations

from typing import Any

from cloudwright.model.rest.common import Object, Owned


class Plugin(Owned, total=False):
    id: str
    package_name: str
    package_version: str
    title: str | None
    archive_name: str | None
    package_source: None
    supported_platform: None
    distribution: str | None
    distribution_version: None
    distribution_release: None
    file_server_path: None
    installation_state: list[Object]
    labels: dict[str, list[Any]]
    blueprint_labels: dict[str, list[Any]]
    resource_tags: Object
    yaml_url_path: str | None
    uploaded_at: str | None

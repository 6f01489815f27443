"""The manager itself: its version, status, configuration and parts."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from cloudwright.model.rest.common import Object


class Identity(TypedDict):
    proof: str


class Version(TypedDict):
    version: str
    edition: str
    distribution: None
    distro_release: None


class ServiceStatus(TypedDict):
    status: str
    is_remote: bool
    extra_info: Object


class Status(TypedDict):
    """``status`` is ``OK`` or ``Fail``."""

    status: str
    services: dict[str, ServiceStatus]


class ConfigItem(TypedDict):
    name: str
    value: Any
    scope: list[str]
    schema: Object | None
    is_editable: bool
    admin_only: bool
    updated_at: str | None
    updater_name: str | None


class ManagerItem(TypedDict):
    id: int
    hostname: str
    private_ip: str
    public_ip: str
    version: str
    edition: str
    distribution: None
    distro_release: None


class BrokerItem(TypedDict):
    name: str
    host: str
    port: int | None
    is_external: bool
    networks: Object


class DatabaseNode(TypedDict):
    name: str
    host: str
    is_external: bool


class Context(TypedDict):
    name: str
    context: Object


class ContextSet(TypedDict):
    status: str


class Maintenance(TypedDict):
    """``status`` is ``deactivated``, ``activating`` while executions still run, or ``activated``."""

    status: str
    activated_at: str | None
    activation_requested_at: str | None
    remaining_executions: list[Object]
    requested_by: str | None

"""What a shell completes on a command line: files, and the ids that the manager has.

A manager is asked only if it runs: a key that was pressed for a hint starts none, and shows no error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from cloudwright.cli.lazy import lazy
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import local_manager, selection
    from cloudwright.client import api
else:
    api = lazy("cloudwright.client.api")
    local_manager = lazy("cloudwright.cli.local_manager")
    selection = lazy("cloudwright.cli.selection")

MOST = 200
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def files(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete files."""
    return [CompletionItem(incomplete, type="file")]


def _asking(read: Callable[[api.Client, click.Context], Iterable[CompletionItem]]) -> Complete:
    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            client = _client()
            if client is None:
                return []
            with client:
                found = list(read(client, ctx))
        except Exception:  # noqa: BLE001 - whatever it is, it must not appear in the line that is typed
            return []
        return [item for item in found if str(item.value).startswith(incomplete)]

    return complete


def _client() -> api.Client | None:
    """Return a client of the manager in use, if it runs."""
    from cloudwright.settings import Settings  # noqa: PLC0415 - only a shell that completes ids needs it

    home = Settings.load().home
    target = selection.select(home, os.environ).target
    if target is None:
        local = local_manager.LocalManager(home, announce=lambda _: None).running()
        if local is None:
            return None
        target = selection.overlay(local, os.environ, None)
    return api.Client(target)


_IDS = Slice(size=MOST, fields=("id",))


@_asking
def deployments(client: api.Client, ctx: click.Context) -> Iterable[CompletionItem]:
    return (CompletionItem(item["id"]) for item in client.deployments.list(_IDS).items)


@_asking
def blueprints(client: api.Client, ctx: click.Context) -> Iterable[CompletionItem]:
    return (CompletionItem(item["id"]) for item in client.blueprints.list(_IDS).items)


@_asking
def node_instances(client: api.Client, ctx: click.Context) -> Iterable[CompletionItem]:
    return (CompletionItem(item["id"]) for item in client.node_instances.list(_IDS).items)


@_asking
def plugins(client: api.Client, ctx: click.Context) -> Iterable[CompletionItem]:
    part = Slice(size=MOST, fields=("id", "package_name"))
    return (CompletionItem(item["id"], help=item["package_name"]) for item in client.plugins.list(part).items)


@_asking
def executions(client: api.Client, ctx: click.Context) -> Iterable[CompletionItem]:
    fields = ("id", "workflow_id", "deployment_id", "status")
    part = Slice(size=50, fields=fields, sort="created_at", descending=True)
    for item in client.executions.list(part).items:
        about = f"{item['workflow_id']} on {item.get('deployment_id')}, {item['status']}"
        yield CompletionItem(item["id"], help=about)


@_asking
def workflows(client: api.Client, ctx: click.Context) -> Iterable[CompletionItem]:
    """Those of the deployment that the line names already, else the ones that every deployment has."""
    deployment = ctx.params.get("deployment_id")
    if deployment is None:
        return (CompletionItem(name) for name in ("install", "uninstall", "start", "stop", "restart"))
    found = client.deployments.get(deployment).get("workflows") or []
    return (CompletionItem(workflow["name"]) for workflow in found)

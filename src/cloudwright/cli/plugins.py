"""`cfy plugins`: what blueprints import with `plugin:NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloudwright.cli import completion, options
from cloudwright.cli.downloading import download_archive
from cloudwright.cli.formatting import columns
from cloudwright.cli.identifiers import plugin_id as whole_plugin_id
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.visibility import add_visibility_commands
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import plugin_source, upload_progress
else:
    upload_progress = lazy("cloudwright.cli.upload_progress")
    plugin_source = lazy("cloudwright.cli.plugin_source")

LIST_COLUMNS = columns(
    "id", "package_name", "package_version", "distribution", "uploaded_at", "visibility", "created_by"
)
GET_COLUMNS = [
    *LIST_COLUMNS,
    *columns("title", "archive_name", "yaml_url_path=import", "tenant_name=tenant"),
]


@click.group(cls=SuggestingGroup)
@options.shared
def plugins() -> None:
    """Upload, list and delete plugins."""


add_visibility_commands(plugins, "plugin")


@plugins.command("upload")
@click.argument("plugin_path", type=click.Path(path_type=Path))
@click.option(
    "-y",
    "--yaml-path",
    "yaml_paths",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The plugin's `plugin.yaml`; may be given for several versions of the language.",
)
@click.option("--title", metavar="TEXT", help="How to call it in lists; its package's name by default.")
@options.visibility
@options.standard
@pass_session
def upload(
    session: Session, plugin_path: Path, yaml_paths: tuple[Path, ...], title: str | None, visibility: str
) -> None:
    """Upload a plugin.

    PLUGIN_PATH is a wagon (.wgn) or a wheel (.whl), together with `-y plugin.yaml`; the folder of a Python
    project that holds its `plugin.yaml`; or a zip archive of any of these.
    """
    with (
        plugin_source.open_plugin(plugin_path, yaml_paths) as archive,
        upload_progress.shown_upload(session.out, archive, f"Uploading {plugin_path.name}") as shown,
    ):
        plugin = session.client.plugins.upload(shown, title=title, visibility=visibility)
    session.out.say(
        f"Plugin `{plugin['package_name']}` {plugin['package_version']} is uploaded as `{plugin['id']}`."
        f" Blueprints import it as `{plugin['yaml_url_path']}`."
    )
    if session.out.as_json:
        session.out.json(plugin)


@plugins.command("list")
@options.sliced(newest="uploaded_at")
@options.standard
@options.extended
@pass_session
def list_plugins(session: Session, part: Slice) -> None:
    """List plugins."""
    page = session.client.plugins.list(part)
    session.out.records(page.items, LIST_COLUMNS, noun="plugins", total=page.total)


@plugins.command("get")
@click.argument("plugin_id", shell_complete=completion.plugins)
@options.standard
@options.extended
@pass_session
def get(session: Session, plugin_id: str) -> None:
    """Show a plugin."""
    plugin_id = whole_plugin_id(session, plugin_id)
    with session.finding("plugin", plugin_id):
        session.out.record(session.client.plugins.get(plugin_id), GET_COLUMNS)


@plugins.command("delete")
@click.argument("plugin_id", shell_complete=completion.plugins)
@options.force("Delete it even if deployments need it.")
@options.standard
@pass_session
def delete(session: Session, plugin_id: str, force: bool) -> None:
    """Delete a plugin."""
    plugin_id = whole_plugin_id(session, plugin_id)
    with session.finding("plugin", plugin_id):
        session.client.plugins.delete(plugin_id, force=force)
    session.out.say(f"Plugin `{plugin_id}` is deleted.")


@plugins.command("download")
@click.argument("plugin_id", shell_complete=completion.plugins)
@options.output_path
@options.standard
@pass_session
def download(session: Session, plugin_id: str, output_path: Path | None) -> None:
    """Download a plugin's archive."""
    plugin_id = whole_plugin_id(session, plugin_id)
    download_archive(session, "plugin", plugin_id, output_path, "zip", session.client.plugins.download)

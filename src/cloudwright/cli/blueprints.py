"""`cfy blueprints`: send blueprints to a manager, check them, look at them."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, filter_rules, options
from cloudwright.cli.downloading import download_archive
from cloudwright.cli.failure import FAILED, Failure, Silent
from cloudwright.cli.filter_rules import Rule
from cloudwright.cli.filters import filters_of
from cloudwright.cli.formatting import columns, default_text
from cloudwright.cli.labels import labels_of
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.cli.summaries import summary_of
from cloudwright.cli.visibility import add_visibility_commands
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import blueprint_problems, uploading
else:
    blueprint_problems = lazy("cloudwright.cli.blueprint_problems")
    uploading = lazy("cloudwright.cli.uploading")

LIST_COLUMNS = columns(
    "id", "description?", "main_file_name=main file?", "state", "created_at?", "created_by?", "labels?"
)
GET_COLUMNS = columns(
    "id",
    "description",
    "main_file_name=main file",
    "state",
    "error",
    "created_at",
    "updated_at",
    "visibility",
    "tenant_name=tenant",
    "created_by",
    "labels",
    "deployments",
)
INPUT_COLUMNS = columns("name", "type", "default", "description")


@click.group(cls=SuggestingGroup)
@options.shared
def blueprints() -> None:
    """Upload, check and look at blueprints."""


blueprints.add_command(labels_of("blueprint"))
blueprints.add_command(filters_of("blueprints"))
blueprints.add_command(summary_of("blueprints"))
add_visibility_commands(blueprints, "blueprint")


@blueprints.command("set-icon")
@click.argument("identifier", metavar="BLUEPRINT_ID")
@click.option(
    "--icon-path", metavar="FILE", type=click.File("rb"), help="A PNG image; without it the icon is removed."
)
@options.standard
@pass_session
def set_icon(session: Session, identifier: str, icon_path: IO[bytes] | None) -> None:
    """Set the icon of a blueprint, or remove it."""
    session.client.blueprints.set_icon(identifier, icon_path)
    session.out.say(f"The icon of blueprint `{identifier}` is {'removed' if icon_path is None else 'set'}.")


@blueprints.command("upload")
@click.argument("blueprint_path", shell_complete=completion.files)
@options.blueprint(help="The id to give it; the name of its folder if it is not given.")
@options.blueprint_filename
@click.option("-a", "--async-upload", is_flag=True, help="Return before the manager has read and checked it.")
@options.labels()
@click.option("--validate", is_flag=True, help="Check it first, and upload it only if it is valid.")
@options.visibility
@options.standard
@pass_session
def upload(
    session: Session,
    blueprint_path: str,
    blueprint_id: str | None,
    blueprint_filename: str | None,
    async_upload: bool,
    labels: list[dict[str, str]],
    validate: bool,
    visibility: str,
) -> None:
    """Upload a blueprint.

    BLUEPRINT_PATH is a blueprint's file or folder, an archive (zip, tar, tar.gz, tar.bz2), the URL of one, or
    `organization/repository[:tag]` on GitHub. With a file, its whole folder is uploaded.
    """
    blueprint = uploading.upload(
        session,
        blueprint_path,
        blueprint_id=blueprint_id,
        filename=blueprint_filename,
        visibility=visibility,
        labels=labels,
        validate=validate,
        background=async_upload,
    )
    if session.out.as_json:
        session.out.json({key: value for key, value in blueprint.items() if key != "plan"})


@blueprints.command("validate")
@click.argument("blueprint_path", shell_complete=completion.files)
@options.blueprint_filename
@options.standard
@pass_session
def validate(session: Session, blueprint_path: str, blueprint_filename: str | None) -> None:
    """Check a blueprint without keeping it.

    Prints a line `file:line:column: what is wrong` for everything that is, and then what is allowed and
    probably not meant, as `warning: ...`; with --json, one document
    `{"valid": ..., "problems": [...], "warnings": [...]}` for editors. The exit code is 1 if it is not
    valid.
    """
    found, warnings = uploading.check(session, blueprint_path, blueprint_filename)
    if session.out.as_json:
        session.out.json({"valid": not found, "problems": list(found), "warnings": list(warnings)})
    else:
        folder = uploading.local_folder(blueprint_path)
        for line in blueprint_problems.all_lines(found, folder) + blueprint_problems.warning_lines(
            warnings, folder
        ):
            session.out.line(line)
        if not found:
            session.out.say("The blueprint is valid.")
    if found:
        raise Silent(FAILED) if session.out.as_json else Failure(blueprint_problems.summary(found))


@blueprints.command("list")
@filter_rules.filter_id
@filter_rules.rules
@options.sliced(newest="created_at")
@options.standard
@options.extended
@pass_session
def list_blueprints(
    session: Session,
    filter_id: str | None,
    labels_rule: list[Rule],
    attrs_rule: list[Rule],
    part: Slice,
) -> None:
    """List blueprints."""
    page = session.client.blueprints.list(part, filter_id=filter_id, rules=[*labels_rule, *attrs_rule])
    session.out.records(page.items, LIST_COLUMNS, noun="blueprints", total=page.total)


@blueprints.command("get")
@click.argument("blueprint_id", shell_complete=completion.blueprints)
@options.standard
@options.extended
@pass_session
def get(session: Session, blueprint_id: str) -> None:
    """Show a blueprint, and the deployments made from it."""
    with session.finding("blueprint", blueprint_id):
        blueprint = session.client.blueprints.get(blueprint_id)
    used = session.client.deployments.list(Slice(fields=("id",)), blueprint_id=blueprint_id)
    names = [deployment["id"] for deployment in used.items]
    plan = blueprint.get("plan") or {}
    if session.out.as_json:
        whole: dict[str, Any] = {**blueprint, "deployments": names, "metadata": plan.get("metadata") or {}}
        session.out.json(whole)
        return
    session.out.record({**blueprint, "deployments": names or "none"}, GET_COLUMNS)
    if plan.get("metadata"):
        session.out.section("metadata", plan["metadata"], nothing="")


@blueprints.command("inputs")
@click.argument("blueprint_id", shell_complete=completion.blueprints)
@options.standard
@options.extended
@pass_session
def inputs(session: Session, blueprint_id: str) -> None:
    """List the inputs that a blueprint takes."""
    with session.finding("blueprint", blueprint_id):
        blueprint = session.client.blueprints.get(blueprint_id)
    declared = (blueprint.get("plan") or {}).get("inputs") or {}
    rows = [{"name": name, **details} for name, details in declared.items()]
    if not session.out.as_json:
        rows = [{**row, "default": default_text(row)} for row in rows]
    session.out.records(rows, INPUT_COLUMNS, noun="inputs", where=f" of blueprint `{blueprint_id}`")


@blueprints.command("delete")
@click.argument("blueprint_id", shell_complete=completion.blueprints)
@options.force("Delete it even if another blueprint imports it.")
@options.standard
@pass_session
def delete(session: Session, blueprint_id: str, force: bool) -> None:
    """Delete a blueprint."""
    with session.finding("blueprint", blueprint_id):
        session.client.blueprints.delete(blueprint_id, force=force)
    session.out.say(f"Blueprint `{blueprint_id}` is deleted.")


@blueprints.command("download")
@click.argument("blueprint_id", shell_complete=completion.blueprints)
@options.output_path
@options.standard
@pass_session
def download(session: Session, blueprint_id: str, output_path: Path | None) -> None:
    """Download a blueprint's archive."""
    get = session.client.blueprints.download
    download_archive(session, "blueprint", blueprint_id, output_path, "tar.gz", get)

"""`cfy deployments groups`: work on many deployments at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import inputs as label_inputs
else:
    label_inputs = lazy("cloudwright.cli.inputs")

COLUMNS = columns("id", "description", "default_blueprint_id=default blueprint", "deployments", "created_at?")
LABEL_COLUMNS = columns("key", "value")


@click.group("groups", cls=SuggestingGroup)
@options.shared
def groups() -> None:
    """Work on many deployments at once."""


_name = click.argument("group_id", metavar="GROUP_ID")
_described = options.together(
    click.option(
        "-b",
        "--default-blueprint",
        metavar="ID",
        shell_complete=completion.blueprints,
        help="The blueprint of deployments that are made in the group.",
    ),
    click.option("--description", metavar="TEXT", help="What the group is for."),
    options.deployment_inputs,
)
_members = options.together(
    click.option(
        "-d",
        "--deployment-id",
        "deployment_ids",
        metavar="ID",
        multiple=True,
        shell_complete=completion.deployments,
        help="This deployment; may be given several times.",
    ),
    click.option("--filter-id", metavar="ID", help="Deployments that fulfil this stored filter."),
    click.option("--from-group", metavar="GROUP_ID", help="The deployments of this group."),
)


@groups.command("list")
@options.sliced(sort="id")
@options.standard
@options.extended
@pass_session
def list_groups(session: Session, part: Slice) -> None:
    """List groups of deployments."""
    page = session.client.deployment_groups.list(part)
    shown = page.items if session.out.as_json else [_counted(item) for item in page.items]
    session.out.records(shown, COLUMNS, noun="deployment groups", total=page.total)


@groups.command("get")
@_name
@options.standard
@options.extended
@pass_session
def get(session: Session, group_id: str) -> None:
    """Show a group and its deployments."""
    found = session.client.deployment_groups.get(group_id)
    session.out.record(_counted(found) if not session.out.as_json else found, COLUMNS)
    if not session.out.as_json:
        for id in found["deployment_ids"]:
            session.out.line(f"  {id}")


@groups.command("create")
@_name
@_described
@options.standard
@pass_session
def create(
    session: Session,
    group_id: str,
    default_blueprint: str | None,
    description: str | None,
    inputs: dict[str, Any],
) -> None:
    """Create a group of deployments.

    The blueprint and the inputs are for what `cfy deployments groups extend --count` makes.
    """
    _put(session, group_id, default_blueprint, description, inputs)
    session.out.say(f"Deployment group `{group_id}` is created.")


@groups.command("update")
@_name
@_described
@options.standard
@pass_session
def update(
    session: Session,
    group_id: str,
    default_blueprint: str | None,
    description: str | None,
    inputs: dict[str, Any],
) -> None:
    """Change a group. What is not given stays; its deployments are not changed."""
    session.client.deployment_groups.get(group_id)
    _put(session, group_id, default_blueprint, description, inputs)
    session.out.say(f"Deployment group `{group_id}` is changed.")


@groups.command("delete")
@_name
@click.option("--delete-deployments", is_flag=True, help="Delete its deployments too, all or none of them.")
@options.force("Delete deployments even if node instances live.")
@click.option(
    "-l", "--with-logs", is_flag=True, help="For Cloudify's scripts; executions and their logs stay."
)
@click.option("--recursive", is_flag=True, help="Accepted for compatibility with Cloudify; ignored.")
@options.standard
@pass_session
def delete(
    session: Session,
    group_id: str,
    delete_deployments: bool,
    force: bool,
    with_logs: bool,
    recursive: bool,
) -> None:
    """Delete a group. Its deployments stay, unless they are to be deleted too."""
    session.client.deployment_groups.delete(group_id, delete_deployments=delete_deployments, force=force)
    too = " with its deployments" if delete_deployments else ""
    session.out.say(f"Deployment group `{group_id}` is deleted{too}.")


@groups.command("extend")
@_name
@_members
@click.option(
    "--count", metavar="N", type=click.IntRange(min=1), help="Make N new deployments of its blueprint."
)
@options.standard
@pass_session
def extend(
    session: Session,
    group_id: str,
    deployment_ids: tuple[str, ...],
    filter_id: str | None,
    from_group: str | None,
    count: int | None,
) -> None:
    """Take deployments into a group, or make new ones in it."""
    members = _selected(deployment_ids, filter_id, from_group)
    if count:
        members["new_deployments"] = [{}] * count
    if not members:
        raise click.UsageError("Say which deployments: -d, --count, --filter-id or --from-group.")
    group = session.client.deployment_groups.add(group_id, **members)
    session.out.say(f"Deployment group `{group_id}` has {len(group['deployment_ids'])} deployments now.")


@groups.command("shrink")
@_name
@_members
@options.standard
@pass_session
def shrink(
    session: Session,
    group_id: str,
    deployment_ids: tuple[str, ...],
    filter_id: str | None,
    from_group: str | None,
) -> None:
    """Take deployments out of a group. They are not deleted."""
    members = _selected(deployment_ids, filter_id, from_group)
    if not members:
        raise click.UsageError("Say which deployments: -d, --filter-id or --from-group.")
    group = session.client.deployment_groups.remove(group_id, **members)
    session.out.say(f"Deployment group `{group_id}` has {len(group['deployment_ids'])} deployments now.")


@groups.group("labels", cls=SuggestingGroup)
@options.shared
def labels() -> None:
    """Labels of groups, which their deployments get."""


@labels.command("list")
@_name
@options.standard
@pass_session
def list_labels(session: Session, group_id: str) -> None:
    """List the labels of a group."""
    found = session.client.deployment_groups.get(group_id)["labels"]
    session.out.records(found, LABEL_COLUMNS, noun="labels", where=f" of deployment group `{group_id}`")


@labels.command("add")
@click.argument("labels_list", metavar="KEY:VALUE,...")
@_name
@options.standard
@pass_session
def add_labels(session: Session, labels_list: str, group_id: str) -> None:
    """Add labels to a group and to its deployments."""
    new = label_inputs.read_labels(labels_list)
    present = _pairs(session, group_id)
    session.client.deployment_groups.put(
        group_id, labels=[*present, *(pair for pair in new if pair not in present)]
    )
    session.out.say(f"The labels of deployment group `{group_id}` are added.")


@labels.command("delete")
@click.argument("label", metavar="KEY[:VALUE]")
@_name
@options.standard
@pass_session
def delete_labels(session: Session, label: str, group_id: str) -> None:
    """Remove a label from a group. Its deployments keep it."""
    present = _pairs(session, group_id)
    key, colon, value = label.partition(":")
    gone = [pair for pair in present if key in pair and (not colon or pair[key] == value)]
    if not gone:
        raise click.UsageError(f"Deployment group `{group_id}` has no label `{label}`.")
    session.client.deployment_groups.put(group_id, labels=[pair for pair in present if pair not in gone])
    session.out.say(f"The label `{label}` of deployment group `{group_id}` is removed.")


def _put(
    session: Session,
    group_id: str,
    default_blueprint: str | None,
    description: str | None,
    inputs: dict[str, Any],
) -> None:
    session.client.deployment_groups.put(
        group_id,
        blueprint_id=default_blueprint,
        description=description,
        default_inputs=inputs or None,
    )


def _selected(
    deployment_ids: tuple[str, ...], filter_id: str | None, from_group: str | None
) -> dict[str, Any]:
    given = {
        "deployment_ids": list(deployment_ids) or None,
        "filter_id": filter_id,
        "deployments_from_group": from_group,
    }
    return {name: value for name, value in given.items() if value is not None}


def _counted(item: Any) -> dict[str, Any]:
    return {**item, "deployments": len(item["deployment_ids"])}


def _pairs(session: Session, group_id: str) -> list[dict[str, str]]:
    found = session.client.deployment_groups.get(group_id)["labels"]
    return [{label["key"]: label["value"]} for label in found]

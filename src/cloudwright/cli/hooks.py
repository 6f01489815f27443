"""`cfy hooks`: webhooks and workflows for what happens in executions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion, options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.model.rest import Hook

COLUMNS = columns("id", "when", "does", "enabled", "of_deployment=deployment?", "created_by?", "created_at?")
DELIVERY_COLUMNS = columns(
    "id",
    "state",
    "event_type=event",
    "attempts",
    "created_at=when",
    "error",
    "execution_id=execution?",
    "response_status=response?",
    "started_execution=started?",
    "next_attempt_at=next attempt?",
    "ended_at?",
)
#: What the REST API takes; the line of help names them.
_STATUSES = (
    "started",
    "cancelling",
    "force_cancelling",
    "kill_cancelling",
    "terminated",
    "failed",
    "cancelled",
)
_STATES = ("pending", "delivered", "failed")

_triggers = options.together(
    click.option(
        "--status",
        "statuses",
        multiple=True,
        metavar="STATUS",
        type=click.Choice(_STATUSES),
        help=f"Do it when an execution gets this status, may be repeated: {', '.join(_STATUSES)}.",
    ),
    click.option(
        "--event-type",
        "event_types",
        multiple=True,
        metavar="TYPE",
        help="Do it at every event of this type, such as `task_failed` or `task_*`. May be repeated.",
    ),
    click.option(
        "--of-deployment",
        metavar="DEPLOYMENT",
        shell_complete=completion.deployments,
        help="Only for executions of this deployment.",
    ),
)


@click.group(cls=SuggestingGroup)
@options.shared
def hooks() -> None:
    """Post webhooks or start workflows when something happens in executions."""


@hooks.command("create")
@click.argument("name")
@_triggers
@click.option("--url", metavar="URL", help="Post a webhook there, signed with the secret.")
@click.option("--secret", metavar="KEY", help="The key of the secret that signs it (`cfy secrets create`).")
@click.option("-w", "--workflow", metavar="WORKFLOW", help="Start this workflow instead.")
@options.deployment(required=False, help="On this deployment; without it, on that of what happened.")
@options.parameters
@click.option("--event-parameter", metavar="NAME", help="The workflow's parameter that gets what happened.")
@options.standard
@pass_session
def create(
    session: Session,
    name: str,
    statuses: Sequence[str],
    event_types: Sequence[str],
    of_deployment: str | None,
    url: str | None,
    secret: str | None,
    workflow: str | None,
    deployment_id: str | None,
    parameters: dict[str, Any],
    event_parameter: str | None,
) -> None:
    """Create a hook, which acts as you."""
    if not statuses and not event_types:
        raise click.UsageError("Say when: give --status or --event-type.")
    if (url is None) == (workflow is None):
        raise click.UsageError("Say what to do: give either --url and --secret, or --workflow.")
    triggers: dict[str, Any] = {
        "statuses": statuses,
        "event_types": event_types,
        "of_deployment": of_deployment,
    }
    if url is not None:
        if secret is None:
            raise click.UsageError("A webhook is signed: give --secret, the key of a secret.")
        if deployment_id or parameters or event_parameter:
            raise click.UsageError("--deployment-id, --parameters and --event-parameter go with --workflow.")
        made = session.client.hooks.create_webhook(name, url, secret, **triggers)
    else:
        if secret is not None:
            raise click.UsageError("--secret goes with --url.")
        made = session.client.hooks.create_workflow_hook(
            name,
            str(workflow),
            deployment_id=deployment_id,
            parameters=parameters,
            event_parameter=event_parameter,
            **triggers,
        )
    session.out.say(f"Hook `{name}` is created. `cfy hooks deliveries {name}` shows what it does.")
    if session.out.as_json:
        session.out.json(made)


@hooks.command("get")
@click.argument("name")
@options.standard
@pass_session
def get(session: Session, name: str) -> None:
    """Show a hook."""
    hook = session.client.hooks.get(name)
    session.out.record(hook, columns(*(name for name in hook if name != "tenant_name")))


@hooks.command("list")
@options.sliced(sort="id")
@options.standard
@options.extended
@pass_session
def list_hooks(session: Session, part: Slice) -> None:
    """List hooks."""
    page = session.client.hooks.list(part)
    rows = page.items if session.out.as_json else [_described(hook) for hook in page.items]
    session.out.records(rows, COLUMNS, noun="hooks", total=page.total)


@hooks.command("enable")
@click.argument("name")
@options.standard
@pass_session
def enable(session: Session, name: str) -> None:
    """Have a hook do something again from now on."""
    session.client.hooks.update(name, enabled=True)
    session.out.say(f"Hook `{name}` is enabled.")


@hooks.command("disable")
@click.argument("name")
@options.standard
@pass_session
def disable(session: Session, name: str) -> None:
    """Have a hook do nothing for what happens from now on."""
    session.client.hooks.update(name, enabled=False)
    session.out.say(f"Hook `{name}` is disabled.")


@hooks.command("delete")
@click.argument("name")
@options.standard
@pass_session
def delete(session: Session, name: str) -> None:
    """Delete a hook with its deliveries."""
    session.client.hooks.delete(name)
    session.out.say(f"Hook `{name}` is deleted.")


@hooks.command("deliveries")
@click.argument("name")
@click.option("--state", type=click.Choice(_STATES), help="Only these: pending, delivered or failed.")
@options.sliced(newest="created_at", search=False)
@options.standard
@options.extended
@pass_session
def deliveries(session: Session, name: str, state: str | None, part: Slice) -> None:
    """List what a hook did, and what it still tries to do."""
    page = session.client.hooks.deliveries(name, part, states=() if state is None else (state,))
    session.out.records(page.items, DELIVERY_COLUMNS, noun="deliveries", total=page.total)


@hooks.command("retry")
@click.argument("name")
@click.argument("delivery_id")
@options.standard
@pass_session
def retry(session: Session, name: str, delivery_id: str) -> None:
    """Try a delivery at once, also one that was given up."""
    session.client.hooks.retry(name, delivery_id)
    session.out.say(f"Delivery {delivery_id} of hook `{name}` is tried again.")


def _described(hook: Hook) -> dict[str, Any]:
    """Return a hook with what triggers it and what it does in a few words."""
    does = hook["url"]
    if does is None:
        on = hook["deployment_id"]
        does = f"starts {hook['workflow_id']}" + (f" on {on}" if on else "")
    return {**hook, "when": ", ".join([*hook["statuses"], *hook["event_types"]]), "does": does}

"""Which execution or plugin a command is about: an id, its beginning, or what else distinguishes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce, wraps
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion
from cloudwright.cli.failure import Failure
from cloudwright.cli.formatting import age, short_id
from cloudwright.cli.session import Session
from cloudwright.client.records import END_STATUSES, Slice

if TYPE_CHECKING:
    from cloudwright.model.rest import Execution

#: As many characters of an id are asked for at least: fewer hit by accident.
SHORTEST = 4
#: So many of those that an ambiguous beginning fits are named.
MOST_CANDIDATES = 10
#: Workflows of the manager itself, which are neither cancelled nor resumed.
OF_THE_MANAGER = ("upload_blueprint", "create_deployment_environment", "delete_deployment_environment")
#: Ends after which an execution can be resumed.
BAD_ENDS = ("failed", "cancelled")
FIELDS = ("id", "workflow_id", "deployment_id", "status", "created_at")
_BEGINNING = re.compile(rf"[0-9a-fA-F-]{{{SHORTEST},35}}")


def is_beginning(text: str) -> bool:
    """Return whether a text may be the beginning of a generated id, and is not a whole one."""
    return _BEGINNING.fullmatch(text) is not None


def execution_id(session: Session, text: str) -> str:
    """Return the whole id of the execution whose id begins with ``text``; any other text as it is.

    Raises Failure if several do.
    """
    if not is_beginning(text):
        return text
    part = Slice(size=1000, search=text, fields=FIELDS, sort="created_at", descending=True)
    found = session.client.executions.list(part, include_system_workflows=True).items
    return _only(text, [dict(item) for item in found], "executions", _execution_line)


def plugin_id(session: Session, text: str) -> str:
    """Return the whole id of the plugin whose id begins with ``text``; any other text as it is.

    Raises Failure if several do.
    """
    if not is_beginning(text):
        return text
    found = session.client.plugins.list(
        Slice(size=1000, fields=("id", "package_name", "package_version"))
    ).items
    return _only(text, [dict(item) for item in found], "plugins", _plugin_line)


def _only(
    text: str, found: Sequence[Mapping[str, Any]], noun: str, line: Callable[[Mapping[str, Any]], str]
) -> str:
    fitting = [item for item in found if item["id"].startswith(text.lower())]
    if any(item["id"] == text for item in found) or not fitting:
        return text
    if len(fitting) > 1:
        lines = [line(item) for item in fitting[:MOST_CANDIDATES]]
        if len(fitting) > MOST_CANDIDATES:
            lines.append(f"and {len(fitting) - MOST_CANDIDATES} more")
        raise Failure(f"The ids of {len(fitting)} {noun} begin with `{text}`:", "\n".join(lines))
    return str(fitting[0]["id"])


def _execution_line(item: Mapping[str, Any]) -> str:
    where = f" on {item['deployment_id']}" if item.get("deployment_id") else ""
    return f"{item['id']}  {item['workflow_id']}{where}  {item['status']}  {age(item.get('created_at'))} ago"


def _plugin_line(item: Mapping[str, Any]) -> str:
    return f"{item['id']}  {item.get('package_name')} {item.get('package_version')}"


def chosen_execution(*, running: bool = False, ended: bool = False) -> Callable[[Any], Any]:
    """Let a command be about an execution that is named in any way; it reaches it as ``execution_id``, which
    is empty if none was named.

    ``running`` is for commands that only make sense before its end, ``ended`` for those after a bad one.
    """
    which = "that runs" if running else "that failed or was cancelled" if ended else "there is"
    options = (
        click.argument("execution_id", required=False, shell_complete=completion.executions),
        click.option(
            "-d",
            "--deployment-id",
            metavar="ID",
            shell_complete=completion.deployments,
            help=f"The newest execution of this deployment {which}.",
        ),
        click.option("--last", is_flag=True, help=f"The newest execution {which}."),
        click.option("--status", metavar="STATUS", help="The newest with this status, such as `failed`."),
    )

    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def command(*args: Any, **kwargs: Any) -> Any:
            session = click.get_current_context().ensure_object(Session)
            named = kwargs.pop("execution_id")
            deployment, last, status = kwargs.pop("deployment_id"), kwargs.pop("last"), kwargs.pop("status")
            if named and (deployment or last or status):
                raise click.UsageError("Name the execution by its id, or with -d, --last and --status.")
            if deployment or last or status:
                named = _newest(session, deployment, status, running=running, ended=ended)
            elif named:
                named = execution_id(session, named)
            return function(*args, execution_id=named or "", **kwargs)

        return reduce(lambda inner, option: option(inner), reversed(options), command)

    return decorate


def require_execution(execution_id: str) -> None:
    """Raise UsageError if the command line does not say which execution it is about."""
    if not execution_id:
        raise click.UsageError(
            "Which execution? Give its id or the beginning of that (`cfy executions list`), -d DEPLOYMENT or "
            "--last."
        )


def _newest(
    session: Session, deployment: str | None, status: str | None, *, running: bool, ended: bool
) -> str:
    """Return the id of the execution that the options mean. Raises Failure if it is not one."""
    of = f" of deployment `{deployment}`" if deployment else ""
    part = Slice(size=200, fields=FIELDS, sort="created_at", descending=True)
    statuses = (status,) if status else ()
    found = session.client.executions.list(part, deployment_id=deployment, statuses=statuses).items
    if running or ended:
        found = [item for item in found if item["workflow_id"] not in OF_THE_MANAGER]
    if not found:
        if deployment:
            # Else a misspelt deployment would be one without executions.
            with session.finding("deployment", deployment):
                session.client.deployments.get(deployment, fields=("id",))
        having = f" with status `{status}`" if status else ""
        raise Failure(f"There is no execution{of}{having}.", "`cfy executions list` shows what exists.")
    if running and not status:
        _require_only_running(found, of)
    elif ended and not status:
        _require_bad_end(found, of)
    return found[0]["id"]


def _require_only_running(found: Sequence[Execution], of: str) -> None:
    alive = [item for item in found if item["status"] not in END_STATUSES]
    if len(alive) > 1:
        lines = [_execution_line(dict(item)) for item in alive[:MOST_CANDIDATES]]
        raise Failure(f"{len(alive)} executions{of} have not ended; name one of them:", "\n".join(lines))
    if not alive:
        id, name, now = (found[0][key] for key in ("id", "workflow_id", "status"))
        raise Failure(f"No execution{of} runs. The newest, {short_id(id)} of `{name}`, is `{now}`.")


def _require_bad_end(found: Sequence[Execution], of: str) -> None:
    """Raise Failure if the newest has not ended badly: an older one is not what a person means then."""
    newest = found[0]
    if newest["status"] in BAD_ENDS:
        return
    older = next((item for item in found if item["status"] in BAD_ENDS), None)
    hint = "`cfy executions list` shows what exists."
    if older is not None:
        hint = f"An older one did; name it by its id if that is meant:\n{_execution_line(dict(older))}"
    raise Failure(
        f"The newest execution{of}, {short_id(newest['id'])} of `{newest['workflow_id']}`, is "
        f"`{newest['status']}`: it did not fail and was not cancelled.",
        hint,
    )

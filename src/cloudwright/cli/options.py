"""Options that many commands have, with Cloudify's names."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloudwright.cli import completion
from cloudwright.cli.lazy import lazy
from cloudwright.cli.session import Session
from cloudwright.client.records import Slice

if TYPE_CHECKING:
    from cloudwright.cli import inputs
else:
    inputs = lazy("cloudwright.cli.inputs")

Decorator = Callable[[Any], Any]


def together(*decorators: Decorator) -> Decorator:
    """Several decorators as one; their options appear in this order."""

    def decorate(function: Any) -> Any:
        return reduce(lambda inner, decorator: decorator(inner), reversed(decorators), function)

    return decorate


def _sharing(store: Callable[[Session, Any], None]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a callback that puts an option's value into the session, wherever in the command it was
    given.
    """

    def callback(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value not in (None, False, 0, ()):
            store(ctx.ensure_object(Session), value)
        return value

    return callback


def _set_json(session: Session, value: Any) -> None:
    session.out.as_json = value is True or value == "json"
    if not session.out.as_json:
        session.out.layout = value


def _set_json_lines(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    ctx.ensure_object(Session).out.json_lines = value
    return value


def _set_quiet(session: Session, value: Any) -> None:
    session.out.quiet = True


def _set_verbose(session: Session, value: Any) -> None:
    session.out.verbosity = max(session.out.verbosity, int(value))


def _set_extended(session: Session, value: Any) -> None:
    session.out.extended = True


def _set_manager(session: Session, value: Any) -> None:
    session.manager = value


def _set_tenant(session: Session, value: Any) -> None:
    session.tenant = value


shared = together(
    click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_sharing(_set_json),
        help="Print one JSON document on standard output, and nothing else.",
    ),
    click.option(
        "--format",
        type=click.Choice(["plain", "table", "json"]),
        expose_value=False,
        callback=_sharing(_set_json),
        help="Print lists as `plain` columns (the default on a terminal), as a `table` of `|` and `-` (the "
        "default elsewhere), or everything as `json`.",
    ),
    click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_sharing(_set_verbose),
        help="Show tracebacks of failed attempts and the full server response in errors; twice: debug "
        "messages of executions too.",
    ),
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_sharing(_set_quiet),
        help="Print results and errors only.",
    ),
    click.option(
        "--manager",
        metavar="NAME|ADDRESS",
        expose_value=False,
        callback=_sharing(_set_manager),
        help="Manager to connect to: profile name, host or URL.",
    ),
)
"""What every command takes."""

tenant = click.option(
    "-t",
    "--tenant-name",
    metavar="NAME",
    expose_value=False,
    callback=_sharing(_set_tenant),
    help="Work in this tenant instead of the profile's.",
)

extended = click.option(
    "-x",
    "--extended-view",
    is_flag=True,
    expose_value=False,
    callback=_sharing(_set_extended),
    help="Print a line per field instead of a table.",
)

standard = together(tenant, shared)
"""What every command takes that works in a tenant."""


def deployment(*, required: bool, help: str = "The deployment's id.") -> Decorator:
    return click.option(
        "-d",
        "--deployment-id",
        metavar="ID",
        required=required,
        shell_complete=completion.deployments,
        help=help,
    )


def blueprint(*, required: bool = False, help: str = "The blueprint's id.") -> Decorator:
    return click.option(
        "-b",
        "--blueprint-id",
        metavar="ID",
        required=required,
        shell_complete=completion.blueprints,
        help=help,
    )


blueprint_filename = click.option(
    "-n",
    "--blueprint-filename",
    metavar="NAME",
    help="The main file of an archive or a folder; `blueprint.yaml` if it is not given.",
)

visibility = click.option(
    "-l",
    "--visibility",
    type=click.Choice(["private", "tenant", "global"]),
    default="tenant",
    show_default=True,
    help="Who may see it: its owner, all users of its tenant, or all users.",
)

site_name = click.option("-s", "--site-name", metavar="NAME", help="The site that the deployment belongs to.")


def force(help: str) -> Decorator:
    return click.option("-f", "--force", is_flag=True, help=help)


force_concurrent = force(
    "Start it even though another execution of the deployment runs, or the rules of the workflow exclude it."
)

output_path = click.option(
    "-o",
    "--output-path",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="The file or the folder to write it to.",
)

all_tenants = click.option(
    "-a", "--all-tenants", is_flag=True, help="Include all tenants you have access to."
)


pagination = together(
    click.option(
        "-o",
        "--pagination-offset",
        metavar="N",
        type=click.IntRange(min=0),
        default=0,
        help="Skip the first N results.",
    ),
    click.option(
        "-s",
        "--pagination-size",
        metavar="N",
        type=click.IntRange(min=1),
        default=1000,
        show_default=True,
        help="Show N at most.",
    ),
)


#: The roles that users and user groups have in a tenant.
TENANT_ROLES = ("manager", "user", "operations", "viewer")


def account_slice(sort: str) -> Decorator:
    """``sliced`` for what belongs to no tenant."""
    options = (
        click.option(
            "--sort-by", metavar="FIELD", default=sort, show_default=True, help="Sort by this field."
        ),
        click.option("--descending", is_flag=True, help="Sort from the highest to the lowest."),
        pagination,
        click.option("--search", metavar="TEXT", help="Show those whose name contains this text."),
    )

    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def command(*args: Any, **kwargs: Any) -> Any:
            part = Slice(
                size=kwargs.pop("pagination_size"),
                offset=kwargs.pop("pagination_offset"),
                sort=kwargs.pop("sort_by"),
                descending=kwargs.pop("descending"),
                search=kwargs.pop("search"),
            )
            return function(*args, part=part, **kwargs)

        return together(*options)(command)

    return decorate


def sliced(*, sort: str | None = None, newest: str | None = None, search: bool = True) -> Decorator:
    """Return the options of a list; they reach the command as one argument ``part``, a Slice.

    ``sort`` is the field that it is sorted by if none is named; ``newest`` one that puts the highest first.
    """
    options: list[Decorator] = [
        click.option(
            "--sort-by",
            metavar="FIELD",
            default=sort,
            help=f"Sort by this field, such as `id`.{' Newest first if it is not given.' if newest else ''}",
        ),
        click.option("--descending", is_flag=True, help="Sort from the highest to the lowest."),
        pagination,
        all_tenants,
    ]
    if search:
        options.append(
            click.option("--search", metavar="TEXT", help="Show those whose id contains this text.")
        )

    def decorate(function: Callable[..., Any]) -> Any:
        # The options that were declared below this one must stay with what is a command in the end.
        @wraps(function)
        def command(*args: Any, **kwargs: Any) -> Any:
            named, descending = kwargs.pop("sort_by"), kwargs.pop("descending")
            part = Slice(
                size=kwargs.pop("pagination_size"),
                offset=kwargs.pop("pagination_offset"),
                sort=named or newest,
                descending=descending or (named is None and newest is not None),
                search=kwargs.pop("search", None),
                all_tenants=kwargs.pop("all_tenants"),
            )
            return function(*args, part=part, **kwargs)

        return together(*options)(command)

    return decorate


def read_inputs(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, Any]:
    """Return the values that an option names in files and in texts."""
    return inputs.read_all(value, str(parameter.opts[-1])) if value else {}


def _values(short: str, long: str, help: str) -> Decorator:
    return click.option(
        short,
        long,
        metavar="VALUES",
        multiple=True,
        callback=read_inputs,
        shell_complete=completion.files,
        help=f"{help} A YAML file, a folder or a pattern of them, JSON or YAML text, or "
        "`name=value;name=value`. May be given several times; the last one wins.",
    )


deployment_inputs: Decorator = _values("-i", "--inputs", "Inputs of the deployment.")
parameters: Decorator = _values("-p", "--parameters", "Parameters of the workflow.")

allow_custom_parameters = click.option(
    "--allow-custom-parameters",
    is_flag=True,
    help="Take parameters that the workflow does not declare.",
)


def _read_labels(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[dict[str, str]]:
    return inputs.read_labels(value) if value else []


def labels(name: str = "--labels", *, of: str = "") -> Decorator:
    return click.option(
        name,
        metavar="KEY:VALUE,...",
        callback=_read_labels,
        help=f"Labels{of}. A comma or a colon in a value is written with a backslash before it.",
    )


def workflow(default: str) -> Decorator:
    return click.option(
        "-w", "--workflow-id", metavar="NAME", default=default, show_default=True, help="The workflow to run."
    )


following = together(
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.IntRange(min=1),
        default=900,
        show_default=True,
        help="Stop following after this long; the execution continues, and the exit code is 1.",
    ),
    click.option(
        "--include-logs/--no-logs", default=True, show_default=True, help="Show log messages, or events only."
    ),
    click.option(
        "--json-output",
        is_flag=True,
        callback=_set_json_lines,
        help="Print each event as a line of JSON, and what is for people on standard error.",
    ),
    click.option("--no-follow", is_flag=True, help="Return when it is started; do not wait for its end."),
)
"""The options of commands that follow an execution."""

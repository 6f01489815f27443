"""`cfy config`: settings of the manager that can be changed while it runs."""

from __future__ import annotations

from typing import Any

import click

from cloudwright.cli import inputs, options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session

COLUMNS = columns("name", "value", "scope", "updated_at?", "is_editable=editable", "admin_only?")


@click.group(cls=SuggestingGroup)
@options.shared
def config() -> None:
    """Show and change the manager's configuration."""


@config.command("list")
@options.shared
@options.extended
@pass_session
def list_config(session: Session) -> None:
    """List the settings."""
    session.out.records(list(session.client.administration.config()), COLUMNS, noun="settings")


@config.command("update")
@click.argument("settings", metavar="SETTINGS...", nargs=-1, required=True)
@options.shared
@pass_session
def update(session: Session, settings: tuple[str, ...]) -> None:
    """Change settings.

    SETTINGS are a YAML file, JSON or YAML text as in `{"task_retries": 3}`, or `name=value`.
    """
    given: dict[str, Any] = inputs.read_all(settings, "SETTINGS")
    changed = []
    for name, value in given.items():
        item = session.client.administration.set_config(name, _plain(value))
        changed.append(item)
        session.out.say(f"`{item['name']}` is {item['value']}.")
    if session.out.as_json:
        session.out.json(changed)


def _plain(value: Any) -> Any:
    """Return a number for a text that is one: `name=3` has texts only."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value

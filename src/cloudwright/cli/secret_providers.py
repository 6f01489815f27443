"""`cfy secrets providers`: what is said of stores of secrets outside of the manager."""

from __future__ import annotations

from typing import NoReturn

import click

from cloudwright.cli import options
from cloudwright.cli.failure import Failure
from cloudwright.cli.lazy import SuggestingGroup


@click.group(cls=SuggestingGroup)
@options.shared
def providers() -> None:
    """Stores of secrets outside of the manager, which do not exist here: each command says so."""


def _refuse() -> NoReturn:
    raise Failure(
        "There are no providers of secrets: the manager keeps the values itself, encrypted in its database.",
        "Create the secret with `cfy secrets create KEY`. A plugin's operation may read another store by "
        "itself.",
    )


def _refused(name: str, help: str) -> None:
    @providers.command(
        name, help=help, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
    )
    @options.standard
    def command() -> None:
        _refuse()


for _name in ("create", "delete", "get", "list", "test", "update"):
    _refused(_name, "Refused: there are no providers of secrets.")

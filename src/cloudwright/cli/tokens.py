"""`cfy tokens`: what programs may use instead of a password."""

from __future__ import annotations

import click

from cloudwright.cli import options
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.session import Session, pass_session

TOKEN_COLUMNS = columns("id", "username=user", "role", "description", "expiration_date=expires", "last_used")
NEW_COLUMNS = [*TOKEN_COLUMNS, *columns("value")]


@click.group(cls=SuggestingGroup)
@options.shared
def tokens() -> None:
    """Make, list and delete tokens for programs."""


@tokens.command("create")
@click.option(
    "-e",
    "--expiry",
    metavar="TIME",
    help="When it ends: `+10h`, `+30 days`, or `2030-01-31 14:00` in UTC; never if it is not given.",
)
@click.option("-d", "--description", metavar="TEXT", help="What it is for.")
@options.shared
@pass_session
def create(session: Session, expiry: str | None, description: str | None) -> None:
    """Make a token. Its value is shown this once."""
    token = session.client.tokens.create(description=description, expiration=expiry)
    session.out.record(token, NEW_COLUMNS)


@tokens.command("list")
@options.shared
@pass_session
def list_tokens(session: Session) -> None:
    """List tokens, without their values."""
    page = session.client.tokens.list()
    session.out.records(page.items, TOKEN_COLUMNS, noun="tokens", total=page.total)


@tokens.command("get")
@click.argument("token_id")
@options.shared
@pass_session
def get(session: Session, token_id: str) -> None:
    """Show a token, without its value."""
    session.out.record(session.client.tokens.get(token_id), TOKEN_COLUMNS)


@tokens.command("delete")
@click.argument("token_id")
@options.shared
@pass_session
def delete(session: Session, token_id: str) -> None:
    """Delete a token: who uses it can do so no longer."""
    session.client.tokens.delete(token_id)
    session.out.say(f"Token `{token_id}` is deleted.")

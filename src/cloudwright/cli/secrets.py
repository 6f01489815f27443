"""`cfy secrets`: values that blueprints and plugins read by a key."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from cloudwright.cli import options
from cloudwright.cli.failure import USAGE, Failure
from cloudwright.cli.formatting import columns
from cloudwright.cli.lazy import SuggestingGroup
from cloudwright.cli.secret_providers import providers
from cloudwright.cli.secret_sharing import export_secrets, import_secrets
from cloudwright.cli.session import Session, pass_session
from cloudwright.client.records import Slice

LIST_COLUMNS = columns(
    "key",
    "created_at",
    "updated_at",
    "visibility",
    "tenant_name=tenant?",
    "created_by",
    "is_hidden_value=hidden value",
    "provider_name=provider?",
)
GET_COLUMNS = [*columns("key", "value"), *LIST_COLUMNS[1:], *columns("schema")]

_value_options = options.together(
    click.option(
        "-s",
        "--secret-string",
        metavar="TEXT",
        help="The value. Other users of this machine may see it while the command runs; with -f not.",
    ),
    click.option(
        "-f",
        "--secret-file",
        metavar="FILE",
        type=click.File("r", encoding="utf-8"),
        help="The file that holds the value; `-` is standard input.",
    ),
)
_provider_options = options.together(
    click.option("-p", "--provider", metavar="NAME", help="Refused: there are no providers of secrets."),
    click.option("-o", "--provider-options", metavar="JSON", help="Refused, as --provider is."),
)
_some_visibility = click.option(
    "-l",
    "--visibility",
    type=click.Choice(["private", "tenant", "global"]),
    help="Who may see it: its owner, all users of its tenant, or all users.",
)


@click.group(cls=SuggestingGroup)
@options.shared
def secrets() -> None:
    """Create, change and show secrets: values that blueprints read with `get_secret`."""


secrets.add_command(export_secrets)
secrets.add_command(import_secrets)
secrets.add_command(providers)


@secrets.command("create")
@click.argument("key")
@_value_options
@click.option("-u", "--update-if-exists", is_flag=True, help="Change the secret if there is one already.")
@options.visibility
@click.option(
    "--hidden-value", is_flag=True, help="Show the value to its creator and to administrators only."
)
@click.option("--schema", metavar="JSON", help="The JSON schema that the value, which is JSON then, fulfils.")
@click.option("--dict", "is_dict", is_flag=True, help="The value is a JSON object.")
@click.option("--list", "is_list", is_flag=True, help="The value is a JSON array.")
@_provider_options
@options.standard
@pass_session
def create(
    session: Session,
    key: str,
    secret_string: str | None,
    secret_file: Any,
    update_if_exists: bool,
    visibility: str,
    hidden_value: bool,
    schema: str | None,
    is_dict: bool,
    is_list: bool,
    provider: str | None,
    provider_options: str | None,
) -> None:
    """Create a secret.

    KEY is its name. The value is asked for, and not shown, if neither -s nor -f gives it.
    """
    _refuse_provider(provider or provider_options)
    shape = _schema(schema, is_dict, is_list)
    value = _value(secret_string, secret_file)
    if value is None:
        if not sys.stdin.isatty():
            raise Failure(
                "There is no value.",
                "Give it with --secret-string, or a file with --secret-file.",
                exit_code=USAGE,
            )
        value = click.prompt(f"Value of `{key}`", hide_input=True, confirmation_prompt=True, err=True)
    secret = session.client.secrets.create(
        key,
        value if shape is None else _json(value, "The value"),
        update_if_exists=update_if_exists,
        hidden_value=hidden_value,
        visibility=visibility,
        schema=shape,
    )
    session.out.say(f"Secret `{key}` is created.")
    if session.out.as_json:
        session.out.json(secret)


@secrets.command("update")
@click.argument("key")
@_value_options
@click.option(
    "--hidden-value/--not-hidden-value",
    default=None,
    help="Show the value to its creator and to administrators only, or to all who see the secret.",
)
@_some_visibility
@_provider_options
@options.standard
@pass_session
def update(
    session: Session,
    key: str,
    secret_string: str | None,
    secret_file: Any,
    hidden_value: bool | None,
    visibility: str | None,
    provider: str | None,
    provider_options: str | None,
) -> None:
    """Change a secret's value, or who may see it."""
    _refuse_provider(provider or provider_options)
    value: Any = _value(secret_string, secret_file)
    if value is not None and session.client.secrets.get(key).get("schema") is not None:
        value = _json(value, "The value")
    secret = session.client.secrets.update(key, value=value, hidden_value=hidden_value, visibility=visibility)
    session.out.say(f"Secret `{key}` is updated.")
    if session.out.as_json:
        session.out.json(secret)


@secrets.command("get")
@click.argument("key")
@options.standard
@options.extended
@pass_session
def get(session: Session, key: str) -> None:
    """Show a secret with its value."""
    secret: dict[str, Any] = {**session.client.secrets.get(key)}
    if secret.get("is_hidden_value") and secret.get("value") == "" and not session.out.as_json:
        secret["value"] = "*********"
    session.out.record(secret, GET_COLUMNS)


@secrets.command("list")
@options.sliced(sort="key")
@click.option("-p", "--provider", metavar="NAME", help="Refused: there are no providers of secrets.")
@options.standard
@options.extended
@pass_session
def list_secrets(session: Session, part: Slice, provider: str | None) -> None:
    """List secrets, without their values."""
    _refuse_provider(provider)
    page = session.client.secrets.list(part)
    session.out.records(page.items, LIST_COLUMNS, noun="secrets", total=page.total)


@secrets.command("delete")
@click.argument("key")
@options.standard
@pass_session
def delete(session: Session, key: str) -> None:
    """Delete a secret."""
    session.client.secrets.delete(key)
    session.out.say(f"Secret `{key}` is deleted.")


@secrets.command("set-visibility")
@click.argument("key")
@click.option(
    "-l",
    "--visibility",
    type=click.Choice(["tenant", "global"]),
    required=True,
    help="Who may see it: all users of its tenant, or all users.",
)
@options.standard
@pass_session
def set_visibility(session: Session, key: str, visibility: str) -> None:
    """Set who may see a secret."""
    session.client.secrets.set_visibility(key, visibility)
    session.out.say(f"The visibility of secret `{key}` is {visibility}.")


@secrets.command("set-global")
@click.argument("key")
@options.standard
@pass_session
def set_global(session: Session, key: str) -> None:
    """Let all users see a secret: `set-visibility -l global`."""
    session.client.secrets.set_visibility(key, "global")
    session.out.say(f"The visibility of secret `{key}` is global.")


@secrets.command("set-owner")
@click.argument("key")
@click.option("-s", "--username", metavar="NAME", required=True, help="The user whose it is from now on.")
@options.standard
@pass_session
def set_owner(session: Session, key: str, username: str) -> None:
    """Give a secret to another user."""
    secret = session.client.secrets.update(key, owner=username)
    session.out.say(f"Secret `{key}` is user `{secret['created_by']}`'s now.")


def _value(text: str | None, file: Any) -> str | None:
    if text is not None and file is not None:
        raise Failure("The value is given twice.", "Give --secret-string or --secret-file.", exit_code=USAGE)
    if file is None:
        return text
    try:
        content: str = file.read()
    except UnicodeDecodeError:
        raise Failure(f"{file.name} is not text in UTF-8.", "Encode it, for example as base64.") from None
    return content


def _schema(text: str | None, is_dict: bool, is_list: bool) -> dict[str, Any] | None:
    if is_dict:
        return {"type": "object"}
    if is_list:
        return {"type": "array"}
    if text is None:
        return None
    schema = _json(text, "The schema")
    if not isinstance(schema, dict) or not schema.get("type"):
        raise Failure("The schema is no JSON schema.", 'Give an object with a `type`: {"type": "array"}.')
    return schema


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        # Not quoted, and its cause neither: it may be the value.
        raise Failure(f"{what} is not JSON.", "Check its quotes, brackets and commas.") from None


def _refuse_provider(name: str | None) -> None:
    if name is not None:
        raise Failure(
            "There are no providers of secrets: the manager keeps the values itself, encrypted.",
            "Leave --provider and --provider-options out.",
        )

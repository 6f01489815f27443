"""`cfy secrets export` and `import`: secrets as a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from cloudwright.cli import options
from cloudwright.cli.failure import FAILED, USAGE, Failure
from cloudwright.cli.session import Session, pass_session

_passphrase = click.option(
    "-p", "--passphrase", metavar="TEXT", help="What the values in the file are encrypted with."
)
_non_encrypted = click.option("--non-encrypted", is_flag=True, help="The values are not encrypted.")


@click.command("export")
@_passphrase
@_non_encrypted
@click.option(
    "-l",
    "--visibility",
    type=click.Choice(["private", "tenant", "global"]),
    help="Those of this visibility only.",
)
@options.all_tenants
@click.option("--filter-by", metavar="TEXT", help="Those whose key contains this text.")
@click.option(
    "-o",
    "--output-path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=Path("secrets.json"),
    show_default=True,
    help="The file to write.",
)
@options.standard
@pass_session
def export_secrets(
    session: Session,
    passphrase: str | None,
    non_encrypted: bool,
    visibility: str | None,
    all_tenants: bool,
    filter_by: str | None,
    output_path: Path,
) -> None:
    """Write secrets with their values to a file that only you may read.

    Those whose values you may not see are left out.
    """
    _check_choice(passphrase, non_encrypted)
    found = session.client.secrets.export(
        passphrase=passphrase, visibility=visibility, all_tenants=all_tenants, search=filter_by
    )
    _write(output_path, json.dumps(found, indent=1))
    how = "encrypted with the passphrase" if passphrase else "not encrypted"
    what = "1 secret is" if len(found) == 1 else f"{len(found)} secrets are"
    session.out.say(f"{what} in {output_path}, {how}.")
    if session.out.as_json:
        session.out.json({"path": str(output_path), "secrets": len(found)})


@click.command("import")
@_passphrase
@_non_encrypted
@click.option(
    "-i",
    "--input-path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to read, as `cfy secrets export` writes it.",
)
@click.option("--override-collisions", is_flag=True, help="Change secrets that exist already.")
@click.option(
    "-m",
    "--tenant-map",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help='A JSON file of tenants to create secrets in by those they come from: {"here": "there"}.',
)
@options.standard
@pass_session
def import_secrets(
    session: Session,
    passphrase: str | None,
    non_encrypted: bool,
    input_path: Path,
    override_collisions: bool,
    tenant_map: Path | None,
) -> None:
    """Create the secrets that a file holds. The exit code is 1 if one of them was not imported."""
    _check_choice(passphrase, non_encrypted)
    listed = _read(input_path)
    result = session.client.secrets.import_secrets(
        listed,
        passphrase=passphrase,
        tenant_map=None if tenant_map is None else _read(tenant_map),
        override_collisions=override_collisions,
    )
    if session.out.as_json:
        session.out.json(result)
    colliding, errors = result["colliding_secrets"], result["secrets_errors"]
    existed = sum(map(len, colliding.values()))
    kept = 0 if override_collisions else existed
    session.out.say(f"{len(listed) - len(errors) - kept} of {len(listed)} secrets are imported.")
    for tenant, keys in colliding.items():
        done = "changed" if override_collisions else "not changed"
        session.out.say(f"These existed in tenant `{tenant}`, and are {done}: {', '.join(sorted(keys))}.")
    for place, problems in sorted(errors.items(), key=lambda item: int(item[0])):
        for name, problem in problems.items():
            text = ", ".join(problem) if isinstance(problem, list) else problem
            session.out.warn(f"Secret {int(place) + 1} of the file: {name}: {text}")
    if errors:
        click.get_current_context().exit(FAILED)


def _check_choice(passphrase: str | None, non_encrypted: bool) -> None:
    if (passphrase is None) != non_encrypted:
        raise Failure(
            "It is not said whether the values are encrypted.",
            "Give either --passphrase or --non-encrypted.",
            exit_code=USAGE,
        )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError:
        raise Failure(f"{path} is not JSON.", "Give a file that `cfy secrets export` has written.") from None


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            # One that existed keeps its rights otherwise.
            os.fchmod(descriptor, 0o600)
            file.write(text)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from error

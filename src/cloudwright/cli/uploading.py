"""Sending a blueprint to a manager: what `install`, `blueprints upload` and `blueprints validate` share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cloudwright.cli import blueprint_problems, reuse
from cloudwright.cli.blueprint_source import DEFAULT_FILE, Source, open_source
from cloudwright.cli.failure import Failure
from cloudwright.cli.lazy import lazy
from cloudwright.cli.session import Session
from cloudwright.client.errors import InvalidBlueprint, NotFound

if TYPE_CHECKING:
    from cloudwright.cli import upload_progress
    from cloudwright.model.rest import Blueprint, Problem
else:
    upload_progress = lazy("cloudwright.cli.upload_progress")

__all__ = ["DEFAULT_FILE", "check", "local_folder", "open_source", "send", "tell_warnings", "upload"]

#: What a blueprint is called while it is only checked, and not kept.
UNNAMED = "blueprint"


def upload(
    session: Session,
    path: str,
    *,
    blueprint_id: str | None,
    filename: str | None,
    visibility: str,
    labels: list[dict[str, str]],
    validate: bool = False,
    background: bool = False,
    again: bool = False,
) -> Blueprint:
    """Send a blueprint, checked first if ``validate``. With ``again`` one of that id may be there already
    (see ``reuse``). Raises Failure with the problems of its text.
    """
    with open_source(path, filename) as source:
        identifier = blueprint_id or source.default_id
        if again:
            with suppress(NotFound):
                if reuse.blueprint_to_keep(session, identifier, source, path):
                    return session.client.blueprints.get(identifier)
        return send(
            session,
            path,
            source,
            identifier,
            visibility=visibility,
            labels=labels,
            validate=validate,
            background=background,
        )


def send(
    session: Session,
    path: str,
    source: Source,
    identifier: str,
    *,
    visibility: str,
    labels: list[dict[str, str]],
    validate: bool = False,
    background: bool = False,
    announce: bool = True,
) -> Blueprint:
    """Send an opened blueprint that ``path`` named. Raises Failure with the problems of its text."""
    with _explaining(path):
        if validate:
            session.client.blueprints.validate(identifier, source.archive, main_file=source.main_file)
            source.archive.seek(0)
        with upload_progress.shown_upload(session.out, source.archive, f"Uploading {identifier}") as archive:
            blueprint = session.client.blueprints.upload(
                identifier,
                archive,
                main_file=source.main_file,
                visibility=visibility,
                labels=labels,
                background=background,
            )
    tell_warnings(session, blueprint.get("warnings") or [], path)
    if not announce:
        return blueprint
    session.out.say(
        f"Blueprint `{identifier}` is being uploaded; `cfy blueprints get {identifier}` shows its state."
        if background
        else f"Blueprint `{identifier}` is uploaded."
    )
    return blueprint


def check(session: Session, path: str, filename: str | None) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """What is wrong with a blueprint, which is nothing if it is valid; and its warnings."""
    with open_source(path, filename) as source:
        try:
            warnings = session.client.blueprints.validate(UNNAMED, source.archive, main_file=source.main_file)
        except InvalidBlueprint as error:
            return error.problems or [Problem(message=error.message)], error.warnings
    return [], warnings


def tell_warnings(session: Session, warnings: Sequence[Problem], path: str) -> None:
    """Print what is probably not meant in a blueprint that was accepted."""
    for line in blueprint_problems.warning_lines(warnings, local_folder(path)):
        session.out.warn(line)


@contextmanager
def _explaining(path: str) -> Iterator[None]:
    try:
        yield
    except InvalidBlueprint as error:
        if not error.problems:
            raise
        raise Failure(
            blueprint_problems.summary(error.problems),
            "\n".join(
                blueprint_problems.all_lines(error.problems, local_folder(path))
                + blueprint_problems.warning_lines(error.warnings, local_folder(path))
            ),
            details={
                "status": error.status,
                "error_code": error.code,
                "problems": error.problems,
                "warnings": error.warnings,
            },
        ) from error


def local_folder(path: str) -> Path | None:
    """Return the folder that was packed; None for an archive or a URL."""
    named = Path(path)
    if named.is_dir():
        return named
    is_text = named.is_file() and named.suffix.lower() in (".yaml", ".yml")
    return named.parent if is_text else None

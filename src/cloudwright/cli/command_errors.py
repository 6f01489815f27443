"""How a command ends: with an exit code, and with words that help, whatever happened in it."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cloudwright.cli.failure import FAILED, INTERRUPTED, OK, Failure, Silent, refused
from cloudwright.cli.formatting import folded, plain, styled, terminal_width
from cloudwright.cli.lazy import lazy
from cloudwright.cli.selection import Selection
from cloudwright.cli.session import Session
from cloudwright.client.errors import (
    ApiError,
    Broken,
    ClientError,
    ConnectionFailed,
    Forbidden,
    NotAManager,
    ServerError,
    TimedOut,
    Unauthorized,
    Untrusted,
)
from cloudwright.errors import CloudwrightError

if TYPE_CHECKING:
    import traceback
else:
    traceback = lazy("traceback")


class CommandLine(click.Group):
    """The root of a command line: whatever happens below, it ends with an exit code and words that help."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        session = Session()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A character that the terminal does not have is no reason to fail.
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(
                args, prog_name or self.name, complete_var, standalone_mode=False, obj=session, **extra
            )
            sys.stdout.flush()
        except BaseException as error:  # noqa: BLE001 - this is where everything ends
            code = _end(error, session)
        finally:
            session.close()
        sys.exit(code if isinstance(code, int) else OK)


def _end(error: BaseException, session: Session) -> int:
    """Print what went wrong, and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, BrokenPipeError):
        # The reader of the pipe has closed it. What is still buffered must not be written when Python
        # ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    if isinstance(error, Silent):
        return error.exit_code
    if isinstance(error, click.ClickException):
        usage = io.StringIO()
        error.show(usage)
        text = usage.getvalue().rstrip("\n")
        click.echo(folded(text, terminal_width()) if sys.stderr.isatty() else text, err=True)
        return error.exit_code
    failure = _failure(error, session)
    if session.out.as_json:
        click.echo(failure.as_json(), err=True)
    else:
        width = terminal_width() if sys.stderr.isatty() else None
        text = plain(failure.as_text(verbose=session.out.verbosity > 0, width=width))
        click.echo(text if width is None else styled(text, colour="red"), err=True)
    return failure.exit_code


def _failure(error: BaseException, session: Session) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, ClientError):
        return _explain(error, session.selection)
    if isinstance(error, CloudwrightError):
        return Failure(str(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" at {error.filename}" if error.filename else ""
        return Failure(
            f"There is no room left on the disk{where}: {error.strerror}.",
            "Make room, then try again; CLOUDWRIGHT_HOME names another home.",
        )
    trace = "".join(traceback.format_exception(error))
    return Failure(
        f"Internal error: {type(error).__name__}: {error}.",
        "Run with -v for a traceback, and please report this bug.",
        trace=trace,
    )


def _explain(error: ClientError, selection: Selection | None) -> Failure:
    """Return the failure for a request that failed; ``selection`` is the manager it was sent to."""
    if isinstance(error, ApiError):
        return refused(error, _api_hint(error, selection))
    return Failure(str(error), _connection_hint(error, selection), trace=repr(error.__cause__ or error))


def _api_hint(error: ApiError, selection: Selection | None) -> str:
    if isinstance(error, Unauthorized):
        who = selection.credentials_hint() if selection else ""
        return who or "Give a user name and password, or a token, with `cfy profiles set`."
    if isinstance(error, Forbidden):
        return "Ask an administrator of the manager, or use another user (`cfy profiles set -u USER`)."
    if isinstance(error, ServerError) and selection and selection.log:
        return f"Its log is {selection.log}."
    return ""


def _connection_hint(error: ClientError, selection: Selection | None) -> str:
    if isinstance(error, Untrusted):
        return "Name the manager's certificate: `cfy profiles set -c FILE`."
    if isinstance(error, (TimedOut, Broken)):
        log = f"\nIts log is {selection.log}." if selection and selection.log else ""
        return f"The request may or may not have been applied. Check before retrying.{log}"
    if isinstance(error, NotAManager):
        return f"{selection.address_hint() if selection else ''}".strip()
    if isinstance(error, ConnectionFailed) and selection is not None:
        return selection.address_hint()
    return ""

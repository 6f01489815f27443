"""`cfy logs`: what the manager of this machine has logged about itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from cloudwright.cli import options
from cloudwright.cli.failure import Failure
from cloudwright.cli.selection import select
from cloudwright.cli.session import Session, pass_session

#: Seconds between two looks at a log that is followed.
LOOK_INTERVAL = 0.2
#: So much is read of the end of a log at a time, until it has enough lines.
BLOCK = 65536


@click.command()
@click.option(
    "-n", "--lines", metavar="N", type=click.IntRange(min=1), default=100, show_default=True,
    help="Show the last N lines.",
)  # fmt: skip
@click.option("-f", "--follow", is_flag=True, help="Show what is added, until Ctrl-C.")
@options.shared
@pass_session
def logs(session: Session, lines: int, follow: bool) -> None:
    """Show the log of the manager of this machine.

    It is that of one that `cfy` has started. What happened in executions is in `cfy events list`. A manager
    that runs as a service logs to the journal of its machine: `journalctl -u cloudwright`.
    """
    selection = select(session.home, os.environ, manager=session.manager, tenant=None)
    if selection.log is None:
        raise Failure(
            f"The manager of {selection.origin} keeps its log on its own machine.",
            "There, `journalctl -u cloudwright` shows that of a service.",
        )
    if not selection.log.exists():
        raise Failure(
            f"There is no log at {selection.log}: `cfy` has started no manager with this home.",
            "A manager that was started with `cloudwright up` logs to its standard error.",
        )
    with open(selection.log, "rb") as file:
        for line in _last_lines(file, lines):
            session.out.line(line)
        if follow:
            for line in _added_lines(file, selection.log):
                session.out.line(line)


def _last_lines(file: BinaryIO, count: int) -> list[str]:
    """Return the last lines; the file is at the end of them then."""
    begin = end = file.seek(0, os.SEEK_END)
    content = b""
    while begin and content.count(b"\n") <= count:
        begin = max(0, begin - BLOCK)
        file.seek(begin)
        content = file.read(end - begin)
    file.seek(end)
    return content.decode("utf-8", "replace").splitlines()[-count:]


def _added_lines(file: BinaryIO, path: Path) -> Iterator[str]:
    """Yield what is added to a log, also after another has taken its place."""
    begun = b""
    while True:
        part = file.readline()
        begun += part
        if begun.endswith(b"\n"):
            yield begun.decode("utf-8", "replace").rstrip("\n")
            begun = b""
        elif not part:
            if path.exists() and not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                with open(path, "rb") as other:
                    yield from _added_lines(other, path)
            time.sleep(LOOK_INTERVAL)

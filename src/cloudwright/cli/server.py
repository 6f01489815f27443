"""`cloudwright`: run a manager."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from cloudwright import __version__
from cloudwright.cli.command_errors import CommandLine
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.local_manager_stop import end_manager
from cloudwright.cli.session import Session, pass_session
from cloudwright.settings import Settings

if TYPE_CHECKING:
    from cloudwright import app
else:
    app = lazy("cloudwright.app")


class ServerCommandLine(CommandLine, SuggestingGroup):
    def _cloudifys(self, above: str) -> list[str]:
        return []


@click.group(
    cls=ServerCommandLine,
    name="cloudwright",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="Cloudwright %(version)s")
def cloudwright() -> None:
    """Run a Cloudwright manager. `cfy` is the command line for using it."""


@cloudwright.command()
@click.option(
    "--home",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the manager keeps everything: ~/.cloudwright, or CLOUDWRIGHT_HOME.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file of its settings: `cloudwright.toml` in the home, or CLOUDWRIGHT_CONFIG.",
)
@click.option("--host", metavar="ADDRESS", help="The address to listen on: 127.0.0.1, or CLOUDWRIGHT_HOST.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    help="The port to listen on: 8100, or CLOUDWRIGHT_PORT. With 0 it takes a free one.",
)
@click.option(
    "--allowed-host",
    metavar="NAMES",
    help="Names to accept in requests besides addresses, localhost and this machine's name; with commas.",
)
@click.option(
    "--tls-cert",
    metavar="FILE",
    type=click.Path(dir_okay=False, resolve_path=True),
    help="Serve HTTPS with the certificate in this PEM file, or CLOUDWRIGHT_TLS_CERT.",
)
@click.option(
    "--tls-key",
    metavar="FILE",
    type=click.Path(dir_okay=False, resolve_path=True),
    help="The PEM file of the certificate's key, or CLOUDWRIGHT_TLS_KEY.",
)
@click.option(
    "--idle-exit",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="End after this long with nothing to do and no client connected; 0 (also if not given) is never.",
)
@click.option(
    "-v", "--verbose", is_flag=True, help="Say where in the code a defect was met that keeps it from running."
)
@click.option(
    "--no-resume",
    is_flag=True,
    help="End executions that were interrupted, instead of running them again; CLOUDWRIGHT_NO_RESUME=1.",
)
@click.option("--ready-fd", type=int, hidden=True)
@pass_session
def up(
    session: Session,
    home: Path | None,
    config: Path | None,
    host: str | None,
    port: int | None,
    tls_cert: str | None,
    tls_key: str | None,
    allowed_host: str | None,
    idle_exit: float | None,
    no_resume: bool,
    verbose: bool,
    ready_fd: int | None,
) -> None:
    """Run a manager in the foreground, until Ctrl-C.

    It prints one line on standard output when it answers, and logs to standard error. `cfy` finds it by its
    home. Its other settings are in a file or in environment variables: see docs/reference/settings.md.

    \b
    Examples:
      cloudwright up
      cloudwright up --home ~/lab --port 8200
    """
    session.out.verbosity = int(verbose)
    settings = Settings.load(
        home=home,
        config=config,
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        allowed_host=allowed_host,
        idle_exit=idle_exit,
        no_resume=no_resume or None,
        ready_fd=ready_fd,
    )
    # All that is loaded now stays. Looking through it again and again is a tenth of the start.
    gc.disable()
    sys.exit(app.run(settings))


@cloudwright.command()
@click.option(
    "--home",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The home of the manager to end: ~/.cloudwright, or CLOUDWRIGHT_HOME.",
)
@pass_session
def down(session: Session, home: Path | None) -> None:
    """End the manager of a home in good order, however it was started.

    Executions that run are interrupted; the next start takes them up again. Returns when it has ended.
    """
    path = Settings.load(home=home).home
    pid = end_manager(path)
    if pid is None:
        session.out.say(f"No manager runs in {path}.")
    else:
        session.out.say(f"The manager of {path} (process {pid}) has ended.")


def main() -> NoReturn:
    cloudwright.main()


if __name__ == "__main__":
    main()

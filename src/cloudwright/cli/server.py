"""`cloudwright`: run a manager, or the agent of a host."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from cloudwright import __version__
from cloudwright.cli import completion
from cloudwright.cli.command_errors import CommandLine
from cloudwright.cli.failure import Failure
from cloudwright.cli.lazy import SuggestingGroup, lazy
from cloudwright.cli.local_manager_stop import end_manager
from cloudwright.cli.session import Session, pass_session
from cloudwright.settings import Settings

if TYPE_CHECKING:
    from cloudwright import app
    from cloudwright.cli import project_template
    from cloudwright.dsl import editor_schema
    from cloudwright.language_server import server as blueprint_server
    from cloudwright.worker import agent as worker
else:
    blueprint_server = lazy("cloudwright.language_server.server")
    editor_schema = lazy("cloudwright.dsl.editor_schema")
    app = lazy("cloudwright.app")
    worker = lazy("cloudwright.worker.agent")
    project_template = lazy("cloudwright.cli.project_template")


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
    """Run a Cloudwright manager, or the agent of a host. `cfy` is the command line for using them."""


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
    "-v",
    "--verbose",
    is_flag=True,
    help="Say where in the code a defect occurred that keeps it from running.",
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


@cloudwright.command()
@click.option("--manager", metavar="URL", required=True, help="The manager to connect to.")
@click.option(
    "--home",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the agent keeps its state; of one agent only.",
)
@click.option(
    "--capacity",
    metavar="N",
    default=10,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many operations it runs at once.",
)
@click.option(
    "--cache",
    metavar="MIB",
    default=4096,
    show_default=True,
    type=click.IntRange(1),
    help="How much of the disk blueprints' files, and as much again plugins, may take before old ones go.",
)
@click.option(
    "--ca-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="The PEM file of the authority of the manager's certificate, if it is none of the system's.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say where in the code a defect occurred.")
@pass_session
def agent(
    session: Session,
    manager: str,
    home: Path,
    capacity: int,
    cache: int,
    ca_file: str | None,
    verbose: bool,
) -> None:
    """Run the agent of a host in the foreground, until Ctrl-C: it runs the host's operations.

    It connects to the manager, and connects again whenever the connection ends. `cfy agents enroll` prints
    the token, which is read from the environment variable CLOUDWRIGHT_AGENT_TOKEN.

    \b
    Example:
      CLOUDWRIGHT_AGENT_TOKEN=... \\
        cloudwright agent --manager http://manager:8100 --home ~/agent
    """
    session.out.verbosity = int(verbose)
    token = os.environ.pop("CLOUDWRIGHT_AGENT_TOKEN", "")
    if not token:
        raise click.UsageError("set CLOUDWRIGHT_AGENT_TOKEN to the token that `cfy agents enroll` printed")
    worker.configure_logging()
    options = worker.Options(
        manager.rstrip("/"), token, home, capacity=capacity, cache=cache << 20, ca_file=ca_file
    )
    sys.exit(worker.run(options))


@cloudwright.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), shell_complete=completion.files)
@pass_session
def init_project(session: Session, folder: Path) -> None:
    """Make a new project: a blueprint with a plugin of its own, which can be installed at once.

    The folder is made if it does not exist; its name is that of the project. Nothing is overwritten.

    \b
    Example:
      cloudwright init shop && cfy apply shop
    """
    for name in project_template.make_project(folder):
        session.out.say(f"{folder / name}")
    session.out.say(f"`cfy apply {folder}` installs it.")


@cloudwright.command()
@pass_session
def schema(session: Session) -> None:
    """Print a JSON schema of blueprints, for editors.

    Editors with the YAML language server find it if the first line of a blueprint is
    `# yaml-language-server: $schema=FILE`.

    \b
    Example:
      cloudwright schema > blueprint.schema.json
    """
    session.out.json(editor_schema.editor_schema())


@cloudwright.command("lsp")
@pass_session
def language_server(session: Session) -> None:
    """Serve an editor, which shows what is wrong with a blueprint, completes, explains and finds names.

    It speaks the Language Server Protocol on standard input and output, and is started by editors. It needs
    `pip install 'cloudwright[lsp]'`.
    """
    try:
        blueprint_server.run()
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise Failure(
            "The language server needs libraries that are not installed.", "pip install 'cloudwright[lsp]'"
        ) from error


def main() -> NoReturn:
    cloudwright.main()


if __name__ == "__main__":
    main()

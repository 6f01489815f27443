"""`python -m cloudwright.worker`: an agent, without the command line's libraries."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from cloudwright.errors import CloudwrightError, Unauthorized
from cloudwright.worker.agent import DISMISSED, Options, configure_logging, run
from cloudwright.worker.enrolment import enrol
from cloudwright.worker.supervise import supervise

TOKEN_VARIABLE = "CLOUDWRIGHT_AGENT_TOKEN"  # noqa: S105 - the name of a variable


def main() -> int:
    parser = argparse.ArgumentParser(prog="cloudwright agent")
    parser.add_argument("--manager", required=True, help="URL of the manager")
    parser.add_argument("--home", type=Path, required=True, help="folder for the agent's state")
    parser.add_argument("--capacity", type=int, default=10, help="operations at once")
    parser.add_argument("--cache", type=int, default=4096, help="MiB of files, and as many of plugins")
    parser.add_argument("--ca-file", help="PEM file of the authority of the manager's certificate")
    parser.add_argument("--token-file", type=Path, help="file with the token, instead of the variable")
    parser.add_argument("--enrolment-file", type=Path, help="file with a token that gets the agent its own")
    parser.add_argument("--log-file", type=Path, help="file to log to, instead of standard error")
    parser.add_argument("--log-level", default="info", help="debug, info, warning, error or critical")
    parser.add_argument("--log-max-bytes", type=int, default=5_000_000, help="size of a log file")
    parser.add_argument("--log-max-history", type=int, default=3, help="how many old log files are kept")
    parser.add_argument("--supervise", action="store_true", help="start it again whenever it dies")
    given = parser.parse_args()
    if given.supervise:
        words = [word for word in sys.argv[1:] if word != "--supervise"]
        return supervise([sys.executable, *sys.orig_argv[1 : -len(sys.argv) + 1], *words], given.home)
    _log(given)
    token = os.environ.pop(TOKEN_VARIABLE, "")
    try:
        if given.enrolment_file is not None and given.token_file is not None:
            enrol(given.manager.rstrip("/"), given.enrolment_file, given.token_file, given.ca_file)
        if given.token_file is not None:
            token = given.token_file.read_text("ascii").strip()
    except Unauthorized as error:
        logging.getLogger(__name__).critical("%s", error)
        return DISMISSED
    except OSError as error:
        parser.error(f"the token cannot be read: {error}")
    if not token:
        parser.error(f"set {TOKEN_VARIABLE} to the token that `cfy agents enroll` printed")
    try:
        return run(
            Options(
                given.manager.rstrip("/"),
                token,
                given.home,
                capacity=given.capacity,
                cache=given.cache << 20,
                ca_file=given.ca_file,
            )
        )
    except CloudwrightError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _log(given: argparse.Namespace) -> None:
    if given.log_file is None:
        configure_logging(level=given.log_level.upper())
        return
    from logging.handlers import RotatingFileHandler  # noqa: PLC0415 - most agents log to standard error

    handler = RotatingFileHandler(
        given.log_file, maxBytes=given.log_max_bytes, backupCount=given.log_max_history
    )
    configure_logging(handler, given.log_level.upper())


if __name__ == "__main__":
    sys.exit(main())

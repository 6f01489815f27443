"""`python -m cloudwright.worker`: an agent, without the command line's libraries."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from cloudwright.errors import CloudwrightError
from cloudwright.worker.agent import Options, configure_logging, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="cloudwright agent")
    parser.add_argument("--manager", required=True, help="URL of the manager")
    parser.add_argument("--home", type=Path, required=True, help="folder for the agent's state")
    parser.add_argument("--capacity", type=int, default=10, help="operations at once")
    parser.add_argument("--cache", type=int, default=4096, help="MiB of files, and as many of plugins")
    parser.add_argument("--ca-file", help="PEM file of the authority of the manager's certificate")
    given = parser.parse_args()
    token = os.environ.pop("CLOUDWRIGHT_AGENT_TOKEN", "")
    if not token:
        parser.error("set CLOUDWRIGHT_AGENT_TOKEN to the token that `cfy agents enroll` printed")
    configure_logging()
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


if __name__ == "__main__":
    sys.exit(main())

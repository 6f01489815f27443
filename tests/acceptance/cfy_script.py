"""Runs commands of Cloudify's `cfy` 7.0.5, each in a fork of this process, which has loaded it.

Run by the interpreter of its environment, after `cfy profiles use`. Reads a line of JSON with the words of a
command, and prints one with its exit code and what it printed. The first line lists all commands.
"""

import importlib
import json
import os
import pkgutil
import sys
import tempfile

import click
import cloudify_cli.commands
from cloudify_cli import main

for found in pkgutil.iter_modules(cloudify_cli.commands.__path__):
    importlib.import_module(f"cloudify_cli.commands.{found.name}")


def commands(command, path):
    for loaded in ("_get_group", "_get_command"):
        if hasattr(command, loaded):
            command = getattr(command, loaded)()
    if not isinstance(command, click.Group):
        return [path]
    below = command.commands.items()
    return [found for name, each in below for found in commands(each, [*path, name])]


def run(words):
    """Never returns: this is a fork."""
    sys.argv = ["cfy", *words]
    code = 1
    try:
        main._cfy()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


print(json.dumps(sorted(" ".join(path) for path in commands(main._cfy, []))), flush=True)
for line in sys.stdin:
    with tempfile.TemporaryFile() as printed:
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            run(json.loads(line))
        _, status = os.waitpid(pid, 0)
        printed.seek(0)
        said = printed.read().decode(errors="replace")
    print(json.dumps([os.waitstatus_to_exitcode(status), said]), flush=True)

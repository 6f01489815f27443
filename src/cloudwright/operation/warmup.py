"""Runs an operation that does nothing in the zygote itself, before it forks the first real one.

A forked process pays for every page of memory that it is the first to write to, and code that runs for the
first time writes much: the interpreter specialises it, types and paths are looked up and kept, libraries are
bound. What has run here, every child finds done (docs/contributing/performance.md has the figures).
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import Any

from cloudwright.child.current import current_ctx
from cloudwright.operation import child
from cloudwright.process import frames
from cloudwright.process.channel import Channel

#: The interpreter has specialised what has run so often.
TIMES = 12

_FOLDER = os.path.join(os.path.dirname(__file__), "warmup_plugin")
_PLUGIN = "cloudwright_warmup"
_ID = "warmup"
_BEGIN: dict[str, Any] = {
    "type": "begin",
    "version": frames.VERSION,
    "execution": {
        "id": _ID,
        "workflow_id": "install",
        "deployment_id": _ID,
        "parameters": {},
        "dry_run": False,
        "created_by": None,
        "is_system_workflow": False,
    },
    "deployment": {
        "id": _ID,
        "display_name": _ID,
        "description": None,
        "inputs": {},
        "outputs": {},
        "capabilities": {},
        "scaling_groups": {},
        "labels": [],
        "resource_tags": None,
        "runtime_only_evaluation": False,
    },
    "blueprint": {"id": _ID, "path": _FOLDER, "imported": []},
    "tenant": {"name": _ID},
    "operation": {
        "id": _ID,
        "name": "warmup.run",
        "graph_id": None,
        "attempt": 1,
        "max_retries": 0,
        "retry_number": 0,
        "resume": False,
        "plugin": _PLUGIN,
        "mapping": f"{_PLUGIN}.run",
        "executor": "central_deployment_agent",
        "inputs": {},
        "evaluate": False,
        "timeout": None,
        "timeout_recoverable": True,
    },
    "plugin": {"name": _PLUGIN, "version": None, "path": [_FOLDER], "properties": {}},
    "workdir": _FOLDER,
    "agent": None,
    "node": {"id": _ID, "name": _ID, "type_hierarchy": [], "properties": {"part": "all"}},
    "instance": {
        "id": _ID,
        "node_id": _ID,
        "deployment_id": _ID,
        "host_id": None,
        "index": 1,
        "state": "creating",
        "version": 1,
        "runtime_properties": {},
        "relationships": [],
        "scaling_groups": [],
        "system_properties": {},
    },
}


def warm_up() -> None:
    """Run the operation a few times, and leave no trace of it but warm code.

    Raises RuntimeError if it fails: then no operation could run here.
    """
    path, loggers = list(sys.path), logging.Logger.manager.loggerDict
    known = set(loggers)
    try:
        for _ in range(TIMES):
            _run()
            sys.modules.pop(_PLUGIN, None)
            sys.path[:] = path
    finally:
        current_ctx.unshare()
        for name in set(loggers) - known:
            del loggers[name]
        sys.path_importer_cache.pop(_FOLDER, None)


def _run() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(frames.encode(_BEGIN))
        channel = Channel(theirs.detach())
        try:
            child.main(channel)
        finally:
            channel.close()
        *_, end = frames.Decoder().feed(ours.recv(64 * 1024))
    if end.get("outcome") != "succeeded":
        raise RuntimeError(f"no operation can run in this environment: {end.get('failure')}")

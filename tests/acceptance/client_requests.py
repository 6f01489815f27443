"""Prints what every method of a `CloudifyClient` is called with, and which requests it makes.

Run by the interpreter of either client: `ours` or `theirs`, and the names of resources.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import tempfile
from typing import Any

if sys.argv[1] == "ours":
    from cloudwright.compat import finder

    finder.install()

from cloudify_rest_client.client import CloudifyClient

VERBS = ("get", "put", "patch", "post", "delete")
# Of snapshots, of another client, and what makes no request.
LEFT_OUT = {"dump", "restore", "calc_size", "async_client", "close", "stream", "legacy_restore", "filtered"}
# What Cloudify accepts for a parameter, if not any text.
VALUES: dict[str, Any] = {
    "_include": ["id", "x"],
    "since": None,
    "until": None,
    "to_datetime": None,
    "expiration": None,
    "labels": [{"a": "b"}],
    "inputs": {"i": 1},
    "filter_rules": [{"key": "k"}],
    "parameters": {"p": 1},
    "default_parameters": {"p": 2},
    "mapping": {"updates": [1]},
    "ids": ["i1", "i2"],
    "update_dict": {"u": 1},
    "executions": [{"e": 1}],
    "count": None,
    "constraints": None,
    "schedule": None,
    "progress_callback": None,
    "legacy": False,
    "batch_size": 5,
    "new_deployments": [{"d": 1}],
}


FILES = {
    *("path", "src_file", "archive_location", "archive_path", "blueprint_path", "icon_path", "license_path"),
    *("plugin_path", "snapshot_path", "ldap_ca_path", "bundle", "new_manager_ca_cert", "new_broker_ca_cert"),
}


class Stream:
    content = b"content"
    headers = {"content-disposition": 'attachment; filename="file"', "content-length": "7"}

    def bytes_stream(self, size: int = 8192) -> Any:
        return iter([b"content"])

    def close(self) -> None:
        pass


class Recorder:
    """Remembers the requests, and answers with a page of one item that is a record, too."""

    default_timeout_sec = None
    tenant_name = "t"

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def has_kerberos(self) -> bool:
        return False

    def has_auth_header(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name not in VERBS:
            raise AttributeError(name)

        def send(uri: str, data: Any = None, params: Any = None, _include: Any = None, **more: Any) -> Any:
            where, _, query = uri.partition("?")
            asked = dict(params or {}) | dict(part.split("=") for part in query.split("&") if part)
            if _include:
                asked["_include"] = ",".join(_include)
            asked = {key: value for key, value in asked.items() if value is not None}
            if where != "/config":  # of the size of blueprints; ours does not ask
                self.requests.append([name.upper(), "/" + where.lstrip("/"), asked, body(data)])
            item = {"id": "1", "name": "n", "count": 1}
            metadata = {"pagination": {"total": 1, "offset": 0, "size": 1}}
            return Stream() if more.get("stream") else {"items": [item], "metadata": metadata, **item}

        return send


def body(data: Any) -> Any:
    if hasattr(data, "read"):  # a form that is sent piece by piece
        data = data.read()
    elif inspect.isgenerator(data):
        data = b"".join(data)
    if isinstance(data, bytes):
        if b"Content-Disposition: form-data" not in data:
            return data.decode()
        params = data.partition(b'name="params"\r\n\r\n')[2].partition(b"\r\n")[0]
        return {"form": json.loads(params), "archive": b'name="blueprint_archive"' in data}
    if isinstance(data, dict):
        # None says nothing, and the manager reads "true" as true.
        words = {"true": True, "false": False}
        said = {key: value for key, value in data.items() if value is not None}
        return {k: words.get(v, v) if isinstance(v, str) else v for k, v in said.items()} or None
    return data


# What Cloudify takes by keyword without saying so in the signature.
KEYWORDS: dict[str, dict[str, Any]] = {
    "executions.list": {
        "deployment_id": "d",
        "include_system_workflows": True,
        "sort": "s",
        "is_descending": True,
    },
    "executions.start": {"deployment_id": "d", "workflow_id": "w", "parameters": {"p": 1}, "force": True},
    "node_instances.list": {"deployment_id": "d", "node_name": "n", "sort": "s", "is_descending": True},
    "nodes.list": {"deployment_id": "d", "node_id": "n", "sort": "s", "evaluate_functions": True},
}


def arguments(signature: inspect.Signature, path: str, every: bool) -> dict[str, Any]:
    given: dict[str, Any] = dict(KEYWORDS.get(path, {})) if every else {}
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        required = parameter.default is parameter.empty
        if path in KEYWORDS and not required and parameter.name not in ("_include", "filter_rules"):
            continue
        if (not required and not every) or name in given:
            continue
        if name in FILES:
            given[name] = "file.yaml"
        elif name == "output_file":
            given[name] = f"out-{os.urandom(4).hex()}"
        elif name in VALUES:
            if VALUES[name] is not None:
                given[name] = VALUES[name]
            elif name == "since":
                given[name] = "2030-01-01"
        elif isinstance(parameter.default, bool):
            given[name] = not parameter.default
        else:
            given[name] = f"<{name}>"
    return given


def call(owner: Any, name: str, given: dict[str, Any]) -> Any:
    recorder = owner.api
    recorder.requests.clear()
    try:
        result = getattr(owner, name)(**given)
    except Exception as error:
        return {"error": type(error).__name__}
    kind = type(result).__name__
    if kind in ("ListResponse", "Records"):
        kind = f"page of {type(result.items[0]).__name__}"
    return {"requests": list(recorder.requests), "result": "dict" if kind == "Record" else kind}


def walk(owner: Any, path: str, recorder: Recorder, seen: dict[str, Any]) -> None:
    owner.api = recorder
    for name, _ in inspect.getmembers(type(owner), inspect.isfunction):
        if name.startswith("_") or name in LEFT_OUT:
            continue
        signature = inspect.signature(getattr(owner, name))
        seen[f"{path}.{name}"] = {
            "parameters": [
                str(parameter.replace(annotation=parameter.empty))
                for parameter in signature.parameters.values()
            ],
            "least": call(owner, name, arguments(signature, f"{path}.{name}", False)),
            "all": call(owner, name, arguments(signature, f"{path}.{name}", True)),
        }
    for name, part in vars(owner).items():
        if name[0] != "_" and name != "api" and type(part).__module__ != "builtins":
            walk(part, f"{path}.{name}", recorder, seen)


def main() -> None:
    client: Any = CloudifyClient(host="h")
    seen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("file.yaml", "w") as stream:
            stream.write("content")
        for name in sys.argv[2:]:
            walk(getattr(client, name), name, Recorder(), seen)
    json.dump(seen, sys.stdout, indent=1, sort_keys=True, default=str)


if __name__ == "__main__":
    main()

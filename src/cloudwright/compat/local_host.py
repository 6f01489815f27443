"""The host of a workflow that runs without a manager: its operations run in threads of the same process.

It speaks the same frames with the workflow as a manager does (docs/concepts/frames.md).
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from typing import Any, cast

from cloudwright.child.current import current_ctx
from cloudwright.child.rpc import refusal
from cloudwright.compat.local_storage import InMemoryStorage
from cloudwright.errors import CloudwrightError, InvalidInput, NotFound
from cloudwright.operation.child import changed_instances
from cloudwright.operation.context import Context
from cloudwright.operation.failure_report import describe
from cloudwright.operation.host_connection import HostConnection
from cloudwright.operation.mapping import arguments, load_function
from cloudwright.planning import evaluate, evaluate_inputs
from cloudwright.process.channel import Channel, ChannelClosed

log = logging.getLogger("cloudify.local")


class LocalHost:
    """The other end of ``workflow``, the channel that the workflow's connection uses."""

    def __init__(
        self,
        storage: InMemoryStorage,
        execution: dict[str, Any],
        *,
        threads: int,
        ignored_modules: Collection[str] = (),
    ) -> None:
        self._storage = storage
        self._deployment = storage.deployment
        self._ignored = frozenset(ignored_modules)
        self.head = {"execution": execution, **self._deployment.head}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel, self.workflow = Channel(ours.detach()), Channel(theirs.detach())
        self._sending = threading.Lock()
        self._pool = ThreadPoolExecutor(max(1, threads), "operation")
        self._thread = threading.Thread(target=self._serve, name="local host", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Wait for the operations that run, and end."""
        self._pool.shutdown()
        self.workflow.close()
        self._thread.join()
        self._channel.close()

    def answer(self, method: str, args: dict[str, Any]) -> Any:
        """Return the value of a call. Raises CloudwrightError."""
        deployment = self._deployment
        match method:
            case "node_instance":
                return asdict(deployment.instance(args["id"]))
            case "node_instances":
                return [asdict(one) for one in deployment.instances.values()]
            case "node":
                return deployment.node(args["id"])
            case "update_node_instance":
                known = ("id", "version", "runtime_properties", "state")
                changed = deployment.change(**{key: args[key] for key in known if key in args})
                self._storage.save()
                return asdict(changed)
            case "evaluate":
                return evaluate(args["value"], deployment.scope(self_id=args.get("instance")))
            case "execution" if args.get("id") in (None, self.head["execution"]["id"]):
                return {**self.head["execution"], "status": "started"}
            case "deployment" if args.get("id") in (None, deployment.name):
                return self.head["deployment"] | {"blueprint_id": self.head["blueprint"]["id"]}
            case "read_resource":
                raise NotFound(f"The blueprint has no file `{args['path']}`.")
            case "begin":
                return None
        raise InvalidInput(f"`{method}` needs a manager, and this workflow runs without one.")

    # Frames of the workflow.

    def _serve(self) -> None:
        with suppress(ChannelClosed):
            while True:
                frame = self._channel.receive()
                if frame is None:
                    continue
                if frame["type"] == "call":
                    self._reply(frame)
                elif frame["type"] == "journal":
                    for entry in frame["entries"]:
                        self._apply(entry)

    def _reply(self, frame: dict[str, Any]) -> None:
        try:
            said: dict[str, Any] = {"value": self.answer(frame["method"], frame["args"])}
        except CloudwrightError as error:
            said = {"error": {"kind": type(error).__name__, "message": str(error)}}
        self._send({"type": "reply", "id": frame["id"], **said})

    def _apply(self, entry: list[Any]) -> None:
        match entry:
            case ["run", operation]:
                self._pool.submit(self._run, operation)
            case ["state", id, state]:
                self._deployment.change(id, state=state)
                self._storage.save()
            case ["system", id, values]:
                self._deployment.put_system_properties(id, values)
            case ["event" | "log", said]:
                log.info("%s", said["message"])

    def _send(self, frame: dict[str, Any]) -> None:
        with self._sending, suppress(ChannelClosed):
            self._channel.send(frame)

    # Operations.

    def _run(self, operation: dict[str, Any]) -> None:
        report = {"type": "operation", "id": operation["id"], "attempt": operation["attempt"]}
        self._send(report | {"state": "started", "result": None, "failure": None})
        result, failure = self._outcome(operation)
        state = "failed" if failure else "succeeded"
        self._send(report | {"state": state, "result": result, "failure": failure})

    def _outcome(self, operation: dict[str, Any]) -> tuple[Any, dict[str, Any] | None]:
        """Run the operation in this thread; return its result, and its failure if it failed."""
        mapping = operation["mapping"]
        if mapping.rpartition(".")[0] in self._ignored:
            return None, None
        try:
            ctx, inputs = self._context(operation)
        except CloudwrightError as error:
            return None, describe(error)
        result: Any = None
        failure: dict[str, Any] | None = None
        try:
            function = load_function(mapping, operation["plugin"], [])
            with current_ctx.push(ctx, inputs):
                result = function(**arguments(function, inputs, ctx, mapping))
            if ctx.operation._operation_retry is not None:
                raise ctx.operation._operation_retry
        except BaseException as error:  # noqa: BLE001 - whatever a plugin does ends its operation only
            failure = describe(error)
        updates, failure = changed_instances(ctx, failure)
        for update in updates:
            self._deployment.change(update["id"], runtime_properties=update["runtime_properties"])
        self._storage.save()
        return (None if failure else result), failure

    def _context(self, operation: dict[str, Any]) -> tuple[Context, dict[str, Any]]:
        """Return the operation's context and its inputs. Raises CloudwrightError."""
        deployment, inputs = self._deployment, operation.get("inputs") or {}
        ids = {name: operation.get(key) for name, key in _SUBJECTS}
        if operation.get("evaluate"):
            inputs = evaluate_inputs(inputs, deployment.scope(**ids))

        def subject(id: str) -> dict[str, Any]:
            instance = deployment.instance(id)
            return {"node": deployment.node(instance.node_id), "instance": asdict(instance)}

        begin = self.head | {
            "operation": operation | {"inputs": inputs},
            "plugin": {"name": operation["plugin"], "version": None, "path": [], "properties": {}},
            "agent": None,
        }
        if operation.get("instance"):
            begin |= subject(operation["instance"])
        elif operation.get("source"):
            begin |= {"source": subject(operation["source"]), "target": subject(operation["target"])}
        return Context(begin, cast(HostConnection, _Supervisor(self))), inputs


_SUBJECTS = (("self_id", "instance"), ("source_id", "source"), ("target_id", "target"))


class _Supervisor:
    """What an operation's context asks, without a process and a channel between them."""

    def __init__(self, host: LocalHost) -> None:
        self._host = host

    def call(self, method: str, /, **args: Any) -> Any:
        """Raises RequestRefused."""
        try:
            return self._host.answer(method, args)
        except CloudwrightError as error:
            raise refusal({"kind": type(error).__name__, "message": str(error)}) from error

    def log(self, level: str, message: str, logger: str) -> None:
        log.log(logging.getLevelNamesMapping().get(level.upper(), logging.INFO), "%s", message)

    def event(self, message: str, event_type: str) -> None:
        log.info("%s", message)

    def cancel_requested(self) -> bool:
        return False

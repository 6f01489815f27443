"""The nouns of the REST API, one class each; every method raises ``ClientError`` if no manager responds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import quote

from cloudwright.client.errors import ClientError
from cloudwright.client.records import Page, Slice
from cloudwright.client.transport import Transport

if TYPE_CHECKING:
    from cloudwright.model.rest import (
        Blueprint,
        Deployment,
        Event,
        Execution,
        Node,
        NodeInstance,
        Operation,
        Plugin,
        Problem,
        Token,
    )

Record = TypeVar("Record")

WHOLE = Slice()
#: Seconds; the manager responds to an upload when it has parsed the whole blueprint.
UPLOAD_TIMEOUT = 600.0


class Collection(Generic[Record]):
    """A noun: a list of records, and single records by their ID."""

    path: str

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _one(self, identifier: str, *rest: str) -> str:
        if "/" in identifier or identifier in ("", ".", ".."):
            # In the path of a URL it would name something else.
            raise ClientError(f"`{identifier}` is not a valid ID: IDs are not empty and contain no `/`.")
        return "/".join([self.path, quote(identifier, safe=""), *rest])

    def _list(self, part: Slice, **filters: Any) -> Page[Record]:
        given = {name: _text(value) for name, value in filters.items() if value is not None}
        answer = self._transport.request("GET", self.path, params={**part.params(), **given})
        return Page(cast("list[Record]", answer["items"]), int(answer["metadata"]["pagination"]["total"]))

    def get(self, identifier: str, *, fields: tuple[str, ...] = ()) -> Record:
        """Return one record, with ``fields`` only if some are given.

        Raises NotFound, and BadRequest for an unknown field.
        """
        params = Slice(fields=fields).params()
        return cast(Record, self._transport.request("GET", self._one(identifier), params=params))


class Blueprints(Collection["Blueprint"]):
    path = "/blueprints"

    def list(self, part: Slice = WHOLE) -> Page[Blueprint]:
        return self._list(part)

    def upload(
        self,
        identifier: str,
        archive: IO[bytes],
        *,
        main_file: str,
        visibility: str = "tenant",
        labels: Sequence[Mapping[str, str]] = (),
        background: bool = False,
    ) -> Blueprint:
        """Upload an archive (zip, tar, tar.gz or tar.bz2) as a blueprint.

        ``main_file`` is the path of its YAML file below the archive's folder; ``visibility`` is ``private``,
        ``tenant`` or ``global``; ``labels`` are one dictionary of key and value each. Returns the blueprint,
        parsed unless ``background``. Raises InvalidBlueprint with the problems of its text, and Conflict if
        the ID is taken.
        """
        pairs = [{"key": key, "value": value} for label in labels for key, value in label.items()]
        details = {"visibility": visibility, "async_upload": background, "labels": pairs}
        return cast("Blueprint", self._put(self._one(identifier), archive, main_file, details))

    def validate(self, identifier: str, archive: IO[bytes], *, main_file: str) -> Sequence[Problem]:
        """Parse an archive without storing it, and return the warnings of its text.

        Raises InvalidBlueprint with the problems of its text.
        """
        details = {"visibility": "tenant"}
        answer = self._put(
            self._one(identifier, "validate"), archive, main_file, details, params={"warnings": "true"}
        )
        return cast("Sequence[Problem]", (answer or {}).get("warnings") or ())

    def _put(
        self,
        path: str,
        archive: IO[bytes],
        main_file: str,
        details: dict[str, Any],
        params: Mapping[str, str] | None = None,
    ) -> Any:
        details = {**details, "application_file_name": quote(main_file)}
        return self._transport.request(
            "PUT",
            path,
            params=params,
            form={"params": json.dumps(details)},
            files={"blueprint_archive": ("blueprint", archive, "application/octet-stream")},
            timeout=UPLOAD_TIMEOUT,
        )

    def delete(self, identifier: str, *, force: bool = False) -> None:
        """Delete a blueprint; ``force`` also if other blueprints import it.

        Raises NotFound, and IllegalAction if deployments use it.
        """
        self._transport.request("DELETE", self._one(identifier), params={"force": _text(force)})

    def download(self, identifier: str, into: IO[bytes]) -> int:
        """Write the uploaded archive to a file, and return its size in bytes. Raises NotFound."""
        return self._transport.download(self._one(identifier, "archive"), into)


class Plugins(Collection["Plugin"]):
    path = "/plugins"

    def list(self, part: Slice = WHOLE) -> Page[Plugin]:
        return self._list(part)

    def upload(self, archive: IO[bytes], *, title: str | None = None, visibility: str = "tenant") -> Plugin:
        """Upload an archive of a ``plugin.yaml`` and its code: a wagon, a wheel or a Python project.

        Returns the plugin. Raises BadRequest for an archive that is none, and Conflict if this version of the
        plugin exists already.
        """
        params = {"visibility": visibility} | ({} if title is None else {"title": title})
        answer = self._transport.request(
            "POST", self.path, params=params, content=archive, timeout=UPLOAD_TIMEOUT
        )
        return cast("Plugin", answer)

    def delete(self, identifier: str, *, force: bool = False) -> None:
        """Delete a plugin; ``force`` also if deployments need it.

        Raises NotFound, and IllegalAction if deployments need it.
        """
        self._transport.request("DELETE", self._one(identifier), params={"force": _text(force)})

    def download(self, identifier: str, into: IO[bytes]) -> int:
        """Write the uploaded archive to a file, and return its size in bytes. Raises NotFound."""
        return self._transport.download(self._one(identifier, "archive"), into)


class Deployments(Collection["Deployment"]):
    path = "/deployments"

    def list(
        self, part: Slice = WHOLE, *, blueprint_id: str | None = None, search_name: str | None = None
    ) -> Page[Deployment]:
        return self._list(part, blueprint_id=blueprint_id, _search_name=search_name)

    def create(
        self,
        identifier: str,
        *,
        blueprint_id: str,
        inputs: Mapping[str, Any] | None = None,
        display_name: str | None = None,
        visibility: str = "tenant",
        labels: Sequence[Mapping[str, str]] = (),
        site_name: str | None = None,
        runtime_only_evaluation: bool = False,
        skip_plugins_validation: bool = False,
        auto_correct_types: bool = False,
    ) -> Deployment:
        """Create a deployment of a blueprint, and return it. It exists when this returns.

        ``inputs`` are the values of the blueprint's inputs by name; ``auto_correct_types`` accepts text for
        inputs that are declared as numbers or booleans; ``runtime_only_evaluation`` evaluates functions only
        when an operation runs. Raises BadInputs, NotFound for the blueprint, and Conflict if the ID is taken.
        """
        body: dict[str, Any] = {
            "blueprint_id": blueprint_id,
            "inputs": dict(inputs or {}),
            "visibility": visibility,
            "runtime_only_evaluation": runtime_only_evaluation,
            "skip_plugins_validation": skip_plugins_validation,
            "auto_correct_types": auto_correct_types,
        }
        if display_name is not None:
            body["display_name"] = display_name
        if labels:
            body["labels"] = [dict(label) for label in labels]
        if site_name is not None:
            body["site_name"] = site_name
        return cast("Deployment", self._transport.request("PUT", self._one(identifier), json=body))

    def delete(
        self, identifier: str, *, force: bool = False, with_logs: bool = False, recursive: bool = False
    ) -> None:
        """Delete a deployment; ``force`` also if node instances are live.

        Raises NotFound, and IllegalAction if node instances are live or an execution has not ended.
        """
        params = {"force": _text(force), "delete_logs": _text(with_logs), "recursive": _text(recursive)}
        self._transport.request("DELETE", self._one(identifier), params=params)

    def outputs(self, identifier: str) -> dict[str, Any]:
        """Return the values of the outputs by name, evaluated now. Raises NotFound."""
        answer = self._transport.request("GET", self._one(identifier, "outputs"))
        return cast("dict[str, Any]", answer["outputs"])

    def capabilities(self, identifier: str) -> dict[str, Any]:
        """Return the values of the capabilities by name, evaluated now. Raises NotFound."""
        answer = self._transport.request("GET", self._one(identifier, "capabilities"))
        return cast("dict[str, Any]", answer["capabilities"])


class Executions(Collection["Execution"]):
    path = "/executions"

    def list(
        self, part: Slice = WHOLE, *, deployment_id: str | None = None, include_system_workflows: bool = False
    ) -> Page[Execution]:
        system = include_system_workflows or None
        return self._list(part, deployment_id=deployment_id, _include_system_workflows=system)

    def start(
        self,
        workflow_id: str,
        deployment_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        allow_custom_parameters: bool = False,
        force: bool = False,
        dry_run: bool = False,
        queue: bool = False,
        scheduled_time: str | None = None,
        wait_after_fail: int | None = None,
        timeout: float | None = None,
    ) -> Execution:
        """Start a workflow of a deployment, and return the execution when it is stored.

        ``queue`` waits for another execution of the deployment to end, ``force`` runs beside it;
        ``scheduled_time`` is ISO 8601; ``wait_after_fail`` is for how many seconds running operations are
        awaited after one has failed (600); ``timeout`` for how many it may run before it is cancelled. Raises
        NoSuchWorkflow, BadParameters, NotFound for the deployment, and ExecutionRunning unless ``queue`` or
        ``force``.
        """
        body: dict[str, Any] = {
            "workflow_id": workflow_id,
            "deployment_id": deployment_id,
            "parameters": dict(parameters or {}),
            "allow_custom_parameters": allow_custom_parameters,
            "force": force,
            "dry_run": dry_run,
            "queue": queue,
        }
        if scheduled_time is not None:
            body["scheduled_time"] = scheduled_time
        if wait_after_fail is not None:
            body["wait_after_fail"] = wait_after_fail
        if timeout is not None:
            body["timeout"] = timeout
        return cast("Execution", self._transport.request("POST", self.path, json=body))

    def cancel(self, identifier: str, action: str = "cancel", *, grace: float | None = None) -> Execution:
        """Request a cancellation, and return the execution when the request is stored.

        ``action`` is ``cancel``, ``force-cancel`` or ``kill``; ``grace`` is the number of seconds after which
        a ``cancel`` becomes a ``force-cancel`` by itself. Raises NotFound, and IllegalAction if the execution
        has ended, or if as much was requested before.
        """
        body: dict[str, Any] = {"action": action}
        if grace is not None:
            body["grace"] = grace
        return cast("Execution", self._transport.request("POST", self._one(identifier), json=body))

    def resume(self, identifier: str, *, reset_operations: bool = False) -> Execution:
        """Resume a failed or cancelled execution, and return it.

        ``reset_operations`` runs operations again whose outcome is unknown. Raises NotFound, and
        IllegalAction if the execution has not ended, or succeeded.
        """
        body = {"action": "force-resume" if reset_operations else "resume"}
        return cast("Execution", self._transport.request("POST", self._one(identifier), json=body))


class Operations(Collection["Operation"]):
    path = "/operations"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        execution_id: str | None = None,
        graph_id: str | None = None,
        state: str | None = None,
        skip_internal: bool = True,
    ) -> Page[Operation]:
        return self._list(
            part,
            execution_id=execution_id,
            graph_id=graph_id,
            state=state,
            skip_internal=skip_internal or None,
        )


class Events(Collection["Event"]):
    path = "/events"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        execution_id: str | None = None,
        include_logs: bool = True,
        since: str | None = None,
        until: str | None = None,
        **filters: str | None,
    ) -> Page[Event]:
        """Return a page of events and, with ``include_logs``, log lines, in the order of storing.

        ``since`` and ``until`` are ISO 8601 times; ``filters`` are fields such as ``operation``.
        """
        return self._list(
            part,
            execution_id=execution_id,
            type=_types(include_logs),
            _range=f"@timestamp,{since or ''},{until or ''}" if since or until else None,
            **filters,
        )

    def stream(
        self, execution_id: str, *, after: int = 0, include_logs: bool = True
    ) -> Iterator[Event | Execution]:
        """Yield the events of an execution after the one with the ID ``after``, as they happen.

        The execution itself is yielded first, and whenever its status has changed; ``is_execution`` is
        true of it, and false of events. Ends when the execution has ended and everything was sent, or when
        the manager shuts down. Raises NotFound, and ConnectionFailed if the connection broke: call again
        with the last event's ID.
        """
        params = {"execution_id": execution_id, "after": str(after), "include_logs": _text(include_logs)}
        with self._transport.messages(f"{self.path}/stream", params=params) as messages:
            for message in messages:
                if message.kind == "status":
                    yield cast("Execution", message.data)
                elif message.kind == "event":
                    yield cast("Event", message.data)


class Nodes(Collection["Node"]):
    path = "/nodes"

    def list(
        self,
        part: Slice = WHOLE,
        *,
        deployment_id: str | None = None,
        node_id: str | None = None,
        evaluate_functions: bool = False,
    ) -> Page[Node]:
        return self._list(
            part,
            deployment_id=deployment_id,
            id=node_id,
            _evaluate_functions=evaluate_functions or None,
        )


class NodeInstances(Collection["NodeInstance"]):
    path = "/node-instances"

    def list(
        self, part: Slice = WHOLE, *, deployment_id: str | None = None, node_id: str | None = None
    ) -> Page[NodeInstance]:
        return self._list(part, deployment_id=deployment_id, node_id=node_id)


class Tokens(Collection["Token"]):
    path = "/tokens"

    def list(self, part: Slice = WHOLE) -> Page[Token]:
        return self._list(part)

    def create(self, *, description: str | None = None, expiration: str | None = None) -> Token:
        """Create a token of the current user, and return it. Only this response contains its ``value``.

        ``expiration`` is a time in UTC, or relative: ``+10h``; None means never. Raises BadRequest.
        """
        body = {"description": description, "expiration_date": expiration}
        given = {name: value for name, value in body.items() if value}
        return cast("Token", self._transport.request("POST", self.path, json=given))

    def delete(self, identifier: str) -> None:
        self._transport.request("DELETE", self._one(identifier))


def _types(include_logs: bool) -> list[str]:
    return ["cloudify_event", "cloudify_log"] if include_logs else ["cloudify_event"]


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value

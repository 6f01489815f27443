"""What can be asked of a manager, one class per noun of the REST API."""

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
#: Seconds; the manager answers an upload when it has read and checked the whole blueprint.
UPLOAD_TIMEOUT = 600.0


class Collection(Generic[Record]):
    """What every noun has: a list, and single records by their id."""

    path: str

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _one(self, identifier: str, *rest: str) -> str:
        if "/" in identifier or identifier in ("", ".", ".."):
            # Where it stood in an address it would name something else.
            raise ClientError(f"`{identifier}` cannot be an id: ids are not empty and hold no `/`.")
        return "/".join([self.path, quote(identifier, safe=""), *rest])

    def _list(self, part: Slice, **filters: Any) -> Page[Record]:
        given = {name: _text(value) for name, value in filters.items() if value is not None}
        answer = self._transport.request("GET", self.path, params={**part.params(), **given})
        return Page(cast("list[Record]", answer["items"]), int(answer["metadata"]["pagination"]["total"]))

    def get(self, identifier: str, *, fields: tuple[str, ...] = ()) -> Record:
        """Raises NotFound."""
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
        """Store an archive as a blueprint; unless ``background``, answers when it is ready to use.

        Raises InvalidBlueprint with the problems of its text, Conflict where the id is taken.
        """
        pairs = [{"key": key, "value": value} for label in labels for key, value in label.items()]
        details = {"visibility": visibility, "async_upload": background, "labels": pairs}
        return cast("Blueprint", self._put(self._one(identifier), archive, main_file, details))

    def validate(self, identifier: str, archive: IO[bytes], *, main_file: str) -> Sequence[Problem]:
        """Check an archive without keeping it, and answer its warnings.

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
        """Raises NotFound, IllegalAction where deployments use it."""
        self._transport.request("DELETE", self._one(identifier), params={"force": _text(force)})

    def download(self, identifier: str, into: IO[bytes]) -> int:
        """Write the archive as it was uploaded; answers its size in bytes."""
        return self._transport.download(self._one(identifier, "archive"), into)


class Plugins(Collection["Plugin"]):
    path = "/plugins"

    def list(self, part: Slice = WHOLE) -> Page[Plugin]:
        return self._list(part)

    def upload(self, archive: IO[bytes], *, title: str | None = None, visibility: str = "tenant") -> Plugin:
        """Store an archive of a `plugin.yaml` and its code.

        Raises BadRequest, and Conflict where this version of the plugin is there already.
        """
        params = {"visibility": visibility} | ({} if title is None else {"title": title})
        answer = self._transport.request(
            "POST", self.path, params=params, content=archive, timeout=UPLOAD_TIMEOUT
        )
        return cast("Plugin", answer)

    def delete(self, identifier: str, *, force: bool = False) -> None:
        """Raises NotFound, IllegalAction where deployments need it."""
        self._transport.request("DELETE", self._one(identifier), params={"force": _text(force)})

    def download(self, identifier: str, into: IO[bytes]) -> int:
        """Write the archive as it was uploaded; answers its size in bytes."""
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
        """``auto_correct_types`` takes text in ``inputs`` for the numbers and booleans that are declared.

        Raises BadInputs, NotFound for the blueprint, Conflict where the id is taken."""
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
        """Raises NotFound, IllegalAction where node instances live or other deployments need it."""
        params = {"force": _text(force), "delete_logs": _text(with_logs), "recursive": _text(recursive)}
        self._transport.request("DELETE", self._one(identifier), params=params)

    def outputs(self, identifier: str) -> dict[str, Any]:
        """The values of the outputs by name, evaluated now."""
        answer = self._transport.request("GET", self._one(identifier, "outputs"))
        return cast("dict[str, Any]", answer["outputs"])

    def capabilities(self, identifier: str) -> dict[str, Any]:
        """The values of the capabilities by name, evaluated now."""
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
    ) -> Execution:
        """Raises NoSuchWorkflow, BadParameters, and ExecutionRunning unless ``queue`` or ``force``."""
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
        return cast("Execution", self._transport.request("POST", self.path, json=body))

    def cancel(self, identifier: str, action: str = "cancel", *, grace: float | None = None) -> Execution:
        """Store a request; ``action`` is ``cancel``, ``force-cancel`` or ``kill``.

        ``grace`` is the number of seconds after which a ``cancel`` becomes a ``force-cancel`` by itself.
        Raises IllegalAction where the request asks for nothing new.
        """
        body: dict[str, Any] = {"action": action}
        if grace is not None:
            body["grace"] = grace
        return cast("Execution", self._transport.request("POST", self._one(identifier), json=body))

    def resume(self, identifier: str, *, reset_operations: bool = False) -> Execution:
        """Raises IllegalAction where it is not over, or ended well."""
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
        """``since`` and ``until`` are ISO 8601 times; ``filters`` are fields such as ``operation``."""
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
        """The events of an execution behind the one with the id ``after``, as they happen.

        Among them comes the execution: first of all, and whenever its status has changed. Ends
        when it is over and everything was sent, or when the manager shuts down. Raises ConnectionFailed where
        the connection broke: go on behind the last event.
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
        """``expiration`` is a time in UTC, or relative: ``+10h``. Only this answer has the token's value."""
        body = {"description": description, "expiration_date": expiration}
        given = {name: value for name, value in body.items() if value}
        return cast("Token", self._transport.request("POST", self.path, json=given))

    def delete(self, identifier: str) -> None:
        self._transport.request("DELETE", self._one(identifier))


def _types(include_logs: bool) -> list[str]:
    return ["cloudify_event", "cloudify_log"] if include_logs else ["cloudify_event"]


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value

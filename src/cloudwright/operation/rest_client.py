"""The manager's REST API, asked through the supervisor, with the rights of the execution's user.

The names are those of Cloudify's client, so that plugins find what they call: ``client.secrets.get(key)``.
Every resource can be listed, got, created, updated and deleted; what has verbs of its own is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cloudwright.child.errors import RequestRefused

Call = Callable[..., Any]


class Record(dict[str, Any]):
    """What the API answered, by key or by attribute; a key that is not there is None as an attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)


class Records:
    """One page of a list."""

    def __init__(self, items: list[Record], metadata: Record) -> None:
        self.items = items
        self.metadata = metadata

    def __iter__(self) -> Iterator[Record]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Record:
        return self.items[index]

    def one(self) -> Record:
        """Return its only item. Raises RequestRefused if there is none, or more than one."""
        if len(self.items) != 1:
            raise RequestRefused(f"Expected exactly one item, found {len(self.items)}.", status_code=404)
        return self.items[0]


class Resource:
    """``path`` is the resource's path below `/api/v3.1/`; ``request`` asks for it."""

    def __init__(self, request: Callable[..., Any], path: str) -> None:
        self._request = request
        self._path = path

    def list(
        self,
        _include: Sequence[str] | None = None,
        sort: str | None = None,
        is_descending: bool = False,
        **filters: Any,
    ) -> Records:
        """Return one page; ``filters`` are the API's query parameters, such as ``_size`` and ``_offset``."""
        params = dict(filters)
        if sort:
            params["_sort"] = f"-{sort}" if is_descending else sort
        answer = self._request("GET", self._path, params | _included(_include))
        items = [Record(item) for item in answer.get("items") or ()]
        return Records(items, Record(answer.get("metadata") or {}))

    def get(self, id: str, _include: Sequence[str] | None = None, **params: Any) -> Record:
        """Raises RequestRefused with status code 404 if there is none."""
        return Record(self._request("GET", f"{self._path}/{id}", params | _included(_include)))

    def create(self, id: str, **body: Any) -> Record:
        return Record(self._request("PUT", f"{self._path}/{id}", {}, body))

    def update(self, id: str, **body: Any) -> Record:
        return Record(self._request("PATCH", f"{self._path}/{id}", {}, body))

    def delete(self, id: str, **params: Any) -> None:
        self._request("DELETE", f"{self._path}/{id}", params)


class Nodes(Resource):
    def get(  # type: ignore[override]
        self, deployment_id: str, node_id: str, _include: Sequence[str] | None = None, **params: Any
    ) -> Record:
        return self.list(_include, deployment_id=deployment_id, id=node_id, **params).one()


class NodeInstances(Resource):
    def update(  # type: ignore[override]
        self,
        node_instance_id: str,
        state: str | None = None,
        runtime_properties: dict[str, Any] | None = None,
        version: int | None = None,
        **body: Any,
    ) -> Record:
        given = {"state": state, "runtime_properties": runtime_properties, "version": version or 0} | body
        wanted = {key: value for key, value in given.items() if value is not None}
        return Record(self._request("PATCH", f"{self._path}/{node_instance_id}", {}, wanted))


class Deployments(Resource):
    def __init__(self, request: Callable[..., Any], path: str) -> None:
        super().__init__(request, path)
        self.outputs = _Part(request, path, "outputs")
        self.capabilities = _Part(request, path, "capabilities")

    def create(  # type: ignore[override]
        self, blueprint_id: str, deployment_id: str, inputs: dict[str, Any] | None = None, **body: Any
    ) -> Record:
        return super().create(deployment_id, blueprint_id=blueprint_id, inputs=inputs or {}, **body)

    def update_labels(self, deployment_id: str, labels: list[dict[str, str]]) -> Record:
        return self.update(deployment_id, labels=labels)


class Executions(Resource):
    def start(
        self, deployment_id: str, workflow_id: str, parameters: dict[str, Any] | None = None, **body: Any
    ) -> Record:
        asked = {
            "deployment_id": deployment_id,
            "workflow_id": workflow_id,
            "parameters": parameters or {},
        } | body
        return Record(self._request("POST", self._path, {}, asked))

    def cancel(self, execution_id: str, force: bool = False, kill: bool = False) -> Record:
        action = "kill" if kill else "force-cancel" if force else "cancel"
        return Record(self._request("POST", f"{self._path}/{execution_id}", {}, {"action": action}))

    def resume(self, execution_id: str, force: bool = False) -> Record:
        action = "force-resume" if force else "resume"
        return Record(self._request("POST", f"{self._path}/{execution_id}", {}, {"action": action}))


class Secrets(Resource):
    def create(self, key: str, value: str, **body: Any) -> Record:  # type: ignore[override]
        return super().create(key, value=value, **body)

    def update(self, key: str, value: str | None = None, **body: Any) -> Record:  # type: ignore[override]
        return super().update(key, **(body if value is None else body | {"value": value}))


class Evaluate:
    def __init__(self, request: Callable[..., Any]) -> None:
        self._request = request

    def functions(self, deployment_id: str, context: dict[str, Any], payload: Any) -> Record:
        """Intrinsic functions in ``payload``, evaluated as things are now; ``context`` says what SELF is."""
        body = {"deployment_id": deployment_id, "context": context, "payload": payload}
        return Record(self._request("POST", "evaluate/functions", {}, body))


class Manager:
    def __init__(self, request: Callable[..., Any]) -> None:
        self._request = request

    def get_version(self) -> Record:
        return Record(self._request("GET", "version", {}))

    def get_status(self) -> Record:
        return Record(self._request("GET", "status", {}))


class _Part:
    def __init__(self, request: Callable[..., Any], path: str, name: str) -> None:
        self._request, self._path, self._name = request, path, name

    def get(self, deployment_id: str) -> Record:
        return Record(self._request("GET", f"{self._path}/{deployment_id}/{self._name}", {}))


class RestClient:
    """``call`` asks the supervisor (HostConnection.call)."""

    def __init__(
        self, call: Call, refused: Callable[[RequestRefused], Exception] = lambda error: error
    ) -> None:
        self._call = call
        self._refused = refused
        self.agents = Resource(self._request, "agents")
        self.blueprints = Resource(self._request, "blueprints")
        self.deployment_groups = Resource(self._request, "deployment-groups")
        self.deployments = Deployments(self._request, "deployments")
        self.evaluate = Evaluate(self._request)
        self.events = Resource(self._request, "events")
        self.execution_groups = Resource(self._request, "execution-groups")
        self.executions = Executions(self._request, "executions")
        self.manager = Manager(self._request)
        self.node_instances = NodeInstances(self._request, "node-instances")
        self.nodes = Nodes(self._request, "nodes")
        self.operations = Resource(self._request, "operations")
        self.plugins = Resource(self._request, "plugins")
        self.secrets = Secrets(self._request, "secrets")
        self.sites = Resource(self._request, "sites")
        self.tenants = Resource(self._request, "tenants")

    def _request(self, method: str, path: str, params: dict[str, Any], body: Any = None) -> Any:
        """Raises RequestRefused, or what ``refused`` makes of it."""
        try:
            answer = self._call("rest", method=method, path=f"/{path}", params=params, body=body)
            status, content = int(answer["status"]), answer.get("body")
            if status >= 400:
                said = content if isinstance(content, dict) else {}
                raise RequestRefused(
                    str(said.get("message") or content), status_code=status, error_code=said.get("error_code")
                )
        except RequestRefused as error:
            raise self._refused(error) from None
        return content if isinstance(content, dict) else {}


def _included(fields: Sequence[str] | None) -> dict[str, str]:
    return {"_include": ",".join(fields)} if fields else {}

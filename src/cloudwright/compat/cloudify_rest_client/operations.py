"""``cloudify_rest_client.operations``."""

from __future__ import annotations

from cloudwright.child.rest import Record
from cloudwright.compat.cloudify_rest_client._resource import Resource, request


class Operation(Record):
    @property
    def parameters(self):
        return self.get("parameters") or {}

    @property
    def info(self):
        return self.parameters.get("info")

    @property
    def containing_subgraph(self):
        return self.parameters.get("containing_subgraph")


class TasksGraph(Record):
    @property
    def execution(self):
        return self.get("execution_id")


class OperationsClient(Resource):
    @request("PUT /operations/{operation_id}", Operation)
    def create(self, operation_id, graph_id, name, type, parameters, dependencies): ...

    @request("DELETE /operations/{operation_id}")
    def delete(self, operation_id): ...

    @request("GET /operations/{operation_id}", Operation)
    def get(self, operation_id): ...

    def list(
        self,
        graph_id=None,
        _offset=None,
        _size=None,
        execution_id=None,
        state=None,
        skip_internal=False,
        _include=None,
    ):
        """Raises RuntimeError for a graph and an execution at once."""
        if graph_id and execution_id:
            raise RuntimeError("Operations are those of a graph or of an execution, not of both.")
        params = {
            "graph_id": graph_id,
            "execution_id": execution_id,
            "state": state,
            "_offset": _offset,
            "_size": _size,
            "skip_internal": skip_internal or None,
        }
        params = {key: value for key, value in params.items() if value is not None}
        return self.filtered("/operations", "", Operation, params, _include=_include)

    @request(
        "PATCH /operations/{operation_id}",
        always=("result", "exception", "exception_causes", "manager_name", "agent_name"),
    )
    def update(
        self,
        operation_id,
        state,
        result=None,
        exception=None,
        exception_causes=None,
        manager_name=None,
        agent_name=None,
    ): ...


class TasksGraphClient(Resource):
    @request("POST /tasks_graphs/tasks_graphs", TasksGraph, always=("operations",))
    def create(self, execution_id, name, operations=None, created_at=None, graph_id=None): ...

    @request("GET /tasks_graphs", [TasksGraph])
    def list(self, execution_id, name=None, _include=None): ...

    @request("PATCH /tasks_graphs/{tasks_graph_id}", TasksGraph)
    def update(self, tasks_graph_id, state): ...

"""Whether what an input or a parameter names exists: blueprints, deployments, secrets, and what is in a
deployment.

An input of type ``deployment_id`` and the like is refused if there is no such thing, or none that fulfils
the input's constraints. What is in a deployment (``node_id`` ...) is looked for in the one that the
constraint ``deployment_id`` names, or else in the blueprint that the new deployment is made of; for a
parameter of a workflow, in the deployment that the workflow is of. What is private to others does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cloudwright.dsl import Plan
from cloudwright.errors import InvalidInput, NotFound
from cloudwright.manager.evaluation_scope import stored_scope
from cloudwright.manager.secrets import SecretReader
from cloudwright.model.filter_rules import ATTRIBUTES, FilterRule, parse_rules
from cloudwright.planning import evaluate
from cloudwright.storage import blueprints, deployments, instances, secrets
from cloudwright.storage.filters import BlueprintFilter, DeploymentFilter, SecretFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Deployment
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.stored_filters import FILTERS
from cloudwright.storage.visibility import Scope

_PATTERNS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda name, part: part in name,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "equals_to": str.__eq__,
}
#: What is in a deployment.
_OF_DEPLOYMENTS = frozenset(
    {"capability_value", "node_id", "node_instance", "node_type", "operation_name", "scaling_group"}
)


class InputReferences:
    """A ``planning.inputs.Lookup`` for new deployments of ``plan`` in ``tenant``, or for workflows of the
    deployment ``own``; to be called in a thread.
    """

    def __init__(
        self,
        store: Store,
        tenant: str,
        plan: Plan | None,
        read_secrets: Callable[[Connection], SecretReader],
        *,
        own: str | None = None,
    ) -> None:
        self._store = store
        self._tenant = tenant
        self._plan = plan
        self._own = own
        self._read_secrets = read_secrets

    def __call__(self, type_name: str, value: Any, constraints: Mapping[str, Any]) -> bool:
        """Raises InvalidInput if a constraint asks for what cannot be answered."""
        if self._own is not None and type_name in _OF_DEPLOYMENTS:
            constraints = {"deployment_id": self._own, **constraints}
        return self._store.read_sync(self._exists, type_name, value, constraints)

    def _exists(self, conn: Connection, type_name: str, value: Any, constraints: Mapping[str, Any]) -> bool:
        _check_name_pattern(constraints.get("name_pattern") or {})
        if type_name == "capability_value":
            return any(found == value for found in self._capabilities(conn, constraints))
        if not isinstance(value, str):
            return False
        if type_name == "secret_key":
            _, found = secrets.list_secrets(conn, SecretFilter(self._scope(conn), [value]), EVERYTHING)
            return found > 0 and _fits(value, constraints)
        if type_name == "blueprint_id":
            return self._blueprint(conn, value, constraints)
        if type_name == "deployment_id":
            return self._deployment(conn, value, constraints)
        if type_name == "node_type":
            return self._node_type(conn, value, constraints)
        return value in self._inside(conn, type_name, constraints) and _fits(value, constraints)

    def _capabilities(self, conn: Connection, constraints: Mapping[str, Any]) -> Iterator[Any]:
        """The values of a deployment's capabilities whose names fit. Raises EvaluationError."""
        owner = self._of(conn, constraints["deployment_id"])
        if owner is None:
            return
        scope = stored_scope(conn, owner, self._read_secrets(conn))
        for name, definition in owner.capabilities.items():
            if _fits(name, {key: item for key, item in constraints.items() if key != "valid_values"}):
                value = evaluate(definition["value"], scope, path=f"capabilities.{name}")
                if "valid_values" not in constraints or value in constraints["valid_values"]:
                    yield value

    def _scope(self, conn: Connection) -> Scope:
        return self._read_secrets(conn).viewer.scope(self._tenant)

    def _of(self, conn: Connection, id: str) -> Deployment | None:
        """Return a deployment of the tenant; None if there is none, or it is private to somebody else."""
        try:
            found = deployments.get(conn, self._tenant, id)
        except NotFound:
            return None
        return found if self._read_secrets(conn).viewer.sees(found) else None

    def _blueprint(self, conn: Connection, id: str, constraints: Mapping[str, Any]) -> bool:
        rules = self._stored_rules(conn, "blueprints", constraints)
        wanted = BlueprintFilter(self._scope(conn), ids=[id], rules=rules)
        rows, _ = blueprints.list_blueprints(conn, wanted, EVERYTHING)
        return any(_owned(row.tenant, row.labels, constraints) and _fits(id, constraints) for row in rows)

    def _deployment(self, conn: Connection, id: str, constraints: Mapping[str, Any]) -> bool:
        rules = self._stored_rules(conn, "deployments", constraints)
        wanted = DeploymentFilter(self._scope(conn), ids=[id], rules=rules)
        rows, _ = deployments.list_deployments(conn, wanted, EVERYTHING)
        return any(
            _owned(row.tenant, row.labels, constraints) and _fits(row.display_name, constraints)
            for row in rows
        )

    def _stored_rules(
        self, conn: Connection, resource: str, constraints: Mapping[str, Any]
    ) -> tuple[FilterRule, ...]:
        """Return the rules of the filter that constraints name, if they name one. Raises InvalidInput."""
        id = constraints.get("filter_id")
        if id is None:
            return ()
        try:
            found = FILTERS[resource].find(conn, self._tenant, str(id))
        except NotFound as error:
            raise InvalidInput(f"The constraint `filter_id` names no filter. {error}") from None
        return parse_rules(found.rules, ATTRIBUTES[resource], labels=True)

    def _node_type(self, conn: Connection, name: str, constraints: Mapping[str, Any]) -> bool:
        """Return whether a node has the type; of valid types it may be one, or derived from one.

        Workflows take types that their nodes' types derive from as well.
        """
        pattern = {key: item for key, item in constraints.items() if key != "valid_values"}
        return _fits(name, pattern) and any(
            (node["type"] == name or (self._own is not None and name in node["type_hierarchy"]))
            and (
                "valid_values" not in constraints
                or any(kind in constraints["valid_values"] for kind in node["type_hierarchy"])
            )
            for node in self._nodes(conn, constraints.get("deployment_id"))
        )

    def _nodes(self, conn: Connection, owner: str | None) -> Iterable[Mapping[str, Any]]:
        if owner is None:
            return self._plan.nodes if self._plan is not None else ()
        if self._of(conn, owner) is None:
            return ()
        return [row.node for row in deployments.nodes(conn, self._tenant, owner)]

    def _inside(self, conn: Connection, type_name: str, constraints: Mapping[str, Any]) -> Iterable[str]:
        """What a deployment, or else the blueprint, has of the type."""
        owner = constraints.get("deployment_id")
        if owner is None:
            groups = self._plan.section("scaling_groups") if self._plan is not None else None
            return _named(type_name, self._nodes(conn, None), groups or {})
        deployment = self._of(conn, owner)
        if deployment is None:
            return ()
        if type_name == "node_instance":
            return [instance.id for instance in instances.node_instances(conn, self._tenant, owner)]
        return _named(type_name, self._nodes(conn, owner), deployment.scaling_groups)


def _named(type_name: str, nodes: Iterable[Mapping[str, Any]], groups: Mapping[str, Any]) -> Iterable[str]:
    match type_name:
        case "node_id":
            return {node["id"] for node in nodes}
        case "scaling_group":
            return groups
        case "operation_name":
            return {name for node in nodes for name in node["operations"]}
    raise AssertionError(f"nothing in a deployment is a {type_name}")


def _fits(name: str, constraints: Mapping[str, Any]) -> bool:
    """Return whether a name fulfils what constraints say of names."""
    pattern = constraints.get("name_pattern") or {}
    return all(_PATTERNS[how](name, str(part)) for how, part in pattern.items()) and (
        "valid_values" not in constraints or name in constraints["valid_values"]
    )


def _check_name_pattern(pattern: Mapping[str, Any]) -> None:
    for how in pattern:
        if how not in _PATTERNS:
            raise InvalidInput(
                f"The constraint `name_pattern` has no `{how}`; it has: {', '.join(sorted(_PATTERNS))}."
            )


def _owned(tenant: str, labels: Iterable[Mapping[str, Any]], constraints: Mapping[str, Any]) -> bool:
    """Return whether what belongs to ``tenant`` and has these labels is what the constraints ask for."""
    if "tenants" in constraints and tenant not in constraints["tenants"]:
        return False
    there = {(label["key"], label["value"]) for label in labels}
    for wanted in constraints.get("labels") or ():
        for key, values in wanted.items() if isinstance(wanted, Mapping) else ():
            choice = values if isinstance(values, list) else [values]
            if not any((str(key).lower(), str(value)) in there for value in choice):
                return False
    return True

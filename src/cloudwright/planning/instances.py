"""Makes the node instances of a deployment out of its nodes.

Instances are made along containment: each instance of a node or of a scaling group holds as many instances of
what is contained in it as that says. Everything else, ``connected_to`` and ``depends_on``, connects instances
that exist: ``all_to_all`` each with each, ``all_to_one`` with the first; and if source and target are in
the same scaling group, only those that are in the same instance of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudwright.dsl.gc_pause import gc_paused
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.node_types import CONNECTED_TO, CONTAINED_IN, DEPENDS_ON
from cloudwright.errors import InvalidInput
from cloudwright.model.topology import NodeInstance, RelationshipInstance

ALL_TO_ALL, ALL_TO_ONE = "all_to_all", "all_to_one"
_CONNECTING = frozenset({DEPENDS_ON, CONNECTED_TO, CONTAINED_IN})


@dataclass(slots=True)
class Entity:
    """A node or a scaling group, as far as containment and numbers go. ``container`` is what it is in, node
    or group; ``children`` what is in it."""

    name: str
    count: int
    is_group: bool
    container: str | None = None
    children: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Member:
    """An instance of a node or of a scaling group, and what it is in."""

    id: str
    entity: Entity
    parent: Member | None
    instance: NodeInstance | None = None


def create_instances(
    nodes: Sequence[Mapping[str, Any]],
    scaling_groups: Mapping[str, Mapping[str, Any]],
    *,
    deployment_id: str,
    new_id: Callable[[str], str],
    existing: Iterable[str] = (),
    limits: Limits | None = None,
) -> list[NodeInstance]:
    """Return the node instances of a new deployment, in an order in which containers come first.

    ``nodes`` and ``scaling_groups`` are those of a ``DeploymentPlan``. ``new_id(name)`` returns an identifier
    such as ``vm_x7k2pq``; it is asked again while the answer is taken, by ``existing`` or within the result.
    Raises InvalidInput if there would be more instances than the limit, or a relationship cannot connect
    them.
    """
    with gc_paused():
        entities = build_entities(nodes, scaling_groups)
        check_size(entities, (limits or Limits()).instances)
        return _Maker(entities, nodes, deployment_id, new_id, set(existing)).make()


def build_entities(
    nodes: Sequence[Mapping[str, Any]], scaling_groups: Mapping[str, Mapping[str, Any]]
) -> dict[str, Entity]:
    """Nodes and scaling groups by name, and what is in what: a group takes its members' place in their
    container."""
    entities = {
        node["id"]: Entity(
            node["id"], _instances(node["capabilities"]["scalable"]["properties"]), is_group=False
        )
        for node in nodes
    }
    for name, group in scaling_groups.items():
        entities[name] = Entity(name, _instances(group["properties"]), is_group=True)
    for name, group in scaling_groups.items():
        for member in group["members"]:
            entities[member].container = name
    for node in nodes:
        container = contained_in(node)
        if container is None:
            continue
        outermost = entities[node["id"]]
        while outermost.container is not None and entities[outermost.container].is_group:
            outermost = entities[outermost.container]
        outermost.container = container
    for entity in entities.values():
        if entity.container is not None:
            entities[entity.container].children.append(entity.name)
    return entities


def contained_in(node: Mapping[str, Any]) -> str | None:
    for relationship in node["relationships"]:
        if CONTAINED_IN in relationship["type_hierarchy"]:
            return str(relationship["target_id"])
    return None


def container_of(instance: NodeInstance, node: Mapping[str, Any]) -> str | None:
    """Return the id of the instance that ``instance``, of this node, is contained in, or None."""
    name = contained_in(node)
    for entry in instance.relationships:
        if name is not None and entry["target_name"] == name:
            return entry["target_id"]
    return None


def _instances(properties: Mapping[str, Any]) -> int:
    return int(properties["current_instances"])


def check_size(entities: Mapping[str, Entity], limit: int) -> None:
    """The number of instances, counted without making them."""
    total = 0
    pending = [(entity, 1) for entity in entities.values() if entity.container is None]
    while pending:
        entity, times = pending.pop()
        count = times * entity.count
        if not entity.is_group:
            total += count
        if total > limit or count > limit:
            raise InvalidInput(
                f"The deployment would have more than {limit} node instances, which is the limit; "
                f"`{entity.name}` alone would have {count}."
            )
        pending.extend((entities[child], count) for child in entity.children if count)


class _Maker:
    def __init__(
        self,
        entities: dict[str, Entity],
        nodes: Sequence[Mapping[str, Any]],
        deployment_id: str,
        new_id: Callable[[str], str],
        taken: set[str],
    ) -> None:
        self._entities = entities
        self._nodes = {node["id"]: node for node in nodes}
        self._deployment_id = deployment_id
        self._new_id = new_id
        self._taken = taken
        self._members: dict[str, list[Member]] = {name: [] for name in entities}

    def make(self) -> list[NodeInstance]:
        made: list[NodeInstance] = []
        work: list[tuple[Entity, Member | None]] = [
            (entity, None) for entity in reversed(self._entities.values()) if entity.container is None
        ]
        while work:
            entity, parent = work.pop()
            inside: list[tuple[Entity, Member | None]] = []
            for _ in range(entity.count):
                member = self._member(entity, parent)
                if member.instance is not None:
                    made.append(member.instance)
                inside += [(self._entities[child], member) for child in entity.children]
            work += reversed(inside)
        connect(self._nodes.values(), self._members)
        return made

    def _member(self, entity: Entity, parent: Member | None) -> Member:
        members = self._members[entity.name]
        member = Member(fresh_id(entity.name, self._new_id, self._taken), entity, parent)
        if not entity.is_group:
            member.instance = NodeInstance(
                id=member.id,
                node_id=entity.name,
                deployment_id=self._deployment_id,
                host_id=host_of(member, self._nodes),
                index=len(members) + 1,
                scaling_groups=groups_of(member),
            )
        members.append(member)
        return member


def fresh_id(name: str, new_id: Callable[[str], str], taken: set[str]) -> str:
    """Return a new identifier, which is taken from now on. Raises InvalidInput if none is free."""
    for _ in range(1000):
        candidate = new_id(name)
        if candidate not in taken:
            taken.add(candidate)
            return candidate
    raise InvalidInput(f"No identifier is free for another instance of `{name}`.")


def host_of(member: Member, nodes: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the outermost instance around this one, itself included, whose node is a host."""
    host = None
    current: Member | None = member
    while current is not None:
        if not current.entity.is_group and nodes[current.entity.name].get("host_id") == current.entity.name:
            host = current.id
        current = current.parent
    return host


def groups_of(member: Member) -> list[dict[str, str]]:
    """Return the scaling group instances directly around an instance, the innermost first."""
    groups = []
    current = member.parent
    while current is not None and current.entity.is_group:
        groups.append({"name": current.entity.name, "id": current.id})
        current = current.parent
    return groups


def container_instance(member: Member) -> Member | None:
    """Return the node instance in which this one is, whatever groups lie between."""
    current = member.parent
    while current is not None and current.entity.is_group:
        current = current.parent
    return current


def connect(nodes: Iterable[Mapping[str, Any]], members: Mapping[str, list[Member]]) -> None:
    """Gives all instances their relationships, in the order of their nodes'."""
    for node in nodes:
        sources = members[node["id"]]
        for relationship in node["relationships"]:
            hierarchy = relationship["type_hierarchy"]
            if _CONNECTING.isdisjoint(hierarchy):
                raise InvalidInput(
                    f"`{node['id']}` has a relationship of type `{relationship['type']}`, which cannot "
                    f"connect instances: it is not derived from `{DEPENDS_ON}`."
                )
            if CONTAINED_IN in hierarchy:
                _contain(sources, relationship)
            else:
                _connect(node["id"], sources, members[relationship["target_id"]], relationship)


def _entry(relationship: Mapping[str, Any], target: Member) -> RelationshipInstance:
    return {"target_id": target.id, "target_name": relationship["target_id"], "type": relationship["type"]}


def _contain(sources: list[Member], relationship: Mapping[str, Any]) -> None:
    for source in sources:
        container = container_instance(source)
        if container is not None and source.instance is not None:
            source.instance.relationships.append(_entry(relationship, container))


def _connect(
    node: str, sources: list[Member], targets: list[Member], relationship: Mapping[str, Any]
) -> None:
    if not sources or not targets:
        return
    kind = (relationship.get("properties") or {}).get("connection_type")
    if kind not in (ALL_TO_ALL, ALL_TO_ONE):
        raise InvalidInput(
            f"The relationship of `{node}` with `{relationship['target_id']}` has the connection type "
            f"{kind!r}, and it can be `{ALL_TO_ALL}` or `{ALL_TO_ONE}`."
        )
    group = _shared_group(sources[0], targets[0])
    if group is None:
        chosen = targets if kind == ALL_TO_ALL else targets[:1]
        entries = [_entry(relationship, target) for target in chosen]
        for source in sources:
            if source.instance is not None:
                source.instance.relationships.extend(entry.copy() for entry in entries)
        return
    if kind == ALL_TO_ONE:
        raise InvalidInput(
            f"The relationship of `{node}` with `{relationship['target_id']}` is `{ALL_TO_ONE}`, which is "
            f"not possible inside of a scaling group: both are in `{group}`."
        )
    by_group: dict[str, list[Member]] = {}
    for target in targets:
        by_group.setdefault(_group_instance(target, group), []).append(target)
    for source in sources:
        if source.instance is not None:
            source.instance.relationships.extend(
                _entry(relationship, target) for target in by_group.get(_group_instance(source, group), ())
            )


def _around(member: Member) -> Iterable[Member]:
    current = member.parent
    while current is not None:
        yield current
        current = current.parent


def _shared_group(one: Member, other: Member) -> str | None:
    """Return the innermost scaling group that both are in, at any depth."""
    others = {member.entity.name for member in _around(other) if member.entity.is_group}
    return next((member.entity.name for member in _around(one) if member.entity.name in others), None)


def _group_instance(member: Member, group: str) -> str:
    return next(around.id for around in _around(member) if around.entity.name == group)

"""Changes the number of instances, or what there are instances of, in a deployment that exists.

What exists is put back into the tree of containment that it was made from; then each place in that tree gets
the number of instances that it should have. What stays keeps its identifier, and everything is connected
again, so that an instance that was added is connected like one that was there from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from cloudwright.dsl.limits import Limits
from cloudwright.errors import InvalidInput
from cloudwright.model.topology import NodeInstance, RelationshipInstance
from cloudwright.planning.instances import (
    Entity,
    Member,
    build_entities,
    check_size,
    connect,
    contained_in,
    container_of,
    fresh_id,
    groups_of,
    host_of,
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """How many instances of a node or a scaling group there are to be, in each instance of what it is
    contained in.

    Of what is removed, ``remove_first`` goes first, then ``doubtful``, and ``keep`` last; all are identifiers
    of instances, of the node itself, or of members of the group. ``doubtful`` says of each why it is.
    """

    instances: int
    remove_first: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()
    doubtful: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Modification:
    """What changes. ``extended`` and ``reduced`` are the relationships that instances which stay gain and
    lose.

    ``relationships`` has the whole new list for each of those, and ``counts`` how many instances there are
    now, by node or group, in each instance of what it is contained in. ``reasons`` says of instances that are
    added or removed why just they are.
    """

    added: list[NodeInstance] = field(default_factory=list)
    removed: list[NodeInstance] = field(default_factory=list)
    extended: dict[str, list[RelationshipInstance]] = field(default_factory=dict)
    reduced: dict[str, list[RelationshipInstance]] = field(default_factory=dict)
    relationships: dict[str, list[RelationshipInstance]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def scale(
    nodes: Sequence[Mapping[str, Any]],
    scaling_groups: Mapping[str, Mapping[str, Any]],
    instances: Sequence[NodeInstance],
    changes: Mapping[str, Scaling],
    *,
    deployment_id: str,
    new_id: Callable[[str], str],
    limits: Limits | None = None,
) -> Modification:
    """What changes if ``changes`` (by node or scaling group) are made. Raises InvalidInput.

    ``nodes`` and ``scaling_groups`` are the deployment's, with their current numbers of instances;
    ``instances`` all its instances, which are not changed.
    """
    entities = build_entities(nodes, scaling_groups)
    for name, change in changes.items():
        if name not in entities:
            raise InvalidInput(f"The deployment has no node and no scaling group `{name}`.")
        if change.instances < 0:
            raise InvalidInput(f"`{name}` cannot have {change.instances} instances.")
        entities[name].count = change.instances
    return _Shaping(
        entities, nodes, nodes, instances, changes, deployment_id, new_id, limits or Limits()
    ).shape()


def reshape(
    nodes: Sequence[Mapping[str, Any]],
    scaling_groups: Mapping[str, Mapping[str, Any]],
    instances: Sequence[NodeInstance],
    *,
    before: Sequence[Mapping[str, Any]],
    deployment_id: str,
    new_id: Callable[[str], str],
    limits: Limits | None = None,
) -> Modification:
    """What changes if the deployment is to have these nodes and scaling groups instead of those it has.

    ``before`` are the nodes that it has. Instances of nodes that are gone, or that are contained in something
    else now, are removed.
    """
    entities = build_entities(nodes, scaling_groups)
    changes = {name: Scaling(entity.count) for name, entity in entities.items()}
    return _Shaping(
        entities, nodes, before, instances, changes, deployment_id, new_id, limits or Limits()
    ).shape()


class _Shaping:
    def __init__(
        self,
        entities: dict[str, Entity],
        nodes: Sequence[Mapping[str, Any]],
        before: Sequence[Mapping[str, Any]],
        instances: Sequence[NodeInstance],
        changes: Mapping[str, Scaling],
        deployment_id: str,
        new_id: Callable[[str], str],
        limits: Limits,
    ) -> None:
        check_size(entities, limits.instances)
        self._entities = entities
        self._nodes = {node["id"]: node for node in nodes}
        self._before = sorted(instances, key=lambda instance: instance.index)
        self._changes = changes
        self._deployment_id = deployment_id
        self._new_id = new_id
        self._taken = {instance.id for instance in instances}
        self._taken.update(group["id"] for instance in instances for group in instance.scaling_groups)
        self._last_index: dict[str, int] = {}
        self._held: dict[str, list[str]] = {}
        for instance in instances:
            for group in instance.scaling_groups:
                self._held.setdefault(group["id"], []).append(instance.id)
            self._last_index[instance.node_id] = max(
                self._last_index.get(instance.node_id, 0), instance.index
            )
        nodes_before = {node["id"]: node for node in before}
        self._children = _Tree(entities, nodes_before, self._before).children
        self._members: dict[str, list[Member]] = {name: [] for name in entities}
        self._added: list[NodeInstance] = []
        self._reasons: dict[str, str] = {}

    def shape(self) -> Modification:
        work: list[tuple[Entity, Member | None]] = [
            (entity, None) for entity in reversed(self._entities.values()) if entity.container is None
        ]
        while work:
            entity, parent = work.pop()
            there = self._children.get((parent.id if parent is not None else None, entity.name), [])
            inside: list[tuple[Entity, Member | None]] = []
            for member in self._chosen(entity, there, parent):
                member.parent = parent
                self._members[entity.name].append(member)
                inside += [(self._entities[child], member) for child in entity.children]
            work += reversed(inside)
        connect(self._nodes.values(), self._members)
        return self._result()

    def _chosen(self, entity: Entity, there: list[Member], parent: Member | None) -> Iterable[Member]:
        surplus = len(there) - entity.count
        if surplus > 0 and entity.name in self._changes:
            gone = self._removable(entity, there)[:surplus]
            for member in gone:
                self._say_why(member, self._why(member))
            ids = {member.id for member in gone}
            return [member for member in there if member.id not in ids]
        return [*there, *(self._new(entity, parent) for _ in range(-surplus))]

    def _removable(self, entity: Entity, there: list[Member]) -> list[Member]:
        """In the order in which they go: those asked for, those in doubt, the youngest, those to be kept."""
        change = self._changes[entity.name]

        def rank(member: Member) -> int:
            meant = self._meant_by(member)
            if meant & change.remove_first:
                return 0
            if meant & change.keep:
                return 3
            return 1 if meant & change.doubtful.keys() else 2

        youngest_first = there[::-1]
        return sorted(youngest_first, key=rank)

    def _why(self, member: Member) -> str:
        """Return why just this one is removed."""
        change, meant = self._changes[member.entity.name], self._meant_by(member)
        if meant & change.remove_first:
            return "asked for"
        if meant & change.keep:
            return "excluded, but no other is left"
        doubts = sorted(meant & change.doubtful.keys())
        return change.doubtful[doubts[0]] if doubts else "the newest"

    def _say_why(self, member: Member, reason: str) -> None:
        """Keep the reason for the instance, or for all instances of a group, and what they contain."""
        self._reasons[member.id] = reason
        inside = reason if member.entity.is_group else f"contained in {member.id}"
        for name in member.entity.children:
            for child in self._children.get((member.id, name), ()):
                self._say_why(child, inside)

    def _meant_by(self, member: Member) -> set[str]:
        """Return the identifiers by which a user may mean an instance: for one of a group, those of all that
        it holds.
        """
        if not member.entity.is_group:
            return {member.id}
        return {member.id, *self._held.get(member.id, ())}

    def _new(self, entity: Entity, parent: Member | None) -> Member:
        member = Member(fresh_id(entity.name, self._new_id, self._taken), entity, parent)
        if not entity.is_group:
            index = self._last_index[entity.name] = self._last_index.get(entity.name, 0) + 1
            member.instance = NodeInstance(
                id=member.id,
                node_id=entity.name,
                deployment_id=self._deployment_id,
                host_id=host_of(member, self._nodes),
                index=index,
                scaling_groups=groups_of(member),
            )
            self._added.append(member.instance)
            scaled = entity.name in self._changes or parent is None or parent.entity.is_group
            self._reasons[member.id] = "one more" if scaled else f"contained in {parent.id if parent else ''}"
        return member

    def _result(self) -> Modification:
        staying = {
            member.id: member.instance
            for members in self._members.values()
            for member in members
            if member.instance is not None
        }
        result = Modification(
            added=self._added,
            removed=[instance for instance in self._before if instance.id not in staying],
            counts={name: self._entities[name].count for name in self._changes},
            reasons=self._reasons,
        )
        for before in self._before:
            after = staying.get(before.id)
            if after is None:
                continue
            gained = _less(after.relationships, before.relationships)
            lost = _less(before.relationships, after.relationships)
            if gained:
                result.extended[before.id] = gained
            if lost:
                result.reduced[before.id] = lost
            if gained or lost:
                result.relationships[before.id] = after.relationships
        return result


def _less(
    relationships: Iterable[RelationshipInstance], others: Iterable[RelationshipInstance]
) -> list[RelationshipInstance]:
    known = {(entry["type"], entry["target_id"]) for entry in others}
    return [entry for entry in relationships if (entry["type"], entry["target_id"]) not in known]


class _Tree:
    """The instances that exist, as members by what they are in: ``children[(parent's identifier, entity)]``.

    The members are copies without relationships, to be connected again. One that is no longer where the
    entities say that it belongs is left out, and so is all that is in it.
    """

    def __init__(
        self,
        entities: Mapping[str, Entity],
        nodes: Mapping[str, Mapping[str, Any]],
        instances: Iterable[NodeInstance],
    ) -> None:
        self._entities = entities
        self._nodes = nodes
        self._seen: set[str] = set()
        self.children: dict[tuple[str | None, str], list[Member]] = {}
        for instance in instances:
            self._place(instance)

    def _place(self, instance: NodeInstance) -> None:
        entity = self._entities.get(instance.node_id)
        if entity is None or instance.node_id not in self._nodes:
            return
        chain = [(group["name"], group["id"]) for group in instance.scaling_groups]
        container = self._container(instance)
        if container is not None:
            chain.append(container)
        expected = []
        current = entity
        while current.container is not None:
            current = self._entities[current.container]
            expected.append(current.name)
            if not current.is_group:
                break
        if [name for name, _ in chain] != expected:
            return
        member = Member(instance.id, entity, None, copy(instance))
        if member.instance is not None:
            member.instance.relationships = []
        for name, identifier in chain:
            self._add(identifier, member)
            if not self._entities[name].is_group:
                return
            member = Member(identifier, self._entities[name], None)
        self._add(None, member)

    def _container(self, instance: NodeInstance) -> tuple[str, str] | None:
        node = self._nodes[instance.node_id]
        id = container_of(instance, node)
        return None if id is None else (str(contained_in(node)), id)

    def _add(self, parent: str | None, member: Member) -> None:
        if member.id not in self._seen:
            self._seen.add(member.id)
            self.children.setdefault((parent, member.entity.name), []).append(member)

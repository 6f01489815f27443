"""The section ``policies``, whose scaling policies make groups into scaling groups.

A scaling group is scaled as one: all its members, and what is contained in them, once for each of its
instances. So a member belongs to one group only, groups do not contain each other in a circle, and nodes that
share a group are contained in the same node, or in nodes of the group, or in none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.dsl.groups import SECTION as GROUPS
from cloudwright.dsl.hierarchy import note_cycles, ordered
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.node_graph import Nodes, container_of
from cloudwright.dsl.problems import closest, listing
from cloudwright.dsl.scalable import read_properties
from cloudwright.dsl.structure_checks import LIST, MAPPING, REQUIRED_STRING, Checker, Field, Shape

SECTION = "policies"
SCALING = "cloudify.policies.scaling"
SHAPE: Shape = {"type": REQUIRED_STRING, "properties": MAPPING, "targets": Field(LIST.types, required=True)}

Groups = Mapping[str, dict[str, Any]]


def read_policies(checker: Checker, raw: Any, groups: Groups, limits: Limits) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    if raw is None or not checker.names((SECTION,), raw):
        return result
    for name, entry in raw.items():
        path = (SECTION, name)
        if not checker.fields(path, entry, SHAPE, "policy"):
            continue
        if entry["type"] != SCALING:
            checker.problems.add(
                (*path, "type"), f"There is no policy of type `{entry['type']}`.", expected=f"`{SCALING}`"
            )
            continue
        if not entry["targets"]:
            checker.problems.add(
                (*path, "targets"), "This policy has no targets.", expected="at least one group"
            )
        targets = []
        for index, target in enumerate(entry["targets"]):
            if isinstance(target, str) and target in groups:
                targets.append(target)
                continue
            checker.problems.add(
                (*path, "targets", index),
                f"`{target}` is not a group.",
                expected=f"one of {listing(groups)}",
                suggestion=closest(target, groups),
            )
        properties = read_properties(checker, (*path, "properties"), entry.get("properties"), limits)
        result[name] = {"type": SCALING, "properties": properties, "targets": targets}
    return result


def scaling_groups(
    checker: Checker, policies: Mapping[str, dict[str, Any]], groups: Groups, nodes: Nodes
) -> dict[str, dict[str, Any]]:
    """Return the groups that are scaled, without members that are scaled already with what they are contained
    in.
    """
    result: dict[str, dict[str, Any]] = {}
    for policy in policies.values():
        for target in policy["targets"]:
            result[target] = {"members": list(groups[target]["members"]), "properties": policy["properties"]}
    group_of = _group_of(checker, result)
    if not _check_members(checker, result, groups) or group_of is None:
        return result
    containers = {name: container_of(node) for name, node in nodes.items()}
    _check_containment(checker, result, group_of, containers)
    _drop_contained(result, group_of, containers)
    _check_one_container(checker, result, containers)
    return result


def _check_members(checker: Checker, scaled: Mapping[str, dict[str, Any]], groups: Groups) -> bool:
    """Check that every group in a scaled group is scaled too: another has no number of instances."""
    good = True
    for name, group in scaled.items():
        for index, member in enumerate(group["members"]):
            if member in groups and member not in scaled:
                checker.problems.add(
                    (GROUPS, name, "members", index),
                    f"`{member}` is a group that no policy scales, in the group `{name}`, which one does.",
                    expected=f"`{member}` among the targets of a scaling policy, or its members themselves",
                )
                good = False
    return good


def _group_of(checker: Checker, groups: Groups) -> dict[str, str] | None:
    """Return the group of each member; None if that is not a forest."""
    _, cycles = ordered(
        groups, lambda name: [member for member in groups[name]["members"] if member in groups]
    )
    note_cycles(checker.problems, GROUPS, cycles, "Groups are members of each other")
    group_of: dict[str, str] = {}
    for name, group in groups.items():
        for member in group["members"]:
            other = group_of.setdefault(member, name)
            if other != name:
                checker.problems.add(
                    (GROUPS, name, "members"),
                    f"`{member}` is a member of `{other}` and of `{name}`, which are both scaled.",
                    expected="one scaled group at most",
                )
                return None
    return None if cycles else group_of


def _chain(start: str, parent: Mapping[str, str | None] | Mapping[str, str]) -> list[str]:
    """``start``, what it is in, what that is in, and so on; a circle, an error elsewhere, ends it."""
    chain = [start]
    seen = {start}
    while (following := parent.get(chain[-1])) is not None and following not in seen:
        chain.append(following)
        seen.add(following)
    return chain


def _check_containment(
    checker: Checker, groups: Groups, group_of: Mapping[str, str], containers: Mapping[str, str | None]
) -> None:
    nodes_of: dict[str, list[str]] = {name: [] for name in groups}
    for member in group_of:
        if member in containers:
            for group in _chain(member, group_of)[1:]:
                nodes_of[group].append(member)
    for name, members in nodes_of.items():
        top = set(nodes_of[_chain(name, group_of)[-1]])
        roots = {member: _chain(member, containers)[-1] for member in members}
        if len(set(roots.values())) < 2:
            continue
        for member, root in roots.items():
            if member != root and root not in top:
                other = next(other for other, its_root in roots.items() if its_root != root)
                checker.problems.add(
                    (GROUPS, name, "members"),
                    f"`{member}` and `{other}` are scaled together, but `{member}` is contained in `{root}`, "
                    f"which is not in the group and does not contain `{other}`.",
                )
                break


def _drop_contained(
    groups: dict[str, dict[str, Any]], group_of: Mapping[str, str], containers: Mapping[str, str | None]
) -> None:
    """A member that is contained in another node of the same group is scaled with that, and not twice."""
    for member in group_of:
        if member not in containers:
            continue
        own_chain = _chain(member, group_of)
        for container in _chain(member, containers)[1:]:
            if container not in group_of:
                continue
            other_chain = set(_chain(container, group_of))
            shared = next((group for group in own_chain[1:] if group in other_chain), None)
            if shared is None:
                continue
            dropped = own_chain[own_chain.index(shared) - 1]
            members = groups[shared]["members"]
            if dropped in members:
                members.remove(dropped)


def _check_one_container(checker: Checker, groups: Groups, containers: Mapping[str, str | None]) -> None:
    """An instance of a group is in one place, so its members are all contained in the same node, or none."""
    group_of = {member: name for name, group in groups.items() for member in group["members"]}
    inside: dict[str, dict[str, str]] = {}
    for member, container in containers.items():
        if container is None or member not in group_of:
            continue
        outermost = _chain(member, group_of)[-1]
        members = inside.setdefault(outermost, {})
        members.setdefault(container, member)
        if len(members) == 2:
            (one, first), (two, second) = members.items()
            checker.problems.add(
                (GROUPS, outermost, "members"),
                f"`{first}` and `{second}` are scaled together, but `{first}` is contained in `{one}` and"
                f" `{second}` in `{two}`.",
                expected="members of a scaled group that are contained in the same node, or in each other",
            )

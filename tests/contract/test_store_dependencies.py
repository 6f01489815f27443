"""Dependencies between deployments in the database: which is stored, which refused, who depends on whom."""

from __future__ import annotations

import random

import pytest
from stored import at

from cloudwright.errors import IllegalAction, NotFound
from cloudwright.storage import dependencies
from cloudwright.storage.dependencies import Dependency
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.store import Store

TENANT = "default_tenant"


def add(store: Store, source: str, target: str | None, creator: str = "component.x") -> Dependency:
    id = f"{creator}/{source}/{target}"
    new = Dependency(TENANT, id, creator, source, target, at(0), target_deployment_func={"concat": ["a"]})
    return store.write_sync(dependencies.add, new)


def dependents(store: Store, target: str, *but: str) -> list[str]:
    return store.read_sync(dependencies.dependents, TENANT, target, but=but)


def test_what_is_stored_twice_is_stored_once(store: Store) -> None:
    first = add(store, "a", "b")
    assert add(store, "a", "b") == first
    assert add(store, "a", None).target_deployment_func == {"concat": ["a"]}
    rows, total = store.read_sync(dependencies.list_dependencies, TENANT, EVERYTHING, sources=["a"])
    assert (total, {row.target_deployment_id for row in rows}) == (2, {"b", None})
    assert store.read_sync(dependencies.list_dependencies, "other", EVERYTHING) == ([], 0)


def test_a_circle_is_refused_with_its_way(store: Store) -> None:
    for source, target in (("a", "b"), ("b", "c"), ("a", "c")):
        add(store, source, target)
    with pytest.raises(IllegalAction, match="`c` -> `a` -> `c`"):
        add(store, "c", "a")
    with pytest.raises(IllegalAction, match="`a` -> `a`"):
        add(store, "a", "a")
    with pytest.raises(IllegalAction, match="`c` -> `b` -> `c`"):
        add(store, "c", "b", "nodes.x.properties.y.get_capability")


def test_generated_dependencies_never_close_a_circle(store: Store) -> None:
    chance = random.Random(7)
    names = "abcdefgh"
    below: dict[str, set[str]] = {name: {name} for name in names}
    for _ in range(60):
        source, target = chance.choice(names), chance.choice(names)
        if source in below[target]:
            with pytest.raises(IllegalAction):
                add(store, source, target)
            continue
        add(store, source, target)
        for name in names:
            if source in below[name]:
                below[name] |= below[target]


def test_who_depends_on_it(store: Store) -> None:
    add(store, "a", "b")
    add(store, "c", "b", "outputs.o.get_capability")
    assert dependents(store, "b") == ["`a` (`component.x`)", "`c` (`outputs.o.get_capability`)"]
    assert dependents(store, "b", "a") == ["`c` (`outputs.o.get_capability`)"]
    assert store.read_sync(dependencies.components, TENANT, "a") == {"b"}
    store.write_sync(dependencies.remove_functions, TENANT, "c")
    store.write_sync(dependencies.remove_of, TENANT, "a")
    assert dependents(store, "b") == []


def test_removing_what_is_not_there(store: Store) -> None:
    add(store, "a", "b")
    store.write_sync(dependencies.remove, TENANT, "component.x", "a", "b")
    with pytest.raises(NotFound, match=r"component\.x"):
        store.write_sync(dependencies.remove, TENANT, "component.x", "a", "b")

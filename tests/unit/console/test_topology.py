"""Where the nodes of a deployment are drawn."""

from __future__ import annotations

from typing import Any

from cloudwright.console.topology import MOST_NODES, draw


def node(id: str, *targets: str, kind: str = "connected_to") -> dict[str, Any]:
    type = f"cloudify.relationships.{kind}"
    related = [{"target_id": target, "type": type, "type_hierarchy": [type]} for target in targets]
    return {"id": id, "type": "a.b.Thing", "host_id": None, "relationships": related}


def instance(of: str, state: str) -> dict[str, Any]:
    return {"node_id": of, "state": state}


def test_what_is_depended_on_is_on_the_left_and_no_two_boxes_touch() -> None:
    nodes = [node("web", "app", "host"), node("app", "db", "host"), node("db", "host"), node("host")]
    drawn = draw(nodes, [])
    columns = {box.node["id"]: box.x for box in drawn.boxes}
    assert columns["host"] < columns["db"] < columns["app"] < columns["web"]
    assert len({(box.x, box.y) for box in drawn.boxes}) == 4
    assert len(drawn.lines) == 5
    assert all(box.x >= 0 and box.x + 196 <= drawn.width for box in drawn.boxes)
    assert all(box.y >= 0 and box.y + 62 <= drawn.height for box in drawn.boxes)


def test_states_change_no_box() -> None:
    nodes = [node("a"), node("b", "a", kind="contained_in")]
    before, after = draw(nodes, []), draw(nodes, [instance("b", "started"), instance("b", "creating")])
    assert [(box.x, box.y) for box in before.boxes] == [(box.x, box.y) for box in after.boxes]
    assert after.boxes[1].states == [("creating", 1), ("started", 1)]
    assert (before.boxes[1].state, after.boxes[1].state) == ("none", "mixed")
    assert after.lines[0].kind == "contained"


def test_a_long_chain_a_circle_and_a_missing_target_are_drawn() -> None:
    chain = [node(f"n{number}", f"n{number - 1}") for number in range(1, MOST_NODES)]
    assert len(draw([node("n0"), *chain], []).boxes) == MOST_NODES
    assert len(draw([node("a", "b"), node("b", "a"), node("c", "gone")], []).boxes) == 3


def test_what_is_too_much_to_look_at_is_not_drawn() -> None:
    assert draw([node(f"n{number}") for number in range(MOST_NODES + 1)], []).boxes == ()
    assert draw([], []).boxes == ()

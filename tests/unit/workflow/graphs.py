"""Random graphs for properties, and what must be true of a run of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fake_host import node
from hypothesis import strategies as st

THING = [node("thing", {"do.it": {"max_retries": 3, "retry_interval": 1}})]


@dataclass
class Spec:
    """Tasks by number; ``after[i]`` are smaller numbers. Tasks of one block are in a subgraph of their
    own.
    """

    kinds: list[str]
    after: list[set[int]]
    blocks: list[int | None]
    block_after: dict[int, set[int]] = field(default_factory=dict)

    def build(self, ctx: Any, graph: Any) -> None:
        """Put the tasks into ``graph``; operation ``i`` has the input ``number`` = i."""
        instance = next(ctx.get_node("thing").instances)
        subgraphs: dict[int, Any] = {}
        tasks: list[Any] = []
        for number, kind in enumerate(self.kinds):
            if kind == "operation":
                task = instance.execute_operation("do.it", kwargs={"number": number})
            elif kind == "event":
                task = instance.send_event(f"event {number}")
            elif kind == "state":
                task = instance.set_state(f"state {number}")
            else:
                task = ctx.local_task(note, kwargs={"number": number})
            tasks.append(task)
            block = self.blocks[number]
            if block is None:
                graph.add_task(task)
            else:
                if block not in subgraphs:
                    subgraphs[block] = graph.subgraph(f"block {block}")
                    for before in self.block_after.get(block, ()):
                        if before in subgraphs:
                            graph.add_dependency(subgraphs[block], subgraphs[before])
                subgraphs[block].add_task(task)
            for before in self.after[number]:
                graph.add_dependency(task, tasks[before])

    def before(self, number: int) -> set[int]:
        """The tasks that must have ended before task ``number`` begins."""
        found = set(self.after[number])
        block = self.blocks[number]
        if block is not None:
            for other in self.block_after.get(block, ()):
                found |= {index for index, its in enumerate(self.blocks) if its == other}
        return found


#: Numbers of local tasks that ran, in this order.
NOTED: list[int] = []


def note(number: int) -> int:
    NOTED.append(number)
    return number


@st.composite
def specs(draw: st.DrawFn, kinds: tuple[str, ...] = ("operation", "operation", "event", "state")) -> Spec:
    size = draw(st.integers(1, 12))
    chosen = [draw(st.sampled_from(kinds)) for _ in range(size)]
    after = [
        set(draw(st.lists(st.integers(0, number - 1), max_size=3))) if number else set()
        for number in range(size)
    ]
    # Blocks are runs of neighbours, so that none waits for one that waits for it.
    blocks: list[int | None] = []
    block = 0
    while len(blocks) < size:
        length = draw(st.integers(1, 4))
        inside = draw(st.booleans())
        blocks += [block if inside else None] * length
        block += 1
    blocks = blocks[:size]
    used = sorted({item for item in blocks if item is not None})
    block_after = {item: {other for other in used if other < item and draw(st.booleans())} for item in used}
    return Spec(chosen, after, blocks, block_after)


def number_of(operation: dict[str, Any]) -> int:
    number: int = operation["inputs"]["number"]
    return number

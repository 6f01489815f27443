"""Which writes make the next transaction: nothing is lost or waits for ever, what has an order keeps it."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudwright.storage import write_queue
from cloudwright.storage.write_queue import LINES, Request, WriteQueue

EXECUTIONS = ("a", "b", "c")
said = st.builds(lambda of, lines: ((of,), lines), st.sampled_from(EXECUTIONS), st.integers(1, 3 * LINES))
about = st.builds(
    lambda of: (of, 0), st.none() | st.lists(st.sampled_from(EXECUTIONS), max_size=2).map(tuple)
)


def request(about: Any, lines: int) -> Request:
    return Request(lambda conn: None, Future(), None, about, lines)


@given(st.lists(st.lists(said | about, max_size=12), max_size=8))
def test_the_order_that_matters_is_kept_and_nothing_waits_for_ever(arrivals: list[list[Any]]) -> None:
    queue = WriteQueue()
    added: list[Request] = []
    done: list[Request] = []
    for arriving in arrivals:
        for each in arriving:
            added.append(request(*each))
            queue.add(added[-1])
        batch = queue.take()
        assert bool(batch) == (len(done) < len(added))
        done += batch
        waiting = len(added) - len(done)
    for _ in range(waiting if arrivals else 0):
        done += queue.take()
    assert not queue
    assert len(done) == len(added)
    place = {id(each): number for number, each in enumerate(done)}
    for number, earlier in enumerate(added):
        for later in added[number + 1 :]:
            if must_follow(later, earlier):
                assert place[id(earlier)] < place[id(later)]


def must_follow(later: Request, earlier: Request) -> bool:
    if bool(later.lines) == bool(earlier.lines):
        return not later.lines or later.about == earlier.about
    if later.lines:
        # What is said after a write about its execution is stored after it.
        return earlier.about is None or set(later.about or ()) <= set(earlier.about)
    return later.about is None or set(earlier.about or ()) <= set(later.about)


def test_a_crowd_of_lines_is_stored_a_part_at_a_time_beside_what_overtakes_it() -> None:
    queue = WriteQueue()
    loud = [request(("a",), 50) for _ in range(20)]
    for each in loud:
        queue.add(each)
    for _ in range(5):
        urgent = request(("b",), 0)
        queue.add(urgent)
        batch = queue.take()
        assert batch[-1] is urgent
        assert sum(each.lines for each in batch) == LINES
    assert not queue
    assert write_queue.LINES == LINES

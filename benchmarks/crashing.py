"""T4: ``kill -9`` of the manager in the middle of T1, and a start of another.

Figures: seconds from the start until the first new operation ran; operations that were running, as far as the
database knew, when the manager was killed; operations that ran twice, and of those the ones whose end was
stored (which nothing may repeat); operations that never ran.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path

import chains
import probe
from managed import Ear, Manager, answer, options
from sqlalchemy import Connection, select

from cloudwright.model.operation import OperationState
from cloudwright.storage.schema import operations as table
from cloudwright.storage.store import Store


def main() -> None:
    given = options(__doc__, nodes=500)
    with tempfile.TemporaryDirectory(prefix="cloudwright-bench-") as name:
        managed = Manager(Path(name), given.database)
        managed.start()
        ear = Ear(managed.folder)
        chains.write(
            managed.folder / "chains", given.nodes, code=probe.TELLING_CHAINS.format(ear=str(ear.path))
        )
        managed.upload("chains", managed.folder / "chains")
        execution = managed.run("install", "chains")
        begun, ended = Counter[str](), Counter[str]()
        while ended.total() < given.nodes:
            note(ear.hear()[0], begun, ended)
        managed.crash()
        catch_up(ear, begun, ended)
        states = stored_states(managed.database)
        started = time.monotonic()
        managed.start()
        words, first = ear.hear()
        note(words, begun, ended)
        row = managed.until_end(execution)
        catch_up(ear, begun, ended)
        managed.stop()
    assert row["status"] == "terminated", row
    again = [done for done, times in begun.items() if times > 1]
    answer(
        **{
            "s": first - started,
            "twice": len(again),
            "twice though stored": sum(states[done] == OperationState.SUCCEEDED for done in again),
            "in flight": sum(state == OperationState.STARTED for state in states.values()),
            "lost": 2 * given.nodes - len(ended),
        }
    )


def catch_up(ear: Ear, begun: Counter[str], ended: Counter[str]) -> None:
    """What was said and not heard yet."""
    try:
        while True:
            note(ear.hear(0.3)[0], begun, ended)
    except TimeoutError:
        return


def stored_states(url: str) -> dict[str, OperationState]:
    """The state of each operation, by what it says of itself."""
    store = Store.open(url)
    try:
        return store.read_sync(_states)
    finally:
        store.close()


def _states(conn: Connection) -> dict[str, OperationState]:
    rows = select(table.c.instance_id, table.c.name, table.c.state).where(table.c.instance_id.is_not(None))
    return {f"{instance} {name}": state for instance, name, state in conn.execute(rows)}


def note(words: list[str], begun: Counter[str], ended: Counter[str]) -> None:
    (begun if words[0] == "begin" else ended)[" ".join(words[1:])] += 1


if __name__ == "__main__":
    main()

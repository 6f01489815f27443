"""The journal of a worker: what it says after each way in which writing can end."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudwright.worker.journal import Journal

END = {"state": "succeeded", "result": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def written(path: Path) -> None:
    journal = Journal(path)
    journal.accept(("a", 1), "now")
    journal.accept(("b", 2), "now")
    journal.end(("b", 2), END)
    journal.accept(("c", 1), "now")
    journal.end(("c", 1), END)
    journal.acknowledge(("c", 1))
    journal.close()


def test_it_says_what_had_not_ended_and_which_ends_are_not_stored(path: Path) -> None:
    written(path)
    journal = Journal(path)
    assert journal.found.accepted == {("a", 1): "now"}
    assert journal.found.ended == {("b", 2): END}
    journal.close()
    again = Journal(path)
    assert (again.found.accepted, again.found.ended) == (journal.found.accepted, journal.found.ended)
    again.close()


def test_a_record_that_is_torn_is_cut_off_wherever_it_ends(path: Path) -> None:
    written(path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        journal = Journal(path)
        assert not journal.found.broken, length
        assert ("a", 1) in journal.found.accepted or length < 60
        journal.close()


def test_a_record_that_is_wrong_breaks_it_and_it_is_kept_aside(path: Path) -> None:
    written(path)
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)
    journal = Journal(path)
    assert journal.found.broken
    assert (journal.found.accepted, journal.found.ended) == ({}, {})
    [aside] = path.parent.glob("journal.broken-*")
    assert aside.read_bytes() == data
    journal.close()


def test_inputs_cannot_be_in_it(path: Path) -> None:
    written(path)
    assert b"inputs" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0

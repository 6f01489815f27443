"""The model of the cancellation protocol (docs/contributing/model/cancellation.pml): it keeps its promises in
every state that it can reach, and breaks one as soon as a defence is taken out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[2] / "docs" / "contributing" / "model" / "cancellation.pml"
#: More than the deepest search needs; one that needed more would say so, and not count.
DEPTH = 20_000
MEMORY_MIB = 3_000

ONE_MANAGER = ("CRASHES=1", "RESUMES=1")
CHILDREN = (*ONE_MANAGER, "OPERATIONS=1", "ATTEMPTS=1", "CHILDREN=1")
TWO_MANAGERS = ("MANAGERS=2", "OPERATIONS=1", "CRASHES=0", "RESUMES=0", "LAPSES=1")

#: Where a search has to have been: what makes cancelling hard.
ALWAYS = {
    "rest",
    "kill first",
    "killed",
    "told by the reconciler",
    "killed by the reconciler",
    "ended without a process",
    "ended with a residual operation",
    "residual operation ended",
    "revoked before it began",
    "grant refused",
    "refused before it was sent",
    "asked for too soon",
    "taken over while started",
    "taken over while cancelling",
    "taken over while force_cancelling",
    "taken over while kill_cancelling",
}
AFTER_A_CRASH = ALWAYS | {"lost in a crash"}
AFTER_A_RESUME = AFTER_A_CRASH | {"escalated", "adopted", "killed while it waited"}
WITH_CHILDREN = AFTER_A_RESUME | {"children first", "cancelled while it waited"}
FENCED = ALWAYS | {"abandoned", "stale end refused", "stale journal refused"}


@dataclass(frozen=True)
class Search:
    """What the checker said."""

    output: str

    @property
    def errors(self) -> int:
        return self._number(r"errors: (\d+)")

    @property
    def states(self) -> int:
        return self._number(r"(\d+) states, stored")

    def _number(self, pattern: str) -> int:
        found = re.search(pattern, self.output)
        assert found, self.output
        return int(found[1])

    @property
    def reached(self) -> set[str]:
        return set(re.findall(r"^reached: (.+)$", self.output, re.MULTILINE))

    @property
    def broken(self) -> list[str]:
        return re.findall(r"^broken: (.+)$", self.output, re.MULTILINE)

    @property
    def exhaustive(self) -> bool:
        cut_short = ("max search depth too small", "Search not completed", "out of memory", "Bit statespace")
        return "Full statespace search" in self.output and not any(sign in self.output for sign in cut_short)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(
            f"`{name}` is not installed: the model of cancellation is checked with spin and gcc. "
            "Run `sh scripts/need-spin`, as `make test` does, or install Debian's spin, gcc and libc6-dev."
        )
    return found


def call(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def search(
    folder: Path,
    macros: Iterable[str],
    *,
    cycles: bool = False,
    optimise: str = "-O2",
    model: Path = MODEL,
) -> Search:
    """Search all states for a broken promise or, with ``cycles``, for a way to go on for ever as well."""
    spin, gcc = program("spin"), program("gcc")
    call(folder, spin, *(f"-D{macro}" for macro in macros), "-a", str(model))
    what = "-DNP" if cycles else "-DSAFETY"
    # Every step touches what others look at: looking for steps whose order does not matter would find none.
    call(folder, gcc, optimise, what, "-DNOREDUCE", f"-DMEMLIM={MEMORY_MIB}", "-o", "pan", "pan.c")
    return Search(call(folder, "./pan", f"-m{DEPTH}", *(["-l"] if cycles else [])))


@pytest.mark.parametrize(
    ("macros", "reached", "states"),
    [
        pytest.param(ONE_MANAGER, AFTER_A_RESUME, 1_000_000, id="one manager crashes, a user resumes"),
        pytest.param(CHILDREN, WITH_CHILDREN, 100_000, id="children run when a user resumes"),
        pytest.param(TWO_MANAGERS, FENCED, 500_000, id="two managers, a lease runs out"),
        pytest.param(
            ("MANAGERS=2", "OPERATIONS=1", "CRASHES=1", "RESUMES=0", "LAPSES=1", "ATTEMPTS=1"),
            FENCED | AFTER_A_CRASH,
            500_000,
            id="two managers, a crash and a lease that runs out",
        ),
    ],
)
def test_every_promise_holds_in_every_state(
    tmp_path: Path, macros: tuple[str, ...], reached: set[str], states: int
) -> None:
    found = search(tmp_path, macros)
    assert (found.errors, found.broken) == (0, []), found.output
    assert found.exhaustive, found.output
    assert found.reached >= reached
    assert found.states > states


@pytest.mark.parametrize(
    ("macros", "reached"),
    [
        pytest.param((*ONE_MANAGER, "ATTEMPTS=1"), AFTER_A_RESUME, id="one manager crashes, a user resumes"),
        pytest.param(CHILDREN, WITH_CHILDREN, id="children run when a user resumes"),
        pytest.param((*TWO_MANAGERS, "ATTEMPTS=1"), FENCED, id="two managers, a lease runs out"),
    ],
)
def test_nothing_goes_on_for_ever_so_that_every_request_ends(
    tmp_path: Path, macros: tuple[str, ...], reached: set[str]
) -> None:
    found = search(tmp_path, macros, cycles=True)
    assert "non-progress cycles \t+" in found.output
    assert (found.errors, found.broken) == (0, []), found.output
    assert found.exhaustive, found.output
    assert found.reached >= reached


@pytest.mark.parametrize(
    ("defence", "promise"),
    [
        # Either of the two is enough.
        ("NO_STATUS_IN_GRANT NO_REVOCATION_BY_FORCE", "C2"),
        ("NO_REVOCATION", "truth"),
        ("NO_REVOCATION_BY_REQUEST", "informed"),
        ("NO_AWARENESS", "informed"),
        ("NO_WAIT_FOR_DEATH", "C4"),
        ("NO_KILL_FIRST", "C7"),
        ("NO_BURIAL", "C4"),
        ("NO_LOSS", "truth"),
        ("NO_TELL", "C3"),
        ("NO_TAKE_OVER", "C3"),
        ("NO_ESCALATION", "told"),
        ("NO_LOOK_BEFORE_FORK", "C3"),
        ("NO_END_AFTER_ERRORS", "truth"),
        ("NO_KILL_OF_WAITING", "C7"),
        ("NO_STORED_KILL", "C7"),
        ("NO_TERM_IN_MESSAGES", "unasked"),
        ("NO_SECOND_LOOK_AT_DEADLINE", "unasked"),
        ("NO_HOLD", "C2"),
        ("NO_SETTLEMENT", "C1"),
        ("NO_WAIT_FOR_BEGUN", "C1"),
    ],
)
def test_a_promise_breaks_without(tmp_path: Path, defence: str, promise: str) -> None:
    found = search(tmp_path, (*ONE_MANAGER, *defence.split()), optimise="-O0")
    assert (found.errors, found.broken) == (1, [promise]), found.output


@pytest.mark.parametrize(
    ("defence", "promise"),
    [
        ("NO_TERM_IN_GRANT", "C5"),
        ("NO_TERM_IN_JOURNAL", "C5"),
        ("NO_TERM_IN_FINISH", "C5"),
        ("NO_ABANDON", "C3"),
        ("NO_SECOND_LOOK_AT_LEASE", "C4"),
        ("NO_WORKER_IN_LOSS", "twin"),
        ("NO_KILL_EVERYWHERE", "C7"),
        ("NO_REVOCATION_OF_GRANTED", "C2"),
    ],
)
def test_a_promise_of_two_managers_breaks_without(tmp_path: Path, defence: str, promise: str) -> None:
    found = search(tmp_path, (*TWO_MANAGERS, defence), optimise="-O0")
    assert (found.errors, found.broken) == (1, [promise]), found.output


@pytest.mark.parametrize(
    ("defence", "promise"),
    [("NO_WAIT_OF_IDLE", "children"), ("NO_CHILDREN_FIRST", "children"), ("NO_IDLENESS", "idle")],
)
def test_a_promise_of_children_breaks_without(tmp_path: Path, defence: str, promise: str) -> None:
    found = search(tmp_path, (*CHILDREN, defence), optimise="-O0")
    assert (found.errors, found.broken) == (1, [promise]), found.output


def test_what_goes_on_for_ever_is_found(tmp_path: Path) -> None:
    # A reconciler that tells an owner again and again what it knows.
    found = search(tmp_path, (*ONE_MANAGER, "NO_MEMORY_OF_TELLING"), cycles=True, optimise="-O0")
    assert found.errors == 1
    assert "non-progress cycle" in found.output

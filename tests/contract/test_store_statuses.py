"""Any verbs in any order: a status changes only as the table allows, and nothing is left where it should not
be.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from stored import at, operation, tail

from cloudwright.errors import ExecutionRunning, IllegalAction, StaleTerm
from cloudwright.model.execution import (
    ACTIVE_STATUSES,
    END_STATUSES,
    GRANTING_STATUSES,
    TRANSITIONS,
    CancelMode,
    Outcome,
)
from cloudwright.model.execution import ExecutionStatus as S
from cloudwright.model.operation import OperationState as O
from cloudwright.storage import journal, manager_queries, operations, task_counts
from cloudwright.storage.executions import admission, cancellation, claims, ending
from cloudwright.storage.filters import ExecutionFilter, OperationFilter
from cloudwright.storage.paging import EVERYTHING
from cloudwright.storage.records import Execution, NewExecution, Operation
from cloudwright.storage.store import Store

ENDINGS = {"workflow_succeeded", "workflow_failed", "workflow_cancelled"}


class Verbs(RuleBasedStateMachine):
    """Executions of two deployments and their operations, acted upon as managers, workers and users would."""

    store: Store
    serial = 0

    ids: Bundle[str] = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        # Every example has deployments of its own, so that the database need not be emptied.
        Verbs.serial += 1
        self.mark = f"{Verbs.serial}"
        self.count = 0
        self.before: dict[str, Execution] = {}

    def now(self) -> datetime:
        self.count += 1
        return at(self.count)

    def lease(self) -> datetime:
        return at(self.count + 4)

    def write(self, verb: Any, *args: Any, **more: Any) -> Any:
        return self.store.write_sync(verb, *args, **more)

    def term(self, id: str) -> int:
        return self.before[id].term

    @rule(
        target=ids,
        deployment=st.sampled_from("ab"),
        queue=st.booleans(),
        force=st.booleans(),
        scheduled=st.booleans(),
    )
    def create(self, deployment: str, queue: bool, force: bool, scheduled: bool) -> str:
        id = f"{self.mark}-{self.count}"
        new = NewExecution(
            id,
            "install",
            f"{self.mark}-{deployment}",
            scheduled_for=at(self.count + 3) if scheduled else None,
        )
        try:
            self.write(admission.create, new, queue=queue, force=force, now=self.now())
        except ExecutionRunning:
            assert not any((queue, force, scheduled))
            return next(iter(self.before))
        return id

    @rule(id=ids)
    def claim(self, id: str) -> None:
        claimed = self.write(claims.claim, id, "m1", self.lease(), self.now())
        assert (claimed is not None) == (self.before[id].status is S.PENDING)

    @rule(id=ids, owner=st.sampled_from(["m1", "m2"]), old=st.booleans())
    def take_over(self, id: str, owner: str, old: bool) -> None:
        before, now = self.before[id], self.now()
        taken = self.write(
            claims.take_over,
            id,
            old_term=before.term - old,
            owner=owner,
            lease_until=self.lease(),
            now=now,
        )
        lapsed = before.lease_until is not None and before.lease_until <= now
        may = before.status in ACTIVE_STATUSES and (before.owner == owner or lapsed)
        assert (taken is not None) == (may and not old)

    @rule(id=ids, old=st.booleans())
    def begin_workflow(self, id: str, old: bool) -> None:
        begun = self.write(claims.begin, id, self.term(id) - old)
        assert begun == (self.before[id].status in GRANTING_STATUSES and not old)

    @rule(id=ids, mode=st.sampled_from(CancelMode))
    def cancel(self, id: str, mode: CancelMode) -> None:
        result = self.write(cancellation.request_cancel, id, mode, by="eve", now=self.now())
        assert result.previous is self.before[id].status

    @rule(id=ids, outcome=st.sampled_from(Outcome), old=st.booleans(), killed=st.booleans())
    def finish(self, id: str, outcome: Outcome, old: bool, killed: bool) -> None:
        result = self.write(
            ending.finish, id, self.term(id) - old, outcome, error="why", killed=killed, now=self.now()
        )
        assert (result is not None) == (self.before[id].status in ACTIVE_STATUSES and not old)

    @rule()
    def due(self) -> None:
        self.write(admission.due, self.now())

    @rule(id=ids)
    def resume(self, id: str) -> None:
        try:
            self.write(admission.resume, id, by="eve", now=self.now())
        except IllegalAction:
            return

    @rule(
        id=ids,
        name=st.sampled_from("xyz"),
        attempt=st.integers(1, 3),
        old=st.booleans(),
        aware=st.booleans(),
    )
    def send(self, id: str, name: str, attempt: int, old: bool, aware: bool) -> None:
        frame = [["run", operation(f"{id}-{name}", attempt)]]
        try:
            result = self.write(journal.apply, id, self.term(id) - old, frame, self.now(), aware=aware)
        except StaleTerm:
            assert old or self.before[id].status not in ACTIVE_STATUSES
            return
        assert not result.sent or self.before[id].status in (
            {S.STARTED, S.CANCELLING} if aware else {S.STARTED}
        )

    @rule(id=ids, name=st.sampled_from("xyz"), attempt=st.integers(1, 3), old=st.booleans())
    def grant(self, id: str, name: str, attempt: int, old: bool) -> None:
        wanted = [(id, self.term(id) - old, f"{id}-{name}", attempt)]
        granted = self.write(operations.grant, wanted, "w1", self.now())
        assert not granted or (self.before[id].status in GRANTING_STATUSES and not old)

    @rule(id=ids, name=st.sampled_from("xyz"), attempt=st.integers(1, 3), lost=st.booleans())
    def end(self, id: str, name: str, attempt: int, lost: bool) -> None:
        if lost:
            self.write(operations.lose, [f"{id}-{name}"], "gone", self.now())
        else:
            self.write(operations.end, f"{id}-{name}", attempt, state=O.SUCCEEDED, now=self.now())

    @invariant()
    def the_database_makes_sense(self) -> None:
        if not hasattr(self, "mark"):
            return
        deployment_ids = [f"{self.mark}-{name}" for name in "ab"]
        filter = ExecutionFilter(deployment_ids=deployment_ids)
        rows = self.store.read_sync(manager_queries.list_executions, filter, EVERYTHING)[0]
        for row in rows:
            self.check(row)
        for deployment_id in deployment_ids:
            statuses = {row.status for row in rows if row.deployment_id == deployment_id}
            waiting = statuses - END_STATUSES - {S.SCHEDULED}
            assert waiting != {S.QUEUED}, "something is queued behind nothing"
        self.before = {row.id: row for row in rows}

    def check(self, row: Execution) -> None:
        before = self.before.get(row.id)
        if before is not None:
            assert row.status is before.status or row.status in TRANSITIONS[before.status]
            assert row.term - before.term in (0, 1)
        ended = row.status in END_STATUSES
        assert ended == (row.ended_at is not None), row
        assert (row.status in ACTIVE_STATUSES) == (row.owner is not None)
        listing = operations.listing(OperationFilter(execution_id=row.id))
        tasks, _ = self.store.read_sync(listing.read, Operation, EVERYTHING)
        if ended:
            assert not [task for task in tasks if task.state in (O.PENDING, O.SENT)]
        finished = sum(task.state in (O.SUCCEEDED, O.FAILED) for task in tasks)
        assert self.store.read_sync(task_counts.get, row.id) == (len(tasks), finished)
        self.check_history(row)

    def check_history(self, row: Execution) -> None:
        """No operation was started after an end or a forced request, but after a resume."""
        closed = False
        for event in self.store.read_sync(tail, row.id, 0, 1000):
            assert event.event_type != "task_started" or not closed
            forced = event.details.get("mode") in (CancelMode.FORCE, CancelMode.KILL)
            if event.event_type in ENDINGS or forced:
                closed = True
            elif event.event_type == "execution_resumed":
                closed = False


def test_any_verbs_in_any_order(store: Store) -> None:
    Verbs.store = store
    few = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(Verbs, settings=few)

"""Groups of executions: one workflow on many deployments, so many at a time."""

from __future__ import annotations

from collections.abc import Mapping

from cloudwright.model.execution import END_STATUSES, REQUESTED_STATUS, CancelMode, ExecutionStatus

S = ExecutionStatus

#: The strongest first: what a group is that was asked to stop, as long as a member is.
_STOPPING = (S.KILL_CANCELLING, S.FORCE_CANCELLING, S.CANCELLING)
#: The worst first: what a group is that is over.
_ENDS = (S.FAILED, S.CANCELLED, S.TERMINATED)
#: The least far first: what a group is of which nothing has begun.
_WAITING = (S.PENDING, S.QUEUED, S.SCHEDULED)


def group_status(counts: Mapping[ExecutionStatus, int], cancel: CancelMode | None) -> ExecutionStatus:
    """Return the status of a group from how many members have which, and how it was asked to stop.

    It is over when all members are: `failed` if one failed, else `cancelled` if one was cancelled. Before, it
    is `started` if one runs or has ended, but what it was asked to be if it was asked to stop.
    """
    present = {status for status, count in counts.items() if count}
    if present <= END_STATUSES:
        return next((status for status in _ENDS if status in present), S.TERMINATED)
    if cancel is not None:
        return next((status for status in _STOPPING if status in present), REQUESTED_STATUS[cancel])
    if present <= set(_WAITING):
        return next(status for status in _WAITING if status in present)
    return S.STARTED

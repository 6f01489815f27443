"""The topics of the bus: publishers and subscribers take them from here.

* ``WORK``: work may wait. ``{"id"}`` of an execution to claim, ``{"ended"}`` of an ended one, or ``{}``.
* ``execution(id)``: something changed in an execution. ``{"kind": "status" | "events" | "operations"}``.
* ``control(manager)``: an execution that the manager owns is to stop, or to retry what waits; for
  ``EVERYBODY``, the operations of an ended execution are to be killed.
* ``ACCOUNTS``: users, their roles or tokens changed; who follows something may not do so any more. ``{}``.
* ``deployment(tenant, id)`` and ``blueprint(tenant, id)``: ``{"state"}``.
"""

from __future__ import annotations

from cloudwright.bus.protocol import topic

WORK = "work.pending"
#: A schedule was made, changed or deleted.
SCHEDULES = "work.schedules"
ACCOUNTS = "accounts"
#: In place of a manager's name: the message is for all managers.
EVERYBODY = "all"


def execution(id: str) -> str:
    """Return the topic of what happens in an execution."""
    return f"execution.{id}"


def control(manager: str) -> str:
    """Return the topic of requests to a manager."""
    return topic("control", manager)


def deployment(tenant: str, id: str) -> str:
    """Return the topic of a deployment's creation and deletion."""
    return topic("deployment", tenant, id)


def blueprint(tenant: str, id: str) -> str:
    """Return the topic of a blueprint's state."""
    return topic("blueprint", tenant, id)

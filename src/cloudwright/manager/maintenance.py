"""The maintenance mode: while it is on, no execution begins and nothing is changed; what runs ends.

It is stored, so it outlives a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudwright.bus import topics
from cloudwright.bus.protocol import Bus
from cloudwright.errors import Unavailable
from cloudwright.storage import kept_values, manager_queries
from cloudwright.storage.records import Execution
from cloudwright.storage.store import Connection, Store

MAINTENANCE = "maintenance"


class MaintenanceActive(Unavailable):
    """The manager is in maintenance mode."""

    code = "maintenance_mode_active"


@dataclass(frozen=True, slots=True)
class MaintenanceState:
    """``remaining`` are the executions that still run."""

    requested_at: datetime | None = None
    requested_by: str | None = None
    activated_at: datetime | None = None
    remaining: tuple[Execution, ...] = ()


class Maintenance:
    def __init__(self, store: Store, bus: Bus, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._is_on = False

    @property
    def is_on(self) -> bool:
        return self._is_on

    async def start(self) -> None:
        """Read the maintenance mode that an earlier run of the manager stored."""
        self._is_on = (await self.state()).requested_at is not None

    async def state(self) -> MaintenanceState:
        return await self._store.write(_state, self._clock())

    async def activate(self, by: str) -> bool:
        """Let no execution begin from now on. Returns False if it was on already."""
        if self._is_on:
            return False
        # Before it is stored, so that nothing begins in between.
        self._is_on = True
        try:
            await self._store.write(
                kept_values.keep, MAINTENANCE, {"by": by, "activated_at": None}, by, self._clock()
            )
        except BaseException:
            self._is_on = False
            raise
        return True

    async def deactivate(self) -> bool:
        """Let what waits begin. Returns False if it was off already."""
        if not self._is_on:
            return False
        await self._store.write(kept_values.forget, MAINTENANCE)
        self._is_on = False
        self._bus.publish(topics.WORK, {})
        return True

    def check(self) -> None:
        """Raises MaintenanceActive."""
        if self._is_on:
            raise MaintenanceActive(
                "The manager is in maintenance mode: nothing can be started or changed."
                " `cfy maintenance-mode deactivate` ends it."
            )


def _state(conn: Connection, now: datetime) -> MaintenanceState:
    kept = kept_values.all_values(conn).get(MAINTENANCE)
    if kept is None:
        return MaintenanceState()
    remaining = tuple(manager_queries.active(conn))
    value: dict[str, Any] = kept.value
    since: datetime | None = None
    if value["activated_at"] is not None:
        since = datetime.fromisoformat(value["activated_at"])
    elif not remaining:
        since = now
        requested = {**value, "activated_at": now.isoformat()}
        kept_values.keep(conn, MAINTENANCE, requested, kept.updated_by, kept.updated_at)
    return MaintenanceState(kept.updated_at, kept.updated_by, since, remaining)

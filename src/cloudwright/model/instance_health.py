"""What the last checks of a node instance say, as they are kept in its system properties.

``status`` is what ``check_status`` said, ``configuration_drift`` what ``check_drift`` said of the instance,
and two tables by the instance at the other end what it said of relationships. Each is
``{ok, timestamp, task, result}``. A check that did not run to its end leaves what an earlier one said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

STATUS = "status"
PREVIOUS_STATUS = "previous_status"
#: Why the last check of the status said nothing: ``{execution_id, task, reason}``.
STATUS_UNKNOWN = "status_unknown"
DRIFT = "configuration_drift"
SOURCE_DRIFTS = "source_relationships_configuration_drift"
TARGET_DRIFTS = "target_relationships_configuration_drift"

#: Everything that checks keep: it is of the thing that was checked, and goes when that is recreated.
CHECKS = (STATUS, PREVIOUS_STATUS, STATUS_UNKNOWN, DRIFT, SOURCE_DRIFTS, TARGET_DRIFTS)


def is_status_ok(system_properties: Mapping[str, Any]) -> bool:
    """Return whether the last check of the status succeeded; also if there was none."""
    status = system_properties.get(STATUS) or {}
    return bool(status.get("ok", True))


def has_drift(system_properties: Mapping[str, Any]) -> bool:
    """Return whether the instance, or a relationship of it, was found to differ from its blueprint."""
    return any(drifted(check) for check in _drifts(system_properties))


def drifted(check: Mapping[str, Any] | None) -> bool:
    """Return whether a check of the drift found a difference; one that failed found none."""
    return bool(check and check.get("ok") and check.get("result"))


def _drifts(system_properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any] | None]:
    yield system_properties.get(DRIFT)
    for table in (SOURCE_DRIFTS, TARGET_DRIFTS):
        yield from (system_properties.get(table) or {}).values()

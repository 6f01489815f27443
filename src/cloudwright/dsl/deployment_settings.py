"""The section ``deployment_settings``: what a deployment begins with, its schedules above all."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cloudwright.dsl.functions.syntax import function_of
from cloudwright.dsl.problems import Path, listing
from cloudwright.dsl.structure_checks import (
    BOOLEAN,
    INTEGER,
    LIST,
    MAPPING,
    REQUIRED_STRING,
    STRING,
    Checker,
    Field,
    Shape,
)

SECTION = "deployment_settings"
SHAPE: Shape = {
    "default_schedules": MAPPING,
    "default_groups": LIST,
    "id_template": STRING,
    "display_name": Field((str, dict)),
}
SCHEDULE: Shape = {
    "workflow": REQUIRED_STRING,
    "execution_arguments": MAPPING,
    "workflow_parameters": MAPPING,
    "since": REQUIRED_STRING,
    "until": STRING,
    "recurrence": STRING,
    "timezone": STRING,
    "weekdays": LIST,
    "count": INTEGER,
    "default_enabled": BOOLEAN,
    "stop_after_fail": BOOLEAN,
    "slip": INTEGER,
}
_ARGUMENTS: Shape = {
    "force": BOOLEAN,
    "is_dry_run": BOOLEAN,
    "wait_after_fail": INTEGER,
    "allow_custom_parameters": BOOLEAN,
}
_WEEKDAYS = ("su", "mo", "tu", "we", "th", "fr", "sa")
_SPAN = re.compile(r"\d+ ?(min(ute)?|h(our)?|d(ay)?|w(eek)?|mo(nth)?|y(ear)?)s?")
_OFFSET = re.compile(r"(\+\d+ ?[a-z]+ ?)")


def read_settings(checker: Checker, raw: Any) -> dict[str, Any]:
    if raw is None or not checker.fields((SECTION,), raw, SHAPE, SECTION):
        return {}
    result = {key: item for key, item in raw.items() if item is not None}
    schedules = raw.get("default_schedules")
    if schedules is not None and checker.names((SECTION, "default_schedules"), schedules):
        result["default_schedules"] = {
            name: _schedule(checker, (SECTION, "default_schedules", name), entry)
            for name, entry in schedules.items()
        }
    return result


def _schedule(checker: Checker, path: Path, raw: Any) -> dict[str, Any]:
    if not checker.fields(path, raw, SCHEDULE, "schedule"):
        return {}
    arguments = raw.get("execution_arguments")
    if arguments is not None:
        checker.fields(
            (*path, "execution_arguments"), arguments, _ARGUMENTS, "mapping of execution arguments"
        )
    for index, day in enumerate(raw.get("weekdays") or ()):
        # "2MO" and "-1fr" are the second Monday and the last Friday.
        if not isinstance(day, str) or day.lower()[-2:] not in _WEEKDAYS:
            checker.problems.add(
                (*path, "weekdays", index),
                f"`{day}` is not a weekday.",
                expected=f"one of {listing(_WEEKDAYS)}",
            )
    recurrence = raw.get("recurrence")
    if recurrence and not _SPAN.fullmatch(recurrence):
        checker.problems.add(
            (*path, "recurrence"),
            f"`{recurrence}` is not a span of time.",
            expected="for example `2 weeks` or `10min`",
        )
    _check_parameters(checker, (*path, "workflow_parameters"), raw.get("workflow_parameters") or {})
    result = {key: item for key, item in raw.items() if item is not None and key != "timezone"}
    zone = _zone(checker, path, raw.get("timezone"))
    for name in ("since", "until"):
        if raw.get(name):
            result[name] = _moment(checker, (*path, name), raw[name], zone)
    return result


def _check_parameters(checker: Checker, path: Path, parameters: dict[str, Any]) -> None:
    """Schedules are made with the deployment, before anything has attributes."""
    for item in (parameters, *parameters.values()):
        function = function_of(item)
        if function is not None and function[0] == "get_attribute":
            checker.problems.add(
                path, "A schedule is made before there are attributes to get with `get_attribute`."
            )
            return


def _zone(checker: Checker, path: Path, name: str | None) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        checker.problems.add(
            (*path, "timezone"), f"`{name}` is not a time zone.", expected="for example `Europe/Rome`"
        )
        return None


def _moment(checker: Checker, path: Path, text: str, zone: ZoneInfo | None) -> str:
    """Return an absolute time as UTC; a time relative to the deployment's creation stays as it is."""
    if text.startswith("+"):
        offsets = _OFFSET.findall(text)
        if all(_SPAN.fullmatch(offset[1:].strip()) for offset in offsets):
            return text
        checker.problems.add(path, f"`{text}` is not a time.", expected="spans such as `+1day+10min`")
        return text
    for form in ("%Y-%m-%d %H:%M", "%H:%M"):
        try:
            moment = datetime.strptime(text, form)
        except ValueError:
            continue
        if form == "%H:%M":
            today = datetime.now()
            moment = moment.replace(year=today.year, month=today.month, day=today.day)
        local = moment.replace(tzinfo=zone) if zone else moment.astimezone()
        return local.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    checker.problems.add(
        path, f"`{text}` is not a time.", expected="YYYY-MM-DD HH:MM, HH:MM, or +<number> <unit>"
    )
    return text

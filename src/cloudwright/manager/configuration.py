"""Settings that are changed while the manager runs: those of new executions. Others need a restart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudwright.errors import Conflict, InvalidInput, NotFound
from cloudwright.settings import Settings
from cloudwright.storage import kept_values
from cloudwright.storage.kept_values import Kept
from cloudwright.storage.store import Connection, Store

_WORKFLOW = "workflow"
_PREFIX = "config."
_NUMBER, _INTEGER = "number", "integer"

Schema = Mapping[str, Any]
#: What can be changed, and what values it may have.
EDITABLE: Mapping[str, Schema] = {
    "task_retries": {"type": _INTEGER, "minimum": -1},
    "task_retry_interval": {"type": _NUMBER, "minimum": 0},
    "task_retry_backoff": {"type": _NUMBER, "minimum": 1},
    "subgraph_retries": {"type": _INTEGER, "minimum": -1},
}
#: What is only shown, by the scope of what uses it.
_FIXED: Mapping[str, tuple[str, ...]] = {
    "mgmtworker": ("max_workflows", "max_operations"),
    "rest": ("max_archive", "kill_grace"),
}
_LARGEST = 10**9


@dataclass(frozen=True, slots=True)
class ConfigItem:
    name: str
    value: Any
    scope: str
    schema: Schema | None
    changed: Kept | None


class Configuration:
    def __init__(self, store: Store, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock

    async def items(self) -> list[ConfigItem]:
        kept = await self._store.read(kept_values.all_values)
        return [self._item(name, scope, kept) for scope, names in _scopes().items() for name in names]

    async def item(self, name: str) -> ConfigItem:
        """Return one by its name, or by `SCOPE.NAME`. Raises NotFound."""
        for item in await self.items():
            if name in (item.name, f"{item.scope}.{item.name}"):
                return item
        raise NotFound(
            f"There is no setting `{name[:200]}`; the settings are:"
            f" {', '.join(name for names in _scopes().values() for name in names)}."
        )

    async def put(self, name: str, value: Any, *, by: str) -> ConfigItem:
        """Change a setting for the executions that begin from now on.

        Raises NotFound, Conflict if it cannot be changed while the manager runs, and InvalidInput.
        """
        item = await self.item(name)
        if item.schema is None:
            variable = f"CLOUDWRIGHT_{item.name.upper()}"
            raise Conflict(
                f"`{item.name}` cannot be changed while the manager runs. Set {variable}, and start it again."
            )
        if isinstance(value, str):
            value = _number(value)
        _check(item.name, value, item.schema)
        await self._store.write(kept_values.keep, _PREFIX + item.name, value, by, self._clock())
        return await self.item(item.name)

    def _item(self, name: str, scope: str, kept: Mapping[str, Kept]) -> ConfigItem:
        changed = kept.get(_PREFIX + name)
        value = getattr(self._settings, name) if changed is None else changed.value
        return ConfigItem(name, value, scope, EDITABLE.get(name), changed)


def changed_settings(conn: Connection) -> dict[str, Any]:
    """Return the settings of executions that were changed, by their names."""
    kept = kept_values.all_values(conn)
    return {name: kept[_PREFIX + name].value for name in EDITABLE if _PREFIX + name in kept}


def _scopes() -> dict[str, tuple[str, ...]]:
    return {_WORKFLOW: tuple(EDITABLE), **_FIXED}


def _number(text: str) -> Any:
    """Return the number that a text is, as command lines send it; the text if it is none."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _check(name: str, value: Any, schema: Schema) -> None:
    kinds = int if schema["type"] == _INTEGER else (int, float)
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not schema["minimum"] <= value <= _LARGEST:
        raise InvalidInput(
            f"`{name}` is {value!r:.100}; it must be a {schema['type']}, {schema['minimum']} or more."
        )

"""Objects that show records of the manager to a workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Record(dict[str, Any]):
    """A dictionary whose keys can be read as attributes as well, as those of REST resources."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class RecordField(Generic[T]):
    """An attribute of a RecordView: the value under the attribute's name, or a default if that is empty or
    missing.
    """

    def __init__(self, default: Callable[[], T], doc: str) -> None:
        self.__doc__ = doc
        self._default = default
        self._key = ""

    def __set_name__(self, owner: type[RecordView], name: str) -> None:
        self._key = name

    def __get__(self, view: RecordView, owner: type[RecordView]) -> T:
        value: T = view.record.get(self._key) or self._default()
        return value


def nothing() -> None:
    """Return the default of a field that may be None."""
    return


class RecordView:
    """An object that shows a record: its class declares which keys are attributes."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = Record(record)

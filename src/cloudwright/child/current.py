"""Which ``ctx`` is the current one, and the stand-in that user code imports before there is any.

A process runs one operation, so its context is the whole process's: threads that the user's code starts see
it too. A thread may still set one of its own, as plugins' tests do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cloudwright.child.errors import NotInContext


class Parameters(dict[str, Any]):
    """An operation's inputs, by key or by attribute."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise KeyError(name)


class CurrentContext:
    """The current context and parameters: of this thread if it set its own, else of the process."""

    def __init__(self) -> None:
        self._thread = threading.local()
        self._shared: tuple[Any, Parameters] | None = None

    def share(self, ctx: Any, parameters: Mapping[str, Any] | None = None) -> None:
        """Set the context of the whole process."""
        self._shared = (ctx, Parameters(parameters or {}))

    def unshare(self) -> None:
        """Forget the context of the process."""
        self._shared = None

    def set(self, ctx: Any, parameters: Mapping[str, Any] | None = None) -> None:
        """Set the context of this thread."""
        self._thread.value = (ctx, Parameters(parameters or {}))

    def clear(self) -> None:
        """Forget the context of this thread."""
        self._thread.value = None

    @contextmanager
    def push(self, ctx: Any, parameters: Mapping[str, Any] | None = None) -> Iterator[CurrentContext]:
        """Set the context of this thread for a while."""
        previous = getattr(self._thread, "value", None)
        self.set(ctx, parameters)
        try:
            yield self
        finally:
            self._thread.value = previous

    def get_ctx(self) -> Any:
        """Return the current context. Raises NotInContext if there is none."""
        ctx = self._current()[0]
        if ctx is None:
            raise NotInContext(
                "There is no context here: this code does not run inside an operation or a workflow."
            )
        return ctx

    def get_parameters(self) -> Parameters:
        """Return the inputs of the current context's function. Raises NotInContext if there is none."""
        return self._current()[1]

    def _current(self) -> tuple[Any, Parameters]:
        current = getattr(self._thread, "value", None) or self._shared
        if current is None:
            raise NotInContext(
                "There is no context here: this code does not run inside an operation or a workflow."
            )
        return current


class Proxy:
    """Stands for what ``current`` returns at the moment of each use."""

    __slots__ = ("_Proxy__current",)

    def __init__(self, current: Callable[[], Any]) -> None:
        object.__setattr__(self, "_Proxy__current", current)

    def _get_current_object(self) -> Any:
        return self.__current()

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # isinstance(ctx, ...) asks about what it stands for
        try:
            return type(self.__current())
        except NotInContext:
            return Proxy

    def __getattr__(self, name: str) -> Any:
        try:
            current = self.__current()
        except NotInContext as error:
            if name.startswith("__"):
                # Tools look modules through; a stand-in that stands for nothing yet has no special
                # attributes.
                raise AttributeError(name) from error
            raise
        return getattr(current, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__current(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__current(), name)

    def __dir__(self) -> list[str]:
        return dir(self.__current())

    def __repr__(self) -> str:
        try:
            return repr(self.__current())
        except NotInContext:
            return "<ctx: not inside an operation or a workflow>"

    def __str__(self) -> str:
        return str(self.__current())

    def __bool__(self) -> bool:
        try:
            return bool(self.__current())
        except NotInContext:
            return False

    def __eq__(self, other: object) -> bool:
        return bool(self.__current() == other)

    def __hash__(self) -> int:
        return hash(self.__current())

    def __contains__(self, key: object) -> bool:
        return key in self.__current()

    def __getitem__(self, key: Any) -> Any:
        return self.__current()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__current()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.__current()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__current())

    def __len__(self) -> int:
        return len(self.__current())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__current()(*args, **kwargs)


current_ctx = CurrentContext()
ctx: Any = Proxy(current_ctx.get_ctx)
ctx_parameters: Any = Proxy(current_ctx.get_parameters)

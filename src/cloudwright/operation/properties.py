"""Properties of nodes, which cannot be changed, and of their instances, which can."""

from __future__ import annotations

from typing import Any, NoReturn

from cloudwright.child.errors import NonRecoverableError
from cloudwright.model.json_values import canonical


class ImmutableProperties(dict[str, Any]):
    """A node's properties. The blueprint says what they are, and only a deployment update changes them."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NonRecoverableError(
            "The properties of a node cannot be changed by an operation; runtime properties of its instance "
            "can."
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = clear = pop = popitem = setdefault = _refuse


class RuntimeProperties(dict[str, Any]):
    """An instance's runtime properties, which know whether they were changed, however deep inside.

    They compare themselves with what was loaded instead of watching each write, so that changes inside nested
    dictionaries and lists count. ``modifiable`` False refuses writes. Setting ``dirty`` counts as a change.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.modifiable = True
        self._forced = False
        self._loaded: str | None = None
        self.mark_clean()

    def mark_clean(self) -> None:
        """Take the current values for the stored ones."""
        self._forced = False
        try:
            self._loaded = canonical(dict(self))
        except (TypeError, ValueError):
            # Made by hand (a test's): nothing that cannot be stored can be what is stored.
            self._loaded = None

    @property
    def dirty(self) -> bool:
        """Whether they differ from what was loaded, or cannot be stored at all."""
        if self._forced or self._loaded is None:
            return True
        try:
            return canonical(dict(self)) != self._loaded
        except (TypeError, ValueError):
            return True

    @dirty.setter
    def dirty(self, value: bool) -> None:
        if value:
            self._set_changed()
        else:
            self.mark_clean()

    def replace(self, values: dict[str, Any]) -> None:
        """Have these instead, in the same object, so that who holds it sees them."""
        values = dict(values)
        super().clear()
        super().update(values)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, however it is made, is a plain dictionary: changing it changes nothing that is stored.
        return dict, (dict(self),)

    # The name that plugins call it by.
    def _set_changed(self) -> None:
        self._check()
        self._forced = True

    def _check(self) -> None:
        if not self.modifiable:
            raise NonRecoverableError(
                "The runtime properties of a relationship's target can be read here but not changed; an "
                "operation of the relationship can change them, as ctx.target.instance.runtime_properties."
            )

    def __setitem__(self, key: str, value: Any) -> None:
        self._check()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._check()
        super().__delitem__(key)

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc] # unlike `|`, it stays what it is
        self._check()
        return super().__ior__(other)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self._check()
        super().update(*args, **kwargs)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._check()
        return super().setdefault(key, default)

    def pop(self, key: str, default: Any = None) -> Any:
        """Remove a key; unlike a dictionary's, it accepts one that is missing."""
        self._check()
        return super().pop(key, default)

    def popitem(self) -> tuple[str, Any]:
        self._check()
        return super().popitem()

    def clear(self) -> None:
        self._check()
        super().clear()

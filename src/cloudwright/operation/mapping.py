"""From an operation's mapping to its function, and from its inputs to the function's arguments."""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from cloudwright.child.errors import NonRecoverableError

#: How many names an error lists of what was found instead.
_LISTED = 12
#: What Cloudify's runtime brings; nothing that a plugin requires can add to it.
_PROVIDED = ("cloudify", "cloudify_rest_client", "cloudify_types", "dsl_parser", "script_runner")
#: In the flags of a function's code: it takes ``*args``; it takes ``**kwargs``.
_VARARGS, _VARKEYWORDS = 0x04, 0x08


def add_paths(paths: list[str]) -> None:
    """Make what is in the plugin's folders importable, before anything else of that name."""
    for path in reversed(paths):
        if path not in sys.path:
            sys.path.insert(0, path)


def load_function(mapping: str, plugin: str, paths: list[str]) -> Callable[..., Any]:
    """Return the function that ``mapping`` (`package.module.function`) names.

    Raises NonRecoverableError, which says what is missing and what was found instead.
    """
    module_name, _, name = mapping.rpartition(".")
    if not module_name or not name:
        raise NonRecoverableError(
            f"The operation is mapped to `{mapping}` of plugin `{plugin}`, which does not name a "
            "function: a mapping is `module.function`."
        )
    module = _import(module_name, mapping, plugin, paths)
    if not hasattr(module, name):
        raise NonRecoverableError(
            f"The operation is mapped to `{mapping}` of plugin `{plugin}`, and module `{module_name}` has no "
            f"`{name}`. It was found in `{_file(module)}`, which has {_functions(module)}."
        )
    function = getattr(module, name)
    if not callable(function):
        raise NonRecoverableError(
            f"The operation is mapped to `{mapping}` of plugin `{plugin}`, which is not a function but of "
            f"type {type(function).__name__}. It was found in `{_file(module)}`, which "
            f"has {_functions(module)}."
        )
    return function  # type: ignore[no-any-return]


def arguments(function: Callable[..., Any], inputs: dict[str, Any], ctx: Any, mapping: str) -> dict[str, Any]:
    """What to call ``function`` with: the inputs, and ``ctx`` if it takes one.

    Raises NonRecoverableError if the inputs do not fit the function.
    """
    fitting = _fitting(function, inputs, ctx)
    return _bound(function, inputs, ctx, mapping) if fitting is None else fitting


def _fitting(function: Callable[..., Any], inputs: dict[str, Any], ctx: Any) -> dict[str, Any] | None:
    """Return the arguments of an ordinary function, if its code says that the inputs fit; None if that takes
    a closer look.

    ``inspect`` would say the same, and is large, in what it imports and in what it runs: it costs an
    operation 40 page faults and its zygote a megabyte.
    """
    if type(function) is not FunctionType or hasattr(function, "__signature__"):
        return None
    code = function.__code__
    taken, flags = code.co_argcount + code.co_kwonlyargcount, code.co_flags
    if code.co_posonlyargcount or flags & _VARARGS:
        return None
    names, optional = code.co_varnames[:taken], function.__kwdefaults__ or {}
    if flags & _VARKEYWORDS or "ctx" in names:
        inputs = inputs | {"ctx": ctx}
    required = code.co_argcount - len(function.__defaults__ or ())
    for place, name in enumerate(names):
        if name not in inputs and (place < required or (place >= code.co_argcount and name not in optional)):
            return None
    if not flags & _VARKEYWORDS:
        for name in inputs:
            if name not in names:
                return None
    return inputs


def _bound(function: Callable[..., Any], inputs: dict[str, Any], ctx: Any, mapping: str) -> dict[str, Any]:
    """Return the arguments of whatever can be called, or the error that says why the inputs do not fit it."""
    import inspect  # noqa: PLC0415 - large, and few operations need it

    try:
        # Not of what a decorator wraps: the decorator's own function is what is called.
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return inputs | {"ctx": ctx}
    parameters = signature.parameters.values()
    if "ctx" in signature.parameters or any(each.kind is each.VAR_KEYWORD for each in parameters):
        inputs = inputs | {"ctx": ctx}
    try:
        signature.bind(**inputs)
    except TypeError as error:
        given = ", ".join(sorted(set(inputs) - {"ctx"})) or "none"
        raise NonRecoverableError(
            f"The operation's inputs do not fit the function that it is mapped to: {error}. The inputs are "
            f"{given}; the function is `{mapping}{signature}`."
        ) from None
    return inputs


def _import(module_name: str, mapping: str, plugin: str, paths: list[str]) -> ModuleType:
    start = f"The operation is mapped to `{mapping}` of plugin `{plugin}`, and module `{module_name}`"
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name == missing or module_name.startswith(f"{missing}."):
            raise NonRecoverableError(
                f"{start} does not exist: there is no `{missing}` in {_contents(paths)}."
            ) from error
        if missing.partition(".")[0] in _PROVIDED:
            raise NonRecoverableError(
                f"{start} could not be imported: it needs `{missing}`. What Cloudify has under these names, "
                "Cloudwright brings itself, and this is not there."
            ) from error
        raise NonRecoverableError(
            f"{start} could not be imported: it needs `{missing}`, which is not installed in the plugin's "
            f"environment ({sys.prefix}). Add it to what the plugin requires."
        ) from error
    except ImportError as error:
        # The module has this name; plugins know it by another.
        provider = (error.name or "").removeprefix("cloudwright.compat.")
        if provider.partition(".")[0] not in _PROVIDED:
            raise NonRecoverableError(f"{start} {_not_imported(error)}") from error
        wanted = re.match("cannot import name '(.*?)'", error.msg)
        raise NonRecoverableError(
            f"{start} could not be imported: it needs `{wanted[1] if wanted else '?'}` of `{provider}`. "
            "What Cloudify has under these names, Cloudwright brings itself, and this is not there."
        ) from error
    except SyntaxError as error:
        raise NonRecoverableError(
            f"{start} could not be imported: {error.msg} in `{error.filename}`, line {error.lineno}."
        ) from error
    except Exception as error:
        raise NonRecoverableError(f"{start} {_not_imported(error)}") from error


def _not_imported(error: Exception) -> str:
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")
    ]
    where = f" in `{frames[-1].filename}`, line {frames[-1].lineno}" if frames else ""
    return f"could not be imported: {type(error).__name__}: {error}{where}."


def _contents(paths: list[str]) -> str:
    if not paths:
        return f"the plugin's environment ({sys.prefix})"
    return " or ".join(f"`{path}`, which has {_listed(_names(path))}" for path in paths)


def _names(path: str) -> list[str]:
    try:
        return [name for name in os.listdir(path) if not name.startswith((".", "__pycache__"))]
    except OSError as error:
        return [f"nothing that can be read ({error.strerror})"]


def _functions(module: ModuleType) -> str:
    return _listed(
        [name for name, value in vars(module).items() if isinstance(value, FunctionType) and name[0] != "_"]
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in sorted(names)[:_LISTED])
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{shown}{more}" if names else "nothing"


def _file(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or module.__name__

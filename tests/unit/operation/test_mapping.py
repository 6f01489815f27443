"""From an operation's inputs to the arguments of its function."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cloudwright
from cloudwright.child.errors import NonRecoverableError
from cloudwright.operation.mapping import arguments

SOURCE = str(Path(cloudwright.__file__).parents[1])
CTX = object()
NAMES = ("ctx", "a", "b", "c")
#: A parameter's kind, in the order that a function has them.
POSITIONAL, ORDINARY, KEYWORD = range(3)

kinds = st.sampled_from([POSITIONAL, ORDINARY, ORDINARY, KEYWORD])
parameters = st.lists(
    st.tuples(st.sampled_from(NAMES), kinds, st.booleans()), max_size=4, unique_by=lambda each: each[0]
)
inputs = st.dictionaries(st.sampled_from(NAMES[1:]), st.integers(), max_size=3)


@st.composite
def functions(draw: st.DrawFn) -> Any:
    """Functions with all kinds of parameters, defaults, ``*`` and ``**`` (also of the name ``ctx``)."""
    chosen = sorted(draw(parameters), key=lambda each: each[1])
    taken = {name for name, _, _ in chosen}
    rest = [name for name in ("ctx", "rest") if name not in taken]
    args = draw(st.none() | st.sampled_from(rest))
    kwargs = draw(st.none() | st.sampled_from([name for name in (*rest, "more") if name != args]))
    optional = False
    parts: list[str] = []
    starred = False
    for index, (name, kind, default) in enumerate(chosen):
        if kind == KEYWORD and not starred:
            parts.append(f"*{args or ''}")
            starred = True
            optional = False
        # Behind a default come defaults only, but for keywords.
        optional = default or (optional and kind != KEYWORD)
        parts.append(f"{name}=0" if optional else name)
        last = index + 1 == len(chosen) or chosen[index + 1][1] != POSITIONAL
        if kind == POSITIONAL and last:
            parts.append("/")
    if args and not starred:
        parts.append(f"*{args}")
    if kwargs:
        parts.append(f"**{kwargs}")
    names: dict[str, Any] = {}
    exec(f"def function({', '.join(parts)}):\n    inside = 1\n    return inside", names)
    return names["function"]


def expected(function: Any, given_: dict[str, Any]) -> dict[str, Any] | str:
    """The arguments, or why there are none, as ``inspect`` says it."""
    signature = inspect.signature(function, follow_wrapped=False)
    kept = dict(given_)
    if "ctx" in signature.parameters or any(
        each.kind is each.VAR_KEYWORD for each in signature.parameters.values()
    ):
        kept["ctx"] = CTX
    try:
        signature.bind(**kept)
    except TypeError as error:
        return f"mapped to: {error}. The inputs are"
    return kept


@given(functions(), inputs)
def test_arguments_are_what_the_signature_takes(function: Any, given_: dict[str, Any]) -> None:
    before = dict(given_)
    wanted = expected(function, given_)
    if isinstance(wanted, str):
        with pytest.raises(NonRecoverableError) as raised:
            arguments(function, given_, CTX, "plugin.function")
        assert wanted in str(raised.value)
        assert f"`plugin.function{inspect.signature(function)}`" in str(raised.value)
    else:
        found = arguments(function, given_, CTX, "plugin.function")
        assert found == wanted
        function(**found)
    assert given_ == before


def test_what_is_called_decides_and_not_what_it_wraps() -> None:
    def wrapped(port: int) -> None: ...

    @functools.wraps(wrapped)
    def anything(**kwargs: Any) -> None: ...

    assert arguments(anything, {"host": 1}, CTX, "p.f") == {"host": 1, "ctx": CTX}


def test_a_signature_that_a_function_says_is_believed() -> None:
    def anything(**kwargs: Any) -> None: ...

    anything.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    assert arguments(anything, {}, CTX, "p.f") == {}
    with pytest.raises(NonRecoverableError, match="unexpected keyword argument 'port'"):
        arguments(anything, {"port": 1}, CTX, "p.f")


class Callable:
    def method(self, port: int = 1) -> None: ...

    def __call__(self, ctx: Any) -> None: ...


def test_other_things_that_can_be_called_are_looked_at_too() -> None:
    assert arguments(Callable().method, {"port": 2}, CTX, "p.f") == {"port": 2}
    assert arguments(Callable(), {}, CTX, "p.f") == {"ctx": CTX}
    assert arguments(functools.partial(Callable().method, port=1), {}, CTX, "p.f") == {}
    with pytest.raises(NonRecoverableError, match="missing a required argument: 'self'"):
        arguments(Callable.method, {"port": 1}, CTX, "p.f")


LEAN = """
import sys
sys.path.insert(0, sys.argv[1])
from cloudwright.process import zygote
from cloudwright.compat import operation_preload
from cloudwright.operation import child, warmup
warmup.warm_up()
large = {"ast", "base64", "dataclasses", "inspect", "pathlib", "random", "shutil", "tempfile", "urllib"}
print(sorted(large & set(sys.modules)))
"""


def test_a_zygote_of_operations_holds_nothing_large_that_few_need() -> None:
    command = [sys.executable, "-I", "-S", "-c", LEAN, SOURCE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr

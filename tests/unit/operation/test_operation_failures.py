"""How an operation fails, and what of that its user is told."""

from __future__ import annotations

import pytest
from supervised import Operations


@pytest.mark.parametrize(
    ("statement", "kind", "recoverable", "retry_after", "message"),
    [
        ("raise NonRecoverableError('no way')", "NonRecoverableError", False, None, "no way"),
        ("raise RecoverableError('later')", "RecoverableError", True, None, "later"),
        ("raise RecoverableError('later', 7)", "RecoverableError", True, 7, "later [retry_after=7]"),
        (
            "raise OperationRetry('again', retry_after=0.5)",
            "OperationRetry",
            True,
            0.5,
            "again [retry_after=0.5]",
        ),
        (
            "raise HttpException('http://x', 404, 'gone')",
            "HttpException",
            False,
            None,
            "404 (http://x) : gone",
        ),
        ("ctx.operation.retry('wait', 3)", "OperationRetry", True, 3, "wait [retry_after=3]"),
        ("ctx.operation.retry()", "OperationRetry", True, None, "OperationRetry"),
        ("raise CloudifyClientError('no x', status_code=404)", "RequestRefused", False, None, "404: no x"),
        ("raise CloudifyClientError('busy', status_code=409)", "RequestRefused", True, None, "409: busy"),
        ("raise KeyError('x')", "KeyError", True, None, "'x'"),
        ("1 / 0", "ZeroDivisionError", True, None, "division by zero"),
        ("raise ValueError", "ValueError", True, None, "ValueError"),
        ("import sys; sys.exit(3)", "SystemExit", True, None, "called sys.exit(3) instead of returning"),
        ("import sys; sys.exit()", "SystemExit", True, None, "called sys.exit(None) instead of returning"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", True, None, "interrupted"),
        ("x = bytearray(1 << 62)", "MemoryError", True, None, "ran out of memory"),
        ("operation(ctx)", "RecursionError", True, None, "called itself too deep"),
        ("raise Odd", "Odd", True, None, "message could not be made: TypeError"),
    ],
)
def test_how_an_operation_fails(
    operations: Operations,
    statement: str,
    kind: str,
    recoverable: bool,
    retry_after: float | None,
    message: str,
) -> None:
    done = operations.python(
        f"""
from cloudify.exceptions import *
from cloudify_rest_client.exceptions import CloudifyClientError

class Odd(Exception):
    def __str__(self):
        return 5

def operation(ctx):
    ctx.instance.runtime_properties["reached"] = True
    {statement}
"""
    ).run()
    assert done.failure["kind"] == kind
    assert done.failure["recoverable"] is recoverable
    assert done.failure["retry_after"] == retry_after
    assert message in done.failure["message"]
    # What it had noted down by then is stored all the same.
    assert done.stored == {"server_1": {"reached": True}}
    assert done.status == 0


def test_a_traceback_shows_the_users_code_alone(operations: Operations) -> None:
    done = operations.python(
        """
def operation(ctx):
    inner()

def inner():
    try:
        ctx.get_resource("x")
    except NameError as error:
        raise ValueError("outer") from error
"""
    ).run()
    traceback = done.failure["traceback"]
    assert "line 3, in operation" in traceback
    assert "raise ValueError" in traceback
    assert "NameError" in traceback
    assert "child.py" not in traceback
    done = operations.python("def operation(ctx): ctx.get_resource('missing.txt')").run()
    assert "written_by_a_test" in done.failure["traceback"]
    assert "resources.py" not in done.failure["traceback"]


def test_the_place_is_in_the_users_code_and_relative_to_the_blueprint(operations: Operations) -> None:
    folder = operations.blueprint / "plugins"
    folder.mkdir()
    (folder / "tasks.py").write_text(
        "import json\n\ndef deep(text):\n    return json.loads(text)\n\n"
        "def create(ctx):\n    try:\n        deep('{')\n"
        "    except ValueError as error:\n        raise RuntimeError('no settings') from error\n"
        "def start(ctx):\n    deep('{')\n"
    )
    failure = operations.start(operations.begin("tasks.create")).run().failure
    assert failure["place"] == "plugins/tasks.py:10, in create"
    assert 'File "plugins/tasks.py", line 10, in create' in failure["traceback"]
    assert str(operations.blueprint) not in failure["traceback"]
    [cause] = failure["causes"]
    assert cause["type"] == "JSONDecodeError"
    assert cause["message"].startswith("Expecting property name")
    assert 'File "plugins/tasks.py", line 4, in deep' in cause["traceback"]
    # A library that it called is where it was raised, and of no use to who looks for it.
    failure = operations.start(operations.begin("tasks.start")).run().failure
    assert failure["place"] == "plugins/tasks.py:4, in deep"
    assert failure["causes"] == []


def test_causes_are_told(operations: Operations) -> None:
    done = operations.python(
        """
import sys
from cloudify.exceptions import NonRecoverableError
from cloudify.utils import exception_to_error_cause

def operation(ctx):
    try:
        {}["x"]
    except KeyError as error:
        cause = exception_to_error_cause(error, sys.exc_info()[2])
        raise NonRecoverableError("outer", causes=[cause]) from None
"""
    ).run()
    assert "Caused by KeyError: 'x'" in done.failure["traceback"]
    [cause] = done.failure["causes"]
    assert (cause["type"], cause["message"]) == ("KeyError", "'x'")


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ("nothing", ["does not name a function", "`nothing`"]),
        ("absent.module.operation", ["there is no `absent`", "plugins`, which has `broken.py`, `good.py`"]),
        ("good.absent.operation", ["there is no `good.absent`"]),
        ("good.absent", ["has no `absent`", "good.py`, which has `install`, `start`", "plugin `web`"]),
        ("good.number", ["not a function but of type int"]),
        ("broken.operation", ["could not be imported", "line 1"]),
        ("needy.operation", ["needs `boto99`", "Add it to what the plugin requires"]),
        ("raising.operation", ["RuntimeError: not today", "raising.py`, line 3"]),
        ("leaving.operation", ["sys.exit"]),
    ],
)
def test_a_mapping_that_does_not_import_is_explained(
    operations: Operations, mapping: str, expected: list[str]
) -> None:
    folder = operations.blueprint / "plugins"
    folder.mkdir()
    (folder / "good.py").write_text("number = 5\ndef start(ctx): pass\ndef install(ctx): pass\n")
    (folder / "broken.py").write_text("def operation(:\n")
    (folder / "needy.py").write_text("import boto99\n")
    (folder / "raising.py").write_text("def f():\n\n    raise RuntimeError('not today')\nf()\n")
    (folder / "leaving.py").write_text("import sys\nsys.exit(1)\n")
    done = operations.start(operations.begin(mapping)).run()
    for part in expected:
        assert part in done.failure["message"]
    assert done.failure["recoverable"] is (mapping == "leaving.operation")


def test_inputs_that_do_not_fit_are_explained(operations: Operations) -> None:
    done = operations.python("def operation(size, colour='red'): pass", {"weight": 3}).run()
    assert not done.failure["recoverable"]
    assert "The inputs are weight; the function is" in done.failure["message"]
    assert "(size, colour='red')" in done.failure["message"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("object()", "it is of type object"),
        ("{'a': [1, {2}]}", "`result.a[1]` is of type set"),
        ("{(1, 2): 3}", "has a key of type tuple"),
        ("float('nan')", "is nan"),
        ("__import__('datetime').datetime(2020, 1, 1)", "is of type datetime.datetime"),
        ("b'x'", "is of type bytes"),
        ("'\\udc80'", "not valid Unicode"),
        ("(lambda x: x.append(x) or x)([])", "holds itself"),
    ],
)
def test_a_result_that_is_no_json_is_explained(operations: Operations, value: str, reason: str) -> None:
    done = operations.python(f"def operation(): return {value}").run()
    assert not done.failure["recoverable"]
    assert "did its work, but what it returned cannot be stored" in done.failure["message"]
    assert reason.replace("it is", "`result` is") in done.failure["message"]


def test_a_result_that_is_too_large_keeps_the_runtime_properties(operations: Operations) -> None:
    done = operations.python(
        """
def operation(ctx):
    ctx.instance.runtime_properties["x"] = 1
    return "x" * (65 * 1024 * 1024)
"""
    ).run()
    assert "its result cannot be stored" in done.failure["message"]
    assert done.stored == {"server_1": {"x": 1}}


def test_runtime_properties_that_are_too_large_are_told(operations: Operations) -> None:
    done = operations.python(
        "def operation(ctx): ctx.instance.runtime_properties['x'] = 'x' * (65 * 1024 * 1024)"
    ).run()
    assert "its changed runtime properties cannot be stored" in done.failure["message"]
    assert done.stored == {}


def test_runtime_properties_that_are_no_json_are_explained(operations: Operations) -> None:
    source = "def operation(ctx):\n    ctx.instance.runtime_properties['at'] = {'x': [object()]}\n"
    done = operations.python(source).run()
    assert "runtime properties of `server_1` cannot be stored" in done.failure["message"]
    assert "`runtime_properties.at.x[0]` is of type object" in done.failure["message"]
    done = operations.python(source + "    raise ValueError('first')\n").run()
    assert done.failure["message"].startswith("first (Besides: The runtime properties")


NESTED = """
def deep(levels):
    value = "x"
    for _ in range(levels):
        value = [value]
    return value
"""


def test_a_result_that_is_nested_too_deep_is_refused_whole(operations: Operations) -> None:
    source = NESTED + "def operation(**_):\n    return deep(%d)"
    assert operations.python(source % 100).run().end["outcome"] == "succeeded"  # type: ignore[index]
    failure = operations.python(source % 101).run().failure
    assert not failure["recoverable"]
    assert "did its work, but what it returned cannot be stored" in failure["message"]
    assert "nested deeper than the 100 levels that a value may have" in failure["message"]


@pytest.mark.parametrize("levels", [400, 100_000])
def test_runtime_properties_that_are_nested_too_deep_are_refused_whole(
    operations: Operations, levels: int
) -> None:
    done = operations.python(
        NESTED + "def operation(ctx, **_):\n"
        "    ctx.instance.runtime_properties['fine'] = 1\n"
        f"    ctx.instance.runtime_properties['deep'] = deep({levels})"
    ).run()
    assert done.end is not None
    assert done.end["updates"] == []
    assert "nested deeper than the 100 levels" in done.failure["message"]


def test_a_call_whose_argument_is_nested_too_deep_is_not_made(operations: Operations) -> None:
    done = operations.python(
        NESTED + "def operation(ctx, **_):\n    ctx._supervisor.call('evaluate', value=deep(101))"
    ).run()
    assert done.calls == []
    assert "`evaluate` cannot be called: `value` is nested deeper than the 100" in done.failure["message"]

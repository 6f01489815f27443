"""The workflow's process: from ``begin`` to ``end``, and what it says when there is no good end."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fake_host import FakeHost
from graphs import THING

from cloudwright.process import frames
from cloudwright.process.channel import Channel
from cloudwright.process.frames import VERSION
from cloudwright.workflow import child
from cloudwright.workflow.decorators import workflow


def run(function: Any, parameters: dict[str, Any] | None = None, **begin: Any) -> dict[str, Any]:
    host = FakeHost(THING, **begin)
    end = host.run(function, **(parameters or {}))
    assert end is not None
    return end


def error_of(function: Any, **begin: Any) -> dict[str, Any]:
    end = run(function, **begin)
    assert end["outcome"] == "failed"
    error: dict[str, Any] = end["error"]
    return error


# Calling the function.


def test_the_context_and_the_parameters_are_passed_by_name() -> None:
    assert run(lambda ctx, size: [ctx.workflow_id, size], {"size": 3})["result"] == ["w", 3]
    assert run(lambda **kwargs: sorted(kwargs), {"size": 3})["result"] == ["ctx", "size"]
    assert run(lambda size: size, {"size": 3})["result"] == 3
    assert run(lambda size=1, *, ctx: size)["result"] == 1


def test_parameters_that_do_not_fit_are_named() -> None:
    def takes(ctx: Any, size: int) -> None: ...

    host = FakeHost(THING)
    end = host.run(takes, other=1)
    assert end is not None
    error = end["error"]
    assert "parameters ['other']" in error["message"]
    assert "missing a required argument: 'size'" in error["message"]
    assert "takes(ctx" in error["message"]


def test_ctx_and_parameters_can_be_imported_before_there_are_any() -> None:
    from cloudwright.workflow.current import workflow_ctx, workflow_parameters

    host = FakeHost(THING)
    end = host.run(
        lambda **_: [workflow_ctx.execution_id, workflow_parameters.size, bool(workflow_ctx)], size=7
    )
    assert end is not None
    assert end["result"] == ["e1", 7, True]
    assert not workflow_ctx


@pytest.mark.parametrize(
    ("result", "told"), [({"a": [1]}, {"a": [1]}), (None, None), ({1, 2}, "{1, 2}"), (float("nan"), "nan")]
)
def test_the_result_is_told_or_at_least_shown(result: Any, told: Any) -> None:
    assert run(lambda ctx: result) == {"outcome": "terminated", "result": told, "error": None}


# Not finding it.


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "plugin"
    (folder / "inner").mkdir(parents=True)
    (folder / "good.py").write_text("def run(ctx):\n    return __name__\nvalue = 3\n")
    (folder / "bad.py").write_text("import not_there_at_all\n")
    (folder / "broken.py").write_text("def run(ctx)\n")
    (folder / "raising.py").write_text("raise ValueError('at import')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("good", "bad", "broken", "raising"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield folder
    # Other tests have modules of these names too.
    for name in ("good", "bad", "broken", "raising"):
        sys.modules.pop(name, None)


def test_the_plugin_s_folders_are_looked_in_first(plugin: Path) -> None:
    host = FakeHost(THING, mapping="good.run", plugin={"name": "p", "version": "1", "path": [str(plugin)]})
    end = host.run()
    assert end is not None
    assert end["result"] == "good"
    assert sys.path[0] == str(plugin)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("nowhere.to.be.found", "there is no module `nowhere`"),
        ("good.missing", "has no function `missing`"),
        ("good.value", "something other than a function under the name `value`"),
        ("bad.run", "needs module `not_there_at_all`"),
        ("broken.run", "SyntaxError"),
        ("raising.run", "ValueError: at import"),
        ("justaname", "not a dotted path"),
    ],
)
def test_a_function_that_cannot_be_had_is_named_with_its_plugin_and_where_it_was_looked_for(
    plugin: Path, mapping: str, message: str
) -> None:
    host = FakeHost(THING, mapping=mapping, plugin={"name": "p", "version": "1", "path": [str(plugin)]})
    end = host.run()
    assert end is not None
    assert end["outcome"] == "failed"
    told = end["error"]["message"]
    assert f"Workflow `w` is mapped to `{mapping}` of plugin `p`" in told
    assert message in told
    if mapping.startswith(("nowhere", "good")):
        assert str(plugin) in told
    if mapping == "raising.run":
        assert "raising.py" in end["error"]["traceback"]
        assert "child.py" not in end["error"]["traceback"]


# Resuming what cannot be.


def test_a_workflow_that_cannot_be_resumed_says_what_to_do() -> None:
    error = error_of(lambda ctx: None, resume=True, workflow_entered=True)
    assert "@workflow(resumable=True)" in error["message"]
    assert "Start it again" in error["message"]


def test_it_counts_as_stopped_where_it_was_asked_to_stop() -> None:
    assert (
        run(lambda ctx: None, resume=True, workflow_entered=True, cancel="cancel")["outcome"] == "cancelled"
    )


def test_one_that_was_never_called_runs_for_the_first_time_whoever_owned_it_before() -> None:
    assert run(lambda ctx: ctx.resume, resume=True)["result"] is False


def test_only_one_that_cannot_be_resumed_is_recorded_as_entered_and_before_it_is_called() -> None:
    seen: list[Any] = []
    host = FakeHost(THING)
    host.run(lambda ctx: seen.extend(call["method"] for call in host.calls))
    assert seen == ["begin"]
    host = FakeHost(THING)
    host.run(workflow(resumable=True)(lambda ctx: None))
    assert host.calls == []


def test_one_that_may_not_begin_is_not_called() -> None:
    called = []
    host = FakeHost(THING)
    del host.answers["begin"]
    end = host.run(lambda ctx: called.append(ctx))
    assert end is not None
    assert (end["outcome"], called) == ("failed", [])


def test_a_resumable_one_runs_again_and_knows() -> None:
    assert run(workflow(resumable=True)(lambda ctx: ctx.resume), resume=True)["result"] is True


def test_the_decorator_marks_and_does_not_wrap() -> None:
    def plain() -> None: ...

    assert workflow(plain) is plain
    assert plain.resumable is False  # type: ignore[attr-defined]
    assert workflow(system_wide=True, resumable=True, anything=1)(plain) is plain
    assert plain.resumable is True  # type: ignore[attr-defined]
    assert plain.workflow_system_wide is True


# Going wrong.


def user_code(text: str, name: str = "run") -> Any:
    """A function that lives in a file of the user's."""
    module = ModuleType("their_module")
    exec(compile(text, "/their/plugin.py", "exec"), module.__dict__)
    return getattr(module, name)


def test_an_error_is_told_with_the_user_s_frames_and_none_of_the_engine_s() -> None:
    error = error_of(
        user_code(
            "def inner():\n    return {}['key']\n"
            "def run(ctx):\n"
            "    from cloudwright.workflow.tasks import HandlerResult\n"
            "    graph = ctx.graph_mode()\n"
            "    task = ctx.local_task(lambda: None)\n"
            "    def handler(task):\n"
            "        try:\n            inner()\n"
            "        except KeyError as error:\n            raise RuntimeError('worse') from error\n"
            "    task.on_success = handler\n"
            "    graph.add_task(task)\n"
            "    graph.execute()\n"
        )
    )
    assert error["message"] == "RuntimeError: worse (/their/plugin.py:11, in handler)"
    assert error["kind"] == "RuntimeError"
    assert error["traceback"].count("/their/plugin.py") == 4
    assert "direct cause" in error["traceback"]
    assert "cloudwright" not in error["traceback"]


@pytest.mark.parametrize(
    ("text", "message", "kind"),
    [
        ("import sys\ndef run(ctx):\n    sys.exit(4)\n", "sys.exit(4)", "SystemExit"),
        ("def run(ctx):\n    raise KeyboardInterrupt\n", "interrupted", "KeyboardInterrupt"),
        ("def run(ctx):\n    raise MemoryError\n", "out of memory", "MemoryError"),
        ("def run(ctx):\n    return run(ctx)\n", "recursion", "RecursionError"),
        ("def run(ctx):\n    raise ValueError\n", "ValueError", "ValueError"),
        ("class Odd(BaseException): pass\ndef run(ctx):\n    raise Odd('strange')\n", "strange", "Odd"),
    ],
)
def test_whatever_ends_a_workflow_is_an_honest_failure(text: str, message: str, kind: str) -> None:
    error = error_of(user_code(text))
    assert message in error["message"]
    assert error["kind"] == kind
    assert len(error["traceback"]) < 5000


def test_what_a_built_in_workflow_refuses_is_said_without_its_type_and_traceback() -> None:
    host = FakeHost(THING, mapping="cloudify.plugins.workflows.auto_heal_reinstall_node_subgraph")
    end = host.run(node_instance_id="nothing")
    assert end is not None
    assert end["error"]["message"] == "The deployment has no node instance `nothing`."
    assert end["error"]["traceback"] == ""


def test_what_cannot_be_sent_does_not_hide_that_the_workflow_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, Any]] = []

    class Small:
        def send(self, frame: dict[str, Any]) -> None:
            if frame["result"]:
                raise frames.FrameError("too large")
            sent.append(frame)

    child._send_end(Small(), {"outcome": "terminated", "result": "x" * 10, "error": None})  # type: ignore[arg-type]
    assert sent == [{"type": "end", "outcome": "terminated", "result": None, "error": None}]


# A process of its own.


class Forked:
    """A real process that runs ``child.main``, as a zygote's child would."""

    def __init__(self, begin: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                ours.close()
                child.main(Channel(theirs.detach()))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        theirs.close()
        self.channel = Channel(ours.detach())
        self.channel.send({"type": "begin", "version": VERSION, **begin})

    def until(self, kind: str) -> dict[str, Any]:
        while True:
            frame = self.channel.receive(30)
            assert frame is not None
            if frame["type"] == kind:
                return frame
            if frame["type"] == "call" and frame["method"] == "begin":
                self.channel.send({"type": "reply", "id": frame["id"], "value": None})

    def wait(self) -> int:
        self.channel.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def begin_with(function: Any) -> dict[str, Any]:
    module = sys.modules["user_workflows"] = ModuleType("user_workflows")
    module.function = function  # type: ignore[attr-defined]
    host = FakeHost(THING)
    host._ours.close()
    host._theirs.close()
    return host.begin


def test_a_process_says_its_end_last_and_leaves() -> None:
    def function(ctx: Any) -> str:
        ctx.logger.info("a line")
        ctx.logger.error("not %d", "a number")
        next(ctx.node_instances).logger.debug("about it")
        return "done"

    process = Forked(begin_with(function))
    logs = [process.until("journal")["entries"][0][1] for _ in range(3)]
    assert [(log["level"], log["logger"], log.get("node_instance_id")) for log in logs] == [
        ("info", "workflow.w", None),
        ("error", "workflow.w", None),
        ("debug", "workflow.w.thing_1", "thing_1"),
    ]
    assert logs[0]["message"] == "a line"
    assert "not %d" in logs[1]["message"]
    assert process.until("end") == {"type": "end", "outcome": "terminated", "result": "done", "error": None}
    assert process.wait() == 0


def test_a_process_is_interrupted_within_moments() -> None:
    def function(ctx: Any) -> None:
        next(ctx.node_instances).execute_operation("do.it").get()

    process = Forked(begin_with(function))
    process.until("journal")
    process.channel.send({"type": "cancel", "mode": "cancel"})
    assert process.until("end")["outcome"] == "cancelled"
    assert process.wait() == 0


def test_a_process_whose_host_is_gone_leaves() -> None:
    def function(ctx: Any) -> None:
        while True:
            next(ctx.node_instances).execute_operation("do.it").get()

    process = Forked(begin_with(function))
    process.until("journal")
    assert process.wait() == 0


def test_a_process_can_be_killed_whatever_it_does() -> None:
    def function(ctx: Any) -> None:
        ctx.send_event("busy")
        while True:
            pass

    process = Forked(begin_with(function))
    process.until("journal")
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

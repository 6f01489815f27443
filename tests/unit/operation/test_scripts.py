"""Scripts as operations: what they are given and may ask, how they fail, and what they cannot do to us."""

from __future__ import annotations

import base64
import fcntl
import functools
import http.server
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from supervised import Operations, Refusal, Supervised, instance, node

from cloudwright.operation.scripts import client as ctx_client


def out(done: Supervised) -> list[str]:
    """What the script printed, as it was logged."""
    return [message[6:] for message in done.messages if message.startswith("<out> ")]


def test_what_a_script_prints_is_logged(operations: Operations) -> None:
    done = operations.script("#!/bin/bash\necho one\necho two >&2\nprintf 'no end'").run()
    assert done.result is None
    told = [(log["level"], log["message"]) for log in done.logs]
    assert ("info", "<out> one") in told
    assert ("info", "<out> no end") in told
    assert ("warning", "<err> two") in told


def test_inputs_and_process_settings_reach_the_script(operations: Operations, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    done = operations.script(
        """#!/bin/bash
echo "$0" | grep -q 'start.sh$' && echo "args=$1,$2,$#"
echo "text=$text number=$number flag=$flag none=$none list=$list dict=$dict own=$OWN"
pwd
ctx logger info "in $PWD"
""",
        {
            "text": "a b",
            "number": 8080,
            "flag": True,
            "none": None,
            "list": [1, "x"],
            "dict": {"a": {"b": None}},
            "process": {"cwd": str(tmp_path / "elsewhere"), "args": ["one two", 3], "env": {"OWN": "yes"}},
        },
    ).run()
    assert out(done) == [
        "args=one two,3,2",
        'text=a b number=8080 flag=true none=None list=[1, "x"] dict={"a": {"b": null}} own=yes',
        str(tmp_path / "elsewhere"),
    ]
    assert f"in {tmp_path}/elsewhere" in done.messages


def test_a_script_gets_nothing_of_the_engines(operations: Operations) -> None:
    done = operations.script("#!/bin/bash\nenv | cut -d= -f1 | sort").run()
    added = set(out(done)) - set(os.environ) - {"_", "SHLVL", "PWD", "OLDPWD"}
    assert added == {"CTX_SOCKET_URL"} | ({"TMPDIR"} - set(os.environ))


def test_scripts_need_neither_a_shebang_nor_an_executable_bit(operations: Operations) -> None:
    assert out(operations.script("echo plain $0 | sed s,/.*/,,").run()) == ["plain start.sh"]
    path = operations.blueprint / "scripts/start.sh"
    assert not path.stat().st_mode & stat.S_IXUSR


def test_command_prefix_and_python_outside(operations: Operations) -> None:
    done = operations.script(
        "print('from python')", {"process": {"command_prefix": "python3 -u"}}, name="x.txt"
    ).run()
    assert out(done) == ["from python"]
    done = operations.script(
        "#!/usr/bin/env python3\nprint(__file__[-4:])", {"process": {"eval_python": False}}, name="x.py"
    ).run()
    assert out(done) == ["x.py"]


def test_output_can_be_merged_or_left_unlogged(operations: Operations) -> None:
    source = "#!/bin/bash\necho one\necho two >&2\nexit 3"
    done = operations.script(source, {"process": {"stderr_to_stdout": True}}).run()
    assert out(done) == ["one", "two"]
    done = operations.script(source, {"process": {"log_stdout": False, "log_stderr": False}}).run()
    assert not [message for message in done.messages if message.startswith("<")]
    assert done.failure["message"].endswith("The last lines of its error output:\ntwo")


def test_ctx_in_a_script(operations: Operations) -> None:
    done = operations.script(
        r"""#!/bin/bash
set -e
echo "port=$(ctx node properties port)"
echo "tag=$(ctx node properties 'tags[1]')"
echo "tags=$(ctx -j node properties tags)"
echo "id=$(ctx instance id) name=$(ctx node name) type=$(ctx type)"
echo "deployment=$(ctx deployment id) execution=$(ctx execution-id) workflow=$(ctx workflow_id)"
echo "retry=$(ctx operation retry-number) plugin=$(ctx plugin name)"
ctx instance runtime-properties pid @1234
ctx instance runtime-properties name "some name"
ctx instance runtime-properties endpoint.urls '@["a", "b"]'
ctx instance runtime-properties 'endpoint.urls[1]' c
ctx instance runtime-properties endpoint.port @80
ctx instance runtime-properties dotted.key plain
ctx instance runtime-properties old.key new
ctx instance runtime-properties gone > /dev/null
ctx instance runtime-properties pop gone > /dev/null
echo "urls=$(ctx -j instance runtime-properties endpoint)"
echo "python=$(ctx instance runtime-properties endpoint)"
echo "nothing=[$(ctx instance runtime-properties get absent)][$(ctx resume)]"
echo "zero=$(ctx operation retry-number)"
echo "keys=$(ctx -j instance runtime-properties keys)"
ctx logger warning "careful: 100%"
ctx --json-arg-prefix % logger info @home
ctx send-event "an event"
[ -z "$(ctx has-cancel-request)" ]
ctx returns '@{"a": 1}'
""",
        instance=instance("server_1", runtime_properties={"gone": 1, "old.key": "old"}),
    ).run()
    assert done.result == {"a": 1}, done.messages
    assert out(done) == [
        "port=8080",
        "tag=b",
        'tags=["a", "b"]',
        "id=server_1 name=server type=node-instance",
        "deployment=d1 execution=e1 workflow=install",
        "retry=0 plugin=web",
        'urls={"urls": ["a", "c"], "port": 80}',
        "python={'urls': ['a', 'c'], 'port': 80}",
        "nothing=[][]",
        "zero=0",
        'keys=["old.key", "pid", "name", "endpoint", "dotted"]',
    ]
    assert done.stored == {
        "server_1": {
            "old.key": "new",
            "pid": 1234,
            "name": "some name",
            "endpoint": {"urls": ["a", "c"], "port": 80},
            "dotted": {"key": "plain"},
        }
    }
    assert [event["message"] for event in done.events] == ["an event"]
    assert {(log["level"], log["message"]) for log in done.logs} >= {
        ("warning", "careful: 100%"),
        ("info", "@home"),
    }


def test_ctx_in_a_relationship_script(operations: Operations) -> None:
    done = operations.script(
        """#!/bin/bash -e
ctx source instance runtime-properties peer "$(ctx target node properties port)"
ctx target instance runtime-properties clients.$(ctx source node name) "$(ctx source instance id)"
""",
        source={"node": node("app"), "instance": instance("app_1")},
        target={"node": node("db"), "instance": instance("db_1")},
    ).run()
    assert done.stored == {"app_1": {"peer": "8080"}, "db_1": {"clients": {"app": "app_1"}}}


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ("instance runtime-properties absent", "there is no `absent`"),
        ("node properties 'tags[7]'", "there is no `tags[7]`: `7` is missing"),
        ("instance nothing", "there is no `nothing` in `ctx instance`"),
        ("instance _supervisor", "there is no `_supervisor`"),
        ("", "name a part of the context"),
        ("instance", "is not a value that can be printed"),
        ("logger info @nobody", "starts with `@`, so it is read as JSON"),
        ("instance runtime-properties a b c", "one value can be set for `a`, and 2 were given"),
        ("instance runtime-properties 'a[0].b' 1", "cannot be set: `0` is missing"),
        ("-x instance", "there is no option -x"),
        ("download-resource nothing.txt", "the blueprint has no `nothing.txt`"),
        ("download-resource ../secret", "leads out of the blueprint"),
        ("node properties port 1", "cannot be changed by an operation"),
        ("operation retry now soon", "not a number of seconds"),
        ("retry-operation now soon", "not a number of seconds"),
    ],
)
def test_a_question_that_cannot_be_answered_fails_the_command_and_says_why(
    operations: Operations, question: str, error: str
) -> None:
    operations.answers["read_resource"] = _no_resource
    done = operations.script(f"#!/bin/bash\nctx {question}\necho code=$?").run()
    assert out(done) == ["code=1"]
    [line] = [message for message in done.messages if message.startswith("<err> ")]
    assert line.startswith("<err> ctx")
    assert error in line


def _no_resource(args: dict[str, str]) -> object:
    raise Refusal("NotFound", f"the blueprint has no `{args['path']}`")


def test_ctx_sees_changes_of_other_questions_at_once_and_from_many_processes(operations: Operations) -> None:
    done = operations.script(
        """#!/bin/bash
for i in $(seq 40); do ctx instance runtime-properties key$i @$i & done
wait
ctx -j instance runtime-properties keys | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
"""
    ).run()
    assert out(done) == ["40"]
    assert done.stored["server_1"] == {f"key{i}": i for i in range(1, 41)}


def test_ctx_imports_nothing_beyond_what_starts_the_interpreter() -> None:
    program = (
        "import sys; code = compile(open(sys.argv[1]).read(), 'ctx', 'exec'); before = set(sys.modules); "
        "exec(code, {'__name__': 'ctx'}); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-Ic", program, ctx_client.__file__], capture_output=True, text=True, check=True
    )
    # Starting the interpreter is most of what a script's question costs.
    assert done.stdout.split() == ["__future__", "_socket"]


def test_resources(operations: Operations, tmp_path: Path) -> None:
    (operations.blueprint / "res").mkdir()
    (operations.blueprint / "res/plain.txt").write_text("{{ plain\n")
    (operations.blueprint / "res/template.conf").write_text(
        "port {{ ctx.node.properties.port }} for {{ who }}\n"
    )
    done = operations.script(
        """#!/bin/bash -e
cat "$(ctx download-resource res/plain.txt)"
cd "$(mktemp -d -p "$WHERE")"
ctx download-resource res/plain.txt here.txt > /dev/null
cat here.txt
wanted='{"target_path": "t.conf", "template_variables": {"who": "me"}}'
ctx download-resource-and-render res/template.conf "@$wanted" > /dev/null
cat t.conf; echo
ctx get-resource-and-render res/template.conf '@{"template_variables": {"who": "you"}}'
echo
ls "$(ctx download-directory res)"
ctx get-resource res/plain.txt
""",
        {"WHERE": str(tmp_path)},
    ).run()
    assert done.result is None, done.messages
    assert out(done) == [
        "{{ plain",
        "{{ plain",
        "port 8080 for me",
        "port 8080 for you",
        "plain.txt",
        "template.conf",
        "{{ plain",
    ]


def test_resources_that_are_not_on_this_machine_are_asked_for(operations: Operations) -> None:
    files = {
        "scripts/start.sh": b"#!/bin/bash\ncat $(ctx download-directory res)/deep/x",
        "res/deep/x": b"found",
    }

    def answer(args: dict[str, str]) -> object:
        if args["path"] == "res":
            return {"files": ["deep/x"]}
        return {"content": base64.b64encode(files[args["path"]]).decode()}

    operations.answers["read_resource"] = answer
    shutil.rmtree(operations.blueprint)
    begin = operations.begin("script_runner.tasks.run", {"script_path": "scripts/start.sh"})
    assert out(operations.start(begin).run()) == ["found"]


def test_a_script_fails_with_its_exit_code_and_last_words(operations: Operations) -> None:
    done = operations.script(
        "#!/bin/bash\nctx instance runtime-properties reached @true\n"
        "for i in $(seq 30); do echo line $i >&2; done\nexit 7"
    ).run()
    failure = done.failure
    assert failure["recoverable"]
    assert failure["kind"] == "ProcessException"
    assert failure["message"].startswith(
        "`scripts/start.sh` ended with exit code 7. The last lines of its error output:\n"
    )
    assert failure["message"].endswith("line 29\nline 30")
    assert "line 20\n" not in failure["message"]
    assert failure["traceback"] == ""
    assert done.stored == {"server_1": {"reached": True}}


def test_without_errors_the_last_output_is_told(operations: Operations) -> None:
    message = operations.script("#!/bin/bash\necho only this\nfalse").run().failure["message"]
    assert message == "`scripts/start.sh` ended with exit code 1. The last lines of its output:\nonly this"


def test_a_script_that_a_signal_ends(operations: Operations) -> None:
    assert "was ended by SIGKILL" in operations.script("#!/bin/bash\nkill -9 $$").run().failure["message"]


@pytest.mark.parametrize(("end", "code"), [("kill -9 $$", -signal.SIGKILL), ("exit 3", 0)])
def test_a_signal_that_ends_a_script_ends_its_operation_too(
    operations: Operations, tmp_path: Path, end: str, code: int
) -> None:
    # So its supervisor knows that what the script started was not left running on purpose.
    held = tmp_path / "held"
    done = operations.script(f"#!/bin/bash\nexec 9>{held}\nflock 9\nsleep 600 >&- 2>&- &\n{end}")
    done.run()
    assert done.failure["kind"] == "ProcessException"
    assert done.status is not None
    assert os.waitstatus_to_exitcode(done.status) == code
    os.killpg(done.pid, signal.SIGKILL)
    with held.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def test_what_is_printed_while_cleaning_up_after_the_same_signal_is_logged(
    operations: Operations, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    cleaning = f"trap 'sleep 0.3; echo cleaned up; exit' TERM; touch {ready}; while :; do sleep 0.01; done"
    wait = f"until [ -e {ready} ]; do sleep 0.01; done"
    done = operations.script(f'#!/bin/bash\nbash -c "{cleaning}" &\n{wait}\nkill $!; kill -9 $$')
    done.run()
    assert any("cleaned up" in message for message in done.messages)


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        (
            "#!/no/such/program\n",
            "scripts/x.sh",
            ["`scripts/x.sh`", "`/no/such/program` runs it; there is no such program"],
        ),
        ("#!/bin/bash\r\necho x\r\n", "scripts/x.sh", ["`scripts/x.sh`", "its lines end as on Windows"]),
        (b"\x7fELF\0\0\0not a program", "scripts/x", ["`scripts/x`", "exec format error"]),
        ("#!/etc/passwd\n", "x.sh", ["`x.sh`", "`/etc/passwd` runs it, which this user may not run"]),
        ("def f(:\n", "scripts/x.py", ["`scripts/x.py`, line 1 is not Python"]),
    ],
)
def test_a_script_that_cannot_run_at_all(
    operations: Operations, source: str | bytes, name: str, expected: list[str]
) -> None:
    failure = operations.script(source, name=name).run().failure
    assert not failure["recoverable"]
    for part in expected:
        assert part in failure["message"]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {"script_path": "scripts/absent.sh"},
            "Script `scripts/absent.sh` cannot be run: the blueprint has no",
        ),
        (
            {"script_path": "scripts"},
            "Script `scripts` cannot be run: `scripts` of the blueprint is a folder",
        ),
        ({"script_path": "../x.sh"}, "leads out of the blueprint's folder"),
        ({"script_path": "/no/such/x.sh"}, "Script `/no/such/x.sh` cannot be run: No such file"),
        ({"script_path": "/etc"}, "Script `/etc` cannot be run: it is not a file"),
        ({"script_path": "http://127.0.0.1:1/x.sh"}, "could not be fetched"),
        ({}, "needs one of the inputs script_path and script_source"),
        ({"script_path": "a", "script_source": "b"}, "needs one of the inputs"),
        (
            {"script_source": "echo x", "process": {"cwd": "/no/such"}},
            "cannot be run in `/no/such` (process.cwd)",
        ),
        ({"script_source": "echo $x", "x": "a\0b"}, "without null characters"),
        ({"script_source": "echo $x", "x": "a" * 200_000}, "too large for environment variables"),
        (
            {"script_source": "echo $x", "process": {"command_prefix": "nonesuch"}},
            "there is no program `nonesuch`",
        ),
    ],
)
def test_a_script_that_cannot_be_found_or_started(
    operations: Operations, inputs: dict[str, object], expected: str
) -> None:
    operations.answers["read_resource"] = _no_resource
    (operations.blueprint / "scripts").mkdir()
    failure = operations.start(operations.begin("script_runner.tasks.run", inputs)).run().failure
    assert expected in failure["message"]
    assert failure["recoverable"] is ("could not be fetched" in expected)


def test_scripts_from_elsewhere(operations: Operations, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/x.sh").write_text("#!/bin/bash\necho from elsewhere\n")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for path in (f"{url}/x.sh", str(tmp_path / "web/x.sh"), f"file://{tmp_path}/web/x.sh"):
            done = operations.start(operations.begin("script_runner.tasks.run", {"script_path": path})).run()
            assert out(done) == ["from elsewhere"]
        begin = operations.begin("script_runner.tasks.run", {"script_path": f"{url}/y.sh"})
        assert "its server returned 404" in operations.start(begin).run().failure["message"]
        server.shutdown()


def test_scripts_in_the_blueprint_itself(operations: Operations) -> None:
    def run(source: str, **process: object) -> Supervised:
        inputs = {"script_source": source, "process": process}
        return operations.start(operations.begin("script_runner.tasks.run", inputs)).run()

    assert out(run("  echo shell $((1+1))")) == ["shell 2"]
    assert out(run("#!/bin/sh\ntrue")) == []
    assert run("from cloudify import ctx\nctx.returns(ctx.instance.id)").result == "server_1"
    assert "line 1 is not Python" in run("echo not python", eval_python=True).failure["message"]


def test_python_scripts_run_inside(operations: Operations) -> None:
    done = operations.script(
        """
from cloudify import ctx
from cloudify.state import ctx_parameters as inputs
if __name__ == "__main__":
    ctx.instance.runtime_properties["port"] = inputs["port"] + inputs.more
    ctx.returns([__file__[-4:], ctx.node.name])
""",
        {"port": 8000, "more": 80},
        name="scripts/x.py",
    ).run()
    assert done.result == ["x.py", "server"]
    assert done.stored == {"server_1": {"port": 8080}}


def test_how_python_scripts_end(operations: Operations) -> None:
    assert operations.script("import sys; sys.exit(0)", name="x.py").run().result is None
    assert "sys.exit(2)" in operations.script("import sys; sys.exit(2)", name="x.py").run().failure["message"]
    failure = operations.script("def f():\n    1 / 0\nf()", name="x.py").run().failure
    assert failure["kind"] == "ZeroDivisionError"
    assert 'File "x.py", line 2, in f' in failure["traceback"]
    assert "run.py" not in failure["traceback"]


def test_a_script_decides_what_becomes_of_its_operation(operations: Operations) -> None:
    done = operations.script("#!/bin/bash -e\nctx abort-operation 'no use'\necho never").run()
    assert (done.failure["kind"], done.failure["recoverable"]) == ("NonRecoverableError", False)
    assert done.failure["message"] == "no use"
    assert out(done) == []
    assert "<err> no use" in done.messages
    done = operations.script("#!/bin/bash -e\nctx retry-operation 'not yet' 4\necho never").run()
    assert (done.failure["kind"], done.failure["retry_after"]) == ("OperationRetry", 4)
    assert out(done) == []
    done = operations.script("#!/bin/bash -e\nctx operation retry 'later' @2.5\necho on").run()
    assert (done.failure["message"], done.failure["retry_after"]) == ("later [retry_after=2.5]", 2.5)
    assert out(done) == ["on"]
    done = operations.script("#!/bin/bash\nctx returns 1\nctx returns 2").run()
    assert "can say only once" in done.failure["message"]
    assert not done.failure["recoverable"]
    done = operations.script("ctx.abort_operation('stop')", name="a.py").run()
    assert "NameError" in done.failure["kind"]
    done = operations.script("from cloudify import ctx\nctx.abort_operation('stop')", name="a.py").run()
    assert (done.failure["message"], done.failure["recoverable"]) == ("stop", False)


def test_without_a_proxy_there_is_no_ctx(operations: Operations) -> None:
    done = operations.script(
        "#!/bin/bash\ntype ctx || echo none", {"process": {"ctx_proxy_type": "none"}}
    ).run()
    assert "none" in out(done)


# What a script cannot do to us.


def test_a_hundred_megabytes_of_output_are_bounded(operations: Operations) -> None:
    done = operations.script(
        "#!/bin/bash\nyes 0123456789012345678901234567890123456789 | head -c 100000000\necho end >&2"
    ).run()
    assert done.result is None
    logged = sum(len(line) for line in out(done))
    assert 300_000 < logged <= 1024 * 1024
    assert len(done.logs) < 10_100
    [notice] = [message for message in done.messages if "bytes were dropped" in message]
    assert 98_000_000 < int(notice.split(": ")[1].split()[0]) < 100_000_000


def test_one_endless_line_and_binary_output_are_bounded(operations: Operations) -> None:
    done = operations.script(
        "#!/bin/bash\nhead -c 30000000 /dev/zero\nhead -c 300000 /dev/urandom\necho; echo after"
    ).run()
    assert done.result is None
    assert all(len(message) <= 66_000 and "\0" not in message for message in done.messages)
    assert any("bytes were dropped" in message for message in done.messages)


def test_the_end_of_much_output_is_kept_for_the_error(operations: Operations) -> None:
    done = operations.script("#!/bin/bash\nseq 1000000 >&2\necho the reason >&2\nexit 1").run()
    assert done.failure["message"].endswith("999999\n1000000\nthe reason")


def test_a_server_that_a_script_leaves_behind_does_not_hold_it_up(
    operations: Operations, tmp_path: Path
) -> None:
    done = operations.script(
        f"#!/bin/bash\nnohup sleep 600 &\necho $! > {tmp_path}/pid\necho started",
    )
    done.run()
    assert done.result is None
    assert "started" in out(done)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 0)
    # It is in the operation's group, so that it can be ended with that.
    assert os.getpgid(pid) == done.pid
    os.kill(pid, signal.SIGKILL)


def test_sigterm_to_the_group_ends_the_script_and_its_children(
    operations: Operations, tmp_path: Path
) -> None:
    running = operations.script(
        f"#!/bin/bash\nsleep 60 &\necho $! $$ > {tmp_path}/pids\nctx logger info ready\nwait"
    )
    running.run(until=lambda it: "ready" in it.messages)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    handles = [os.pidfd_open(pid) for pid in pids]
    os.killpg(running.pid, signal.SIGTERM)
    assert running.run().status == signal.SIGTERM
    for handle in handles:
        assert select.select([handle], [], [], 10)[0]
        os.close(handle)


def test_nothing_of_a_script_stays_in_the_temporary_folder(operations: Operations, tmp_path: Path) -> None:
    operations.script("#!/bin/bash\ntrue").run()
    [parent] = (tmp_path / "temporary").iterdir()
    assert stat.S_IMODE(parent.stat().st_mode) == 0o700
    assert list(parent.iterdir()) == []
    killed = operations.script("#!/bin/bash\nctx logger info ready\nsleep 60").run(
        until=lambda it: "ready" in it.messages
    )
    [left] = parent.iterdir()
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    living = operations.script("#!/bin/bash\nctx logger info ready\nsleep 60").run(
        until=lambda it: "ready" in it.messages
    )
    assert left.exists()
    assert len(list(parent.iterdir())) == 2
    killed.kill()
    # The next one removes what the dead one left, and nothing of the living one.
    operations.script("#!/bin/bash\ntrue").run()
    assert not left.exists()
    assert len(list(parent.iterdir())) == 1
    living.kill()


def test_a_temporary_folder_of_somebody_elses_is_not_used(operations: Operations, tmp_path: Path) -> None:
    first = tmp_path / "temporary" / f"cloudwright-{os.getuid()}"
    first.mkdir()
    first.chmod(0o777)
    assert operations.script("#!/bin/bash\ntrue").run().result is None
    assert list(first.iterdir()) == []
    second = first.with_name(f"{first.name}-1")
    assert stat.S_IMODE(second.stat().st_mode) == 0o700
    second.chmod(0o777)
    for number in range(2, 10):
        first.with_name(f"{first.name}-{number}").symlink_to("/")
    failure = operations.script("#!/bin/bash\ntrue").run().failure
    assert "is not a folder that only this user may enter" in failure["message"]


def test_very_long_paths_are_no_obstacle(
    operations: Operations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long " * 30).strip() / "and more"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CFY_EXEC_TEMP", str(folder))
    assert out(operations.script("#!/bin/bash\nctx instance id\necho").run()) == ["server_1"]


@pytest.mark.parametrize("path", ["/dev/null", "file:///dev/null"])
def test_nothing_to_do(operations: Operations, path: str) -> None:
    done = operations.start(operations.begin("script_runner.tasks.run", {"script_path": path})).run()
    assert done.result is None
    assert len(done.messages) == 1  # that it runs


@pytest.mark.parametrize("process", [{"resumable": True}, {"resumable": False}, {}])
def test_an_interrupted_script_runs_again_only_if_its_inputs_say_so(
    operations: Operations, process: dict[str, bool]
) -> None:
    script = "#!/bin/bash\nctx returns again"
    done = operations.script(script, {"process": process}, operation={"resume": True, "attempt": 2}).run()
    if process.get("resumable"):
        assert done.result == "again"
    else:
        assert "`process: {resumable: true}`" in done.failure["message"]
        assert not done.failure["recoverable"]

"""Code as existing plugins have it, run as they are: names, mocks, and what they rely on."""

from __future__ import annotations

import email
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from cloudwright.child.errors import RequestRefused
from cloudwright.child.rest import Record
from cloudwright.compat import finder
from cloudwright.compat.cloudify import compute, ctx_wrappers, exceptions, manager, utils
from cloudwright.compat.cloudify.mocks import (
    MockCloudifyContext,
    MockContext,
    MockNodeContext,
    MockNodeInstanceContext,
    MockRelationshipContext,
    MockRelationshipSubjectContext,
)
from cloudwright.compat.cloudify.proxy import client
from cloudwright.compat.cloudify.proxy.server import HTTPCtxProxy
from cloudwright.compat.cloudify.state import NotInContext, ctx, ctx_parameters, current_ctx
from cloudwright.compat.cloudify_rest_client.exceptions import (
    CloudifyClientError,
    DeploymentEnvironmentCreationInProgressError,
)
from cloudwright.compat.cloudify_types.component import polling
from cloudwright.operation.context import Context


@pytest.fixture(autouse=True)
def _no_context_is_left() -> Iterator[None]:
    yield
    current_ctx.clear()


@pytest.fixture
def _names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The names that plugins import are in force for one test."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = set(sys.modules)
    finder.install()
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("cloudify", "cloudify_rest_client", "cloudify_types", "script_runner"):
            del sys.modules[name]


@pytest.mark.usefixtures("_names")
def test_everything_that_plugins_import_is_there() -> None:
    program = """
from cloudify import compute, constants, context, ctx, decorators, exceptions, logs, manager, mocks, state
from cloudify import utils
from cloudify.constants import COMPUTE_NODE_TYPE, NODE_INSTANCE, RELATIONSHIP_INSTANCE
from cloudify.context import BootstrapContext, CloudifyContext, ContextCapabilities, ImmutableProperties
from cloudify.decorators import operation, serial_operation, task, workflow
from cloudify.exceptions import (CloudifySerializationRetry, CommandExecutionError, CommandExecutionException,
    HttpException, NonRecoverableError, OperationRetry, RecoverableError, TimeoutException, WorkflowFailed)
from cloudify.logs import CloudifyCtxLoggingHandler, CloudifyPluginLoggingHandler, init_cloudify_logger
from cloudify.manager import DirtyTrackingDict, get_rest_client
from cloudify.mocks import MockCloudifyContext, MockNodeContext, MockNodeInstanceContext
from cloudify.proxy.client import CTX_SOCKET_URL, ScriptException
from cloudify.state import CurrentContext, ctx_parameters, current_ctx, current_workflow_ctx, workflow_ctx
from cloudify.utils import (LocalCommandRunner, OutputConsumer, create_temp_folder, exception_to_error_cause,
    get_exec_tempdir, get_tenant_name, id_generator, setup_logger)
from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.client import CloudifyClient as same
from cloudify_rest_client.exceptions import CloudifyClientError
from cloudify_rest_client.executions import Execution
import cloudify.ctx_wrappers
from cloudify.conflict_handlers import simple_merge_handler
from cloudify.deployment_dependencies import format_dependency_creator
from cloudify.models_states import BlueprintUploadState, ExecutionState
from cloudify.proxy import client as proxy_client
from cloudify.proxy import server as proxy_server
from cloudify.utils import CFY_EXEC_TEMPDIR_ENVVAR, ENV_CFY_EXEC_TEMPDIR, _get_current_context
from cloudify_rest_client.constants import VisibilityState
from cloudify_rest_client.responses import ListResponse
from cloudify_rest_client.secrets import Secret
from cloudify_types.component.polling import (is_all_executions_finished, poll_with_timeout,
    verify_execution_state)
from cloudify_types.shared_resource.constants import WORKFLOW_EXECUTION_TIMEOUT
from script_runner.tasks import (ILLEGAL_CTX_OPERATION_ERROR, POLL_LOOP_INTERVAL, POLL_LOOP_LOG_ITERATIONS,
    UNSUPPORTED_SCRIPT_FEATURE_ERROR, ProcessException, _get_process_environment, execute_workflow,
    process_ctx_request, run, start_ctx_proxy)
assert "terminated" in Execution.END_STATES and Execution.STARTED == "started"
assert same is CloudifyClient
"""
    names: dict[str, object] = {}
    exec(program, names)
    # One class under two names, so that what raises it and what catches it mean the same.
    assert names["NonRecoverableError"] is exceptions.NonRecoverableError
    assert names["CloudifyClientError"] is RequestRefused


def test_a_plugin_s_test_with_a_mock_context() -> None:
    def my_operation(ctx: Context, **kwargs: object) -> object:
        ctx.logger.info("node_property_1=%s", ctx.node.properties["node_property_1"])
        ctx.instance.runtime_properties["done"] = True
        return ctx.operation.retry_number

    mock = MockCloudifyContext(
        node_id="test_node_id",
        node_name="test_node_name",
        node_type="a.type",
        deployment_id="d",
        blueprint_id="b",
        execution_id="e",
        tenant={"name": "t"},
        properties={"node_property_1": "value_1"},
        runtime_properties=manager.DirtyTrackingDict({"old": 1}),
        operation={"name": "create", "retry_number": 2},
        resources={"a.txt": b"content"},
        index=4,
    )
    assert my_operation(mock) == 2
    assert mock.instance.runtime_properties == {"old": 1, "done": True}
    assert mock.instance.runtime_properties.dirty
    assert (mock.node.id, mock.node.name, mock.node.type) == ("test_node_name", "test_node_name", "a.type")
    assert (mock.instance.id, mock.instance.index, mock.type) == ("test_node_id", 4, "node-instance")
    assert (mock.deployment.id, mock.blueprint.id, mock.execution_id, mock.tenant_name) == (
        "d",
        "b",
        "e",
        "t",
    )
    assert mock.get_resource("a.txt") == mock.download_resource("a.txt") == b"content"
    assert isinstance(mock, Context)
    assert mock["old"] == 1
    assert "node_property_1" in mock
    mock["new"] = 3
    assert mock.instance.runtime_properties["new"] == 3
    mock.instance.update()
    with pytest.raises(RuntimeError, match="gave no resource"):
        mock.get_resource("b.txt")
    with pytest.raises(RuntimeError, match="A mock context has no manager"):
        mock.get_execution()


def test_a_mock_context_of_a_relationship() -> None:
    target = MockRelationshipSubjectContext(
        MockNodeContext("db", {"port": 1}), MockNodeInstanceContext("db_1", {"ip": "10.0.0.1"})
    )
    mock = MockCloudifyContext(source=MockContext({"node": None, "instance": None}), target=target)
    assert (mock.type, mock.target.instance.runtime_properties["ip"]) == ("relationship-instance", "10.0.0.1")
    relationship = MockRelationshipContext(target, "connected_to")
    mock = MockCloudifyContext(node_id="app_1", relationships=[relationship])
    assert mock.capabilities.get_all() == {"db_1": {"ip": "10.0.0.1"}}
    assert mock.capabilities["ip"] == "10.0.0.1"
    with pytest.raises(exceptions.NonRecoverableError, match="none has it"):
        mock.capabilities["absent"]
    with pytest.raises(AttributeError):
        _ = MockContext({}).absent


def test_the_current_context() -> None:
    with pytest.raises(NotInContext):
        _ = ctx.node
    assert not ctx
    assert "not inside" in repr(ctx)
    mock = MockCloudifyContext(node_id="a")
    current_ctx.set(mock, {"size": 3})
    assert ctx.instance.id == "a"
    assert ctx._get_current_object() is mock
    assert isinstance(ctx, MockCloudifyContext)
    assert ctx == mock
    assert (ctx_parameters.size, ctx_parameters["size"], len(ctx_parameters), list(ctx_parameters)) == (
        3,
        3,
        1,
        ["size"],
    )
    with pytest.raises(KeyError):
        _ = ctx_parameters.absent
    other = MockCloudifyContext(node_id="b")
    with current_ctx.push(other):
        assert ctx.instance.id == "b"
        ctx.mark = 1
    assert other.mark == 1
    assert ctx.instance.id == "a"
    current_ctx.clear()
    with pytest.raises(RuntimeError, match="There is no context here"):
        _ = ctx.instance


def test_errors_carry_what_plugins_read() -> None:
    error = exceptions.RecoverableError("m", retry_after=3)
    assert (str(error), error.retry_after, error.causes) == ("m [retry_after=3]", 3, [])
    assert str(exceptions.OperationRetry(message="m [retry_after=3]", retry_after=3)) == "m [retry_after=3]"
    assert exceptions.NonRecoverableError("m", causes=[{"a": 1}]).causes == [{"a": 1}]
    http = exceptions.HttpException("u", 500, "m")
    assert (http.url, http.code, http.message, str(http)) == ("u", 500, "m", "500 (u) : m")
    failed = exceptions.WorkflowFailed("m", hide_traceback=True)
    assert failed.hide_traceback
    assert isinstance(failed, RuntimeError)
    client = CloudifyClientError("m", status_code=404, error_code="not_found_error")
    assert (str(client), client.status_code, client.error_code) == ("404: m", 404, "not_found_error")
    assert DeploymentEnvironmentCreationInProgressError.ERROR_CODE.endswith("in_progress_error")


def test_commands_on_this_machine() -> None:
    runner = utils.LocalCommandRunner(logging.getLogger("test"))
    response = runner.run("sh -c 'echo out; echo err >&2; echo $X'", execution_env={"X": "1"})
    assert (response.std_out, response.std_err, response.return_code) == ("out\n1", "err", 0)
    with pytest.raises(exceptions.CommandExecutionException) as caught:
        runner.run(["sh", "-c", "echo why >&2; exit 3"])
    assert (caught.value.code, caught.value.error) == (3, "why")
    assert runner.run("false", exit_on_failure=False).return_code == 1


def test_archives(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "file", "inside/file")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as members:
        members.write(tmp_path / "file", "inside/file")
    for number, name in enumerate(("a.tar.gz", "a.zip")):
        where = tmp_path / str(number)
        extract = utils.untar if number == 0 else utils.unzip
        assert Path(extract(str(tmp_path / name), str(where)), "inside/file").read_text() == "x"
    with pytest.raises(exceptions.NonRecoverableError, match="not a readable tar or zip archive"):
        utils.extract_archive(str(tmp_path / "file"))
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(tmp_path / "file", "../evil")
    with pytest.raises(tarfile.OutsideDestinationError):
        utils.untar(str(tmp_path / "evil.tar"), str(tmp_path / "there"))


def test_small_things(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(utils.id_generator(9, "ab")) == 9
    assert len(utils.generate_user_password(20)) == 20
    assert len(utils.uuid4()) == 36
    assert (utils.ipv6_url_compat("::1"), utils.ipv6_url_compat("127.0.0.1")) == ("[::1]", "127.0.0.1")
    assert utils.internal.get_install_method({"install_agent": False}) == "none"
    assert utils.internal.get_install_method({"agent_config": {"install_method": "plugin"}}) == "plugin"
    logger = utils.setup_logger(
        "some.plugin", logging.DEBUG, logger_format="%(levelname)s %(message)s", propagate=False
    )
    utils.setup_logger(
        "some.plugin", logging.DEBUG, logger_format="%(levelname)s %(message)s", propagate=False
    )
    logger.debug("once")
    assert capsys.readouterr().out == "DEBUG once\n"


def test_pipes_are_logged_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    process = subprocess.Popen(["sh", "-c", "echo one; echo two"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with caplog.at_level(logging.INFO):
        consumer = utils.OutputConsumer(process.stdout, logging.getLogger("test"), "<out> ")
        consumer.join()
    process.wait()
    assert "".join(consumer.output) == "one\ntwo"
    assert [record.getMessage() for record in caplog.records] == ["<out> one", "<out> two"]


def test_user_data_of_several_parts() -> None:
    inner = compute.create_multi_mimetype_userdata(["#!/bin/bash\ntrue"])
    made = email.message_from_string(
        compute.create_multi_mimetype_userdata(["#cloud-config\na: b", inner, "#ps1_sysnative\nx"])
    )
    parts = [part for part in made.walk() if not part.is_multipart()]
    assert [(part.get_content_type(), part.get_filename()) for part in parts] == [
        ("text/cloud-config", "000"),
        ("text/x-shellscript", "001.sh"),
        ("text/x-shellscript", "002.ps1"),
    ]
    with pytest.raises(exceptions.NonRecoverableError, match="of no kind"):
        compute.create_multi_mimetype_userdata(["plain"])


@pytest.fixture
def proxy() -> Iterator[HTTPCtxProxy]:
    mock = MockCloudifyContext(node_id="vm_1", runtime_properties={"port": 80})
    proxy = HTTPCtxProxy(mock)
    yield proxy
    proxy.close()


def _remotely(program: str, folder: Path, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program that was copied there, with nothing but the standard library."""
    environment = {"CTX_SOCKET_URL": url, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-S", program, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30)


def test_the_ctx_command_remotely(proxy: HTTPCtxProxy, tmp_path: Path) -> None:
    shutil.copy(client.__file__, tmp_path / "proxy_client")
    url = proxy.socket_url
    read = _remotely("proxy_client", tmp_path, url, "instance", "runtime-properties", "port")
    assert (read.returncode, read.stdout) == (0, "80"), read.stderr
    words = ("instance", "runtime-properties", "state", "ready")
    assert _remotely("proxy_client", tmp_path, url, *words).returncode == 0
    assert proxy.ctx.instance.runtime_properties["state"] == "ready"
    wrong = _remotely("proxy_client", tmp_path, url, "nothing")
    assert wrong.returncode == 1
    assert "ctx: " in wrong.stderr
    stranger = _remotely("proxy_client", tmp_path, url[:-3], "instance", "id")
    assert (stranger.returncode, "403" in stranger.stderr) == (1, True)


def test_a_python_script_remotely(proxy: HTTPCtxProxy, tmp_path: Path) -> None:
    shutil.copy(client.__file__, tmp_path / "proxy_client")
    shutil.copy(Path(ctx_wrappers.__file__).with_name("ctx-py.py"), tmp_path / "cloudify.py")
    command = tmp_path / "ctx"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -S {tmp_path}/proxy_client "$@"\n')
    command.chmod(0o700)
    (tmp_path / "script.py").write_text(
        "from cloudify import ctx\n"
        "ctx.instance.runtime_properties['twice'] = 2 * ctx.instance.runtime_properties['port']\n"
        "print(ctx.instance.id())\n"
    )
    done = _remotely("script.py", tmp_path, proxy.socket_url)
    assert (done.returncode, done.stdout) == (0, "vm_1\n"), done.stderr
    assert proxy.ctx.instance.runtime_properties["twice"] == 160


def test_waiting_for_another_deployment() -> None:
    class Executions:
        statuses: ClassVar[list[str]] = ["started", "terminated", "failed"]

        def get(self, execution_id: str) -> Record:
            return Record(id=execution_id, status=self.statuses.pop(0), error="no disk")

    current_ctx.set(MockCloudifyContext(node_id="c_1"))
    asked = SimpleNamespace(executions=Executions())
    assert polling.verify_execution_state(asked, "e", "d", False, "terminated", interval=0)
    with pytest.raises(exceptions.NonRecoverableError, match="is failed: no disk"):
        polling.verify_execution_state(asked, "e", "d", False, "terminated", interval=0)
    assert not polling.poll_with_timeout(lambda: False, timeout=0, interval=0)

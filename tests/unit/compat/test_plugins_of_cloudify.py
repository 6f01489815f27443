"""Code as existing plugins have it, run as they are: names, mocks, and what they rely on."""

from __future__ import annotations

import email
import logging
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudwright.child.errors import RequestRefused
from cloudwright.compat import finder
from cloudwright.compat.cloudify import compute, exceptions, manager, utils
from cloudwright.compat.cloudify.mocks import (
    MockCloudifyContext,
    MockContext,
    MockNodeContext,
    MockNodeInstanceContext,
    MockRelationshipContext,
    MockRelationshipSubjectContext,
)
from cloudwright.compat.cloudify.state import NotInContext, ctx, ctx_parameters, current_ctx
from cloudwright.compat.cloudify_rest_client.exceptions import (
    CloudifyClientError,
    DeploymentEnvironmentCreationInProgressError,
)
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
        if name.partition(".")[0] in ("cloudify", "cloudify_rest_client", "script_runner"):
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
from script_runner.tasks import (ILLEGAL_CTX_OPERATION_ERROR, POLL_LOOP_INTERVAL, POLL_LOOP_LOG_ITERATIONS,
    UNSUPPORTED_SCRIPT_FEATURE_ERROR, ProcessException, _get_process_environment, execute_workflow,
    process_ctx_request, run, start_ctx_proxy)
assert "terminated" in Execution.END_STATES and Execution.STARTED == "started"
assert same is CloudifyClient
"""
    names: dict[str, object] = {}
    exec(program, names)
    # One class under two names, so that whoever raises and whoever catches mean the same.
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

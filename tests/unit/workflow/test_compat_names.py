"""The names that existing workflows import lead to this package."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

from cloudwright.compat import finder
from cloudwright.workflow import api, graph_journal
from cloudwright.workflow.importable import dump_handler, import_by_name, importable_name, load_handler


@pytest.fixture(autouse=True)
def _installed() -> None:
    finder.install()


def test_a_module_is_one_under_both_its_names() -> None:
    theirs = importlib.import_module("cloudify.workflows.tasks_graph")
    ours = importlib.import_module("cloudwright.compat.cloudify.workflows.tasks_graph")
    assert theirs is ours
    assert theirs.__spec__ is not None
    assert theirs.__name__ == theirs.__spec__.name == "cloudwright.compat.cloudify.workflows.tasks_graph"
    assert sys.modules["cloudify.workflows.tasks_graph"] is theirs
    assert importlib.import_module("cloudify.workflows").tasks_graph is theirs


def test_installing_again_changes_nothing() -> None:
    before = list(sys.meta_path)
    cloudify = importlib.import_module("cloudify")
    finder.install()
    assert sys.meta_path == before
    assert importlib.import_module("cloudify") is cloudify


def test_what_is_installed_under_the_same_name_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "meta_path", [item for item in sys.meta_path if not isinstance(item, finder.AliasFinder)]
    )
    for name in [name for name in sys.modules if name.partition(".")[0] == "cloudify"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cloudify", ModuleType("cloudify"))
    finder.install()
    assert importlib.import_module("cloudify").__name__ == "cloudwright.compat.cloudify"


def test_what_is_not_there_does_not_exist_and_other_names_are_left_alone() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"cloudify\.amqp_client"):
        importlib.import_module("cloudify.amqp_client")
    with pytest.raises(ModuleNotFoundError, match="cloudify_nothing"):
        importlib.import_module("cloudify_nothing")


NAMES = {
    "cloudify.workflows": "api ctx parameters",
    "cloudify.workflows.api": """
        EXECUTION_CANCELLED_RESULT ExecutionCancelled has_cancel_request has_kill_request
    """,
    "cloudify.workflows.workflow_api": "ExecutionCancelled has_cancel_request",
    "cloudify.workflows.tasks": """
        HandlerResult LocalWorkflowTask NOPLocalWorkflowTask RemoteWorkflowTask WorkflowTask
        WorkflowTaskResult
        TASK_FAILED TASK_PENDING TASK_RESCHEDULED TASK_SENDING TASK_SENT TASK_STARTED TASK_SUCCEEDED
    """,
    "cloudify.workflows.tasks_graph": """
        SubgraphTask TaskDependencyGraph TaskSequence forkjoin make_or_get_graph
    """,
    "cloudify.workflows.workflow_context": """
        CloudifyWorkflowContext CloudifyWorkflowNode CloudifyWorkflowNodeInstance CloudifyWorkflowRelationship
        CloudifyWorkflowRelationshipInstance task_config
    """,
    "cloudify.plugins.lifecycle": """
        LifecycleProcessor execute_establish_relationships execute_unlink_relationships is_host_node
        install_node_instance_subgraph install_node_instances reinstall_node_instances
        rollback_node_instances
        set_send_node_event_on_error_handler uninstall_node_instance_subgraph uninstall_node_instances
        _host_post_start _host_pre_stop _relationships_operations _skip_nop_operations
    """,
    "cloudify.plugins.workflows": """
        execute_operation install pull reinstall restart rollback start stop uninstall
    """,
    "cloudify.decorators": "operation workflow",
    "cloudify.state": "current_workflow_ctx workflow_ctx workflow_parameters",
}


@pytest.mark.parametrize("module", NAMES)
def test_the_names_are_there(module: str) -> None:
    found = importlib.import_module(module)
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


def test_they_are_the_same_things() -> None:
    assert importlib.import_module("cloudify.workflows").api.ExecutionCancelled is api.ExecutionCancelled
    assert importlib.import_module("cloudify.workflows.api").has_cancel_request is api.has_cancel_request
    failed = importlib.import_module("cloudify.exceptions").WorkflowFailed
    assert failed is importlib.import_module("cloudwright.workflow.errors").WorkflowFailed


# Names of handlers.


class Handler:
    def __init__(self, number: int = 0) -> None:
        self.number = number

    def dump(self) -> dict[str, int]:
        return {"number": self.number}

    def method(self) -> None: ...


class Plain:
    def __call__(self) -> None: ...


def function() -> None: ...


def test_what_can_be_found_again_has_a_name() -> None:
    assert import_by_name(str(importable_name(function))) is function
    assert import_by_name(str(importable_name(Handler))) is Handler
    assert (
        importable_name(graph_journal.make_or_get_graph)
        == "cloudwright.workflow.graph_journal:make_or_get_graph"
    )

    def inner() -> None: ...

    for unnamed in (inner, lambda: None, Handler().method, Handler(), 3):
        assert importable_name(unnamed) is None


def test_handlers_are_made_again_with_their_arguments() -> None:
    assert load_handler(dump_handler(function)) is function
    assert load_handler(dump_handler(Handler(7))).number == 7  # type: ignore[arg-type]  # as plugins do
    assert isinstance(load_handler(dump_handler(Plain())), Plain)
    assert dump_handler(lambda: None) is None
    assert dump_handler(Handler().method) is None
    assert load_handler(None) is None

"""Checks that change nothing but what is known: ``check_status`` and ``check_drift``.

What a check says is kept in the instance's system properties (``model.instance_health``). One that was
cancelled, killed or lost, or could not run at all, says nothing: what an earlier one said stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cloudwright.builtin.steps import LIFECYCLE, RELATIONSHIP_LIFECYCLE
from cloudwright.model.instance_health import (
    DRIFT,
    PREVIOUS_STATUS,
    SOURCE_DRIFTS,
    STATUS,
    STATUS_UNKNOWN,
    TARGET_DRIFTS,
)
from cloudwright.model.operation import says_nothing
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.current import workflow_ctx
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import make_or_get_graph
from cloudwright.workflow.task_state import TASK_SUCCEEDED
from cloudwright.workflow.tasks import Handler, HandlerResult, WorkflowTask
from cloudwright.workflow.topology import WorkflowNodeInstance

CHECK_STATUS = "cloudify.interfaces.validation.check_status"
CHECK_DRIFT = f"{LIFECYCLE}.check_drift"
CHECK_RELATIONSHIP_DRIFT = f"{RELATIONSHIP_LIFECYCLE}.check_drift"


@make_or_get_graph
def status_graph(
    ctx: WorkflowContext,
    chosen: Iterable[WorkflowNodeInstance],
    run_by_dependency_order: bool = False,
    ignore_failure: bool = False,
    retries: int | None = None,
) -> TaskDependencyGraph:
    """Return a graph that runs ``check_status`` of ``chosen``.

    A check that fails is not tried again: that is an answer. One that asks to be run again is, ``retries``
    times unless the blueprint says how often, or else as often as other operations.
    """
    graph = ctx.graph_mode()
    on_failure = check_status_on_failure_ignore_failure if ignore_failure else check_status_on_failure
    tasks: dict[str, WorkflowTask] = {}
    for instance in chosen:
        task = instance.execute_operation(CHECK_STATUS)
        if not task.is_nop():
            _watch(task, check_status_on_success, on_failure, instance_id=instance.id)
            declared = (instance.node.operations.get(CHECK_STATUS) or {}).get("max_retries")
            if declared is None and retries is not None:
                task.total_retries = retries
        graph.add_task(task)
        tasks[instance.id] = task
    if run_by_dependency_order:
        _order(ctx, graph, tasks)
    return graph


@make_or_get_graph
def drift_graph(
    ctx: WorkflowContext,
    chosen: Iterable[WorkflowNodeInstance],
    run_by_dependency_order: bool = True,
    ignore_failure: bool = False,
) -> TaskDependencyGraph:
    """Return a graph that runs ``check_drift`` of ``chosen`` and then of their relationships."""
    graph = ctx.graph_mode()
    on_failure = check_drift_on_failure_ignore_failure if ignore_failure else check_drift_on_failure
    tasks: dict[str, WorkflowTask] = {}
    for instance in chosen:
        own = tasks[instance.id] = instance.execute_operation(CHECK_DRIFT)
        checks = [(own, {"instance_id": instance.id})]
        for relationship in instance.relationships:
            target = relationship.target_id
            source_info = {"instance_id": instance.id, "relationship_target": target}
            target_info = {"instance_id": target, "relationship_source": instance.id}
            checks += [
                (relationship.execute_source_operation(CHECK_RELATIONSHIP_DRIFT), source_info),
                (relationship.execute_target_operation(CHECK_RELATIONSHIP_DRIFT), target_info),
            ]
        for task, info in checks:
            if task is not own and task.is_nop():
                continue
            graph.add_task(task)
            if not task.is_nop():
                _watch(task, check_drift_on_success, on_failure, **info)
            if task is not own:
                graph.add_dependency(task, own)
    if run_by_dependency_order:
        _order(ctx, graph, tasks)
    return graph


def _watch(task: WorkflowTask, on_success: Handler, on_failure: Handler, **info: str) -> None:
    task.info = info
    if not workflow_ctx.dry_run:
        task.on_success, task.on_failure = on_success, on_failure


def _order(ctx: WorkflowContext, graph: TaskDependencyGraph, tasks: dict[str, WorkflowTask]) -> None:
    """Let each instance wait for those that it depends on, through instances that were not chosen too."""
    for instance in ctx.node_instances:
        if instance.id not in tasks:
            tasks[instance.id] = graph.subgraph(instance.id)
    for instance in ctx.node_instances:
        for relationship in instance.relationships:
            if relationship.target_id in tasks:
                graph.add_dependency(tasks[instance.id], tasks[relationship.target_id])


# Handlers: found again by their names when a graph is restored.


def check_status_on_success(task: WorkflowTask) -> HandlerResult:
    _keep_status(task)
    return HandlerResult.cont()


def check_status_on_failure(task: WorkflowTask) -> HandlerResult:
    _keep_status(task)
    return HandlerResult.fail()


def check_status_on_failure_ignore_failure(task: WorkflowTask) -> HandlerResult:
    _keep_status(task)
    return HandlerResult.ignore()


def check_drift_on_success(task: WorkflowTask) -> HandlerResult:
    _keep_drift(task)
    return HandlerResult.cont()


def check_drift_on_failure(task: WorkflowTask) -> HandlerResult:
    _keep_drift(task)
    return HandlerResult.fail()


def check_drift_on_failure_ignore_failure(task: WorkflowTask) -> HandlerResult:
    _keep_drift(task)
    return HandlerResult.ignore()


def _keep_status(task: WorkflowTask) -> None:
    instance_id = task.info["instance_id"]
    reason = _why_nothing_is_said(task)
    if reason is not None:
        unknown = {"execution_id": workflow_ctx.execution_id, "task": task.name, "reason": reason}
        _put(task, instance_id, {STATUS_UNKNOWN: unknown})
        return
    earlier = _known(instance_id).get(STATUS)
    _put(task, instance_id, {PREVIOUS_STATUS: earlier, STATUS: _what_was_said(task), STATUS_UNKNOWN: None})


def _keep_drift(task: WorkflowTask) -> None:
    if _why_nothing_is_said(task) is not None:
        return
    instance_id, said = task.info["instance_id"], _what_was_said(task)
    for table, other in (
        (TARGET_DRIFTS, task.info.get("relationship_source")),
        (SOURCE_DRIFTS, task.info.get("relationship_target")),
    ):
        if other is not None:
            known = _known(instance_id).get(table) or {}
            _put(task, instance_id, {table: known | {other: said}})
            return
    _put(task, instance_id, {DRIFT: said})


def _why_nothing_is_said(task: WorkflowTask) -> str | None:
    if isinstance(task.error, ExecutionCancelled):
        return str(task.error)
    return task.failure.message if task.failure is not None and says_nothing(task.failure) else None


def _what_was_said(task: WorkflowTask) -> dict[str, Any]:
    return {
        "ok": task.get_state() == TASK_SUCCEEDED,
        "timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        "task": task.name,
        "result": task.async_result.value if task.error is None else str(task.error),
    }


def _known(instance_id: str) -> Mapping[str, Any]:
    instance = workflow_ctx.get_node_instance(instance_id)
    return {} if instance is None else instance.system_properties


def _put(task: WorkflowTask, instance_id: str, values: dict[str, Any]) -> None:
    task.workflow_context.internal.put_system_properties(instance_id, values)

"""The workflows themselves. Defaults of their parameters are in the types that declare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudwright.builtin import checks, lifecycle, parts
from cloudwright.builtin.steps import LIFECYCLE
from cloudwright.builtin.taking_back import ROLLBACK, STOP, take_back
from cloudwright.model.modification import GONE
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.decorators import workflow
from cloudwright.workflow.errors import ExecutionCancelled
from cloudwright.workflow.graph import TaskDependencyGraph
from cloudwright.workflow.graph_journal import make_or_get_graph
from cloudwright.workflow.remembering import decided
from cloudwright.workflow.tasks import SubgraphTask
from cloudwright.workflow.topology import WorkflowNodeInstance

Names = Sequence[str] | None

#: States in which an instance cannot stay: something was begun and has not ended.
UNRESOLVED = ("creating", "configuring", "starting")


def filter_node_instances(
    ctx: WorkflowContext, node_ids: Names = None, node_instance_ids: Names = None, type_names: Names = None
) -> list[WorkflowNodeInstance]:
    """Return the instances that all three filters let through; an empty filter lets everything through."""
    return [
        instance
        for node in ctx.nodes
        if (not node_ids or node.id in node_ids)
        and (not type_names or any(name in node.type_hierarchy for name in type_names))
        for instance in node.instances
        if not node_instance_ids or instance.id in node_instance_ids
    ]


def _others(ctx: WorkflowContext, chosen: Sequence[WorkflowNodeInstance]) -> list[WorkflowNodeInstance]:
    ids = {instance.id for instance in chosen}
    return [instance for instance in ctx.node_instances if instance.id not in ids]


@workflow(resumable=True)
def install(
    ctx: WorkflowContext,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    type_names: Names = None,
    on_cancel: str = STOP,
    **_: Any,
) -> None:
    """Create, configure and start node instances, each after those that it depends on."""
    chosen = filter_node_instances(ctx, node_ids, node_instance_ids, type_names)
    if on_cancel != ROLLBACK or ctx.dry_run:
        lifecycle.install_node_instances(ctx.graph_mode(), chosen, _others(ctx, chosen))
        return
    _install_or_take_back(ctx, chosen)


def _install_or_take_back(ctx: WorkflowContext, chosen: Sequence[WorkflowNodeInstance]) -> None:
    """Install, and if that is cancelled, take down what was not there before.

    A workflow that is resumed after that installs again: what its first graph has done is undone.
    """
    absent = decided(
        ctx,
        "install_absent",
        lambda: [instance.id for instance in chosen if instance.state in GONE],
        "What a cancel takes down",
    )
    taken_back = 0
    while ctx.internal.stored.take(f"install_taken_back_{taken_back}") is not None:
        taken_back += 1
    again = f"again-{taken_back}-" if taken_back else ""
    try:
        lifecycle.install_node_instances(ctx.graph_mode(), chosen, _others(ctx, chosen), name_prefix=again)
    except ExecutionCancelled:
        decided(ctx, f"install_taken_back_{taken_back}", lambda: True, "What was begun is taken down")
        others = [instance.id for instance in ctx.node_instances if instance.id not in set(absent)]
        ctx.internal.event(
            "workflow_stage", take_back(ctx, absent, others, name_prefix=f"back-{taken_back}-")
        )
        raise


@workflow(resumable=True)
def uninstall(
    ctx: WorkflowContext,
    ignore_failure: bool = False,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    type_names: Names = None,
    recursive: bool = False,
    **_: Any,
) -> None:
    """Stop and delete node instances, each after those that depend on it.

    ``recursive`` uninstalls the deployments before that are a part of this one by their label.
    """
    if recursive:
        parts.uninstall_parts(ctx, ignore_failure)
    chosen = filter_node_instances(ctx, node_ids, node_instance_ids, type_names)
    lifecycle.uninstall_node_instances(ctx.graph_mode(), chosen, ignore_failure, _others(ctx, chosen))


@workflow(resumable=True)
def reinstall(
    ctx: WorkflowContext,
    ignore_failure: bool = False,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    type_names: Names = None,
    **_: Any,
) -> None:
    """Uninstall node instances and install them again."""
    chosen = filter_node_instances(ctx, node_ids, node_instance_ids, type_names)
    lifecycle.reinstall_node_instances(ctx.graph_mode(), chosen, ignore_failure, _others(ctx, chosen))


@workflow(resumable=True)
def rollback(
    ctx: WorkflowContext,
    type_names: Names = None,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    full_rollback: bool = False,
    **_: Any,
) -> None:
    """Take node instances that stopped half-way back to a state that they can stay in; all down if
    ``full_rollback``.
    """
    chosen = filter_node_instances(ctx, node_ids, node_instance_ids, type_names)
    unresolved = [instance for instance in chosen if instance.state in UNRESOLVED]
    lifecycle.rollback_node_instances(ctx.graph_mode(), unresolved, _others(ctx, unresolved))
    if full_rollback:
        ctx.refresh_node_instances()
        lifecycle.uninstall_node_instances(
            ctx.graph_mode(), list(ctx.node_instances), name_prefix="rollback-"
        )


@workflow(resumable=True)
def execute_operation(ctx: WorkflowContext, operation: str, *args: Any, **kwargs: Any) -> None:
    """Run one operation of many node instances."""
    _operation_graph(ctx, operation, *args, name=f"execute_operation_{operation}", **kwargs).execute()


@make_or_get_graph
def _operation_graph(
    ctx: WorkflowContext,
    operation: str,
    operation_kwargs: dict[str, Any] | None = None,
    allow_kwargs_override: bool | None = None,
    run_by_dependency_order: bool = False,
    type_names: Names = None,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    **_: Any,
) -> TaskDependencyGraph:
    graph = ctx.graph_mode()
    subgraphs: dict[str, SubgraphTask] = {}
    for instance in filter_node_instances(ctx, node_ids, node_instance_ids, type_names):
        subgraph = subgraphs[instance.id] = graph.subgraph(instance.id)
        if not instance.node.has_operation(operation):
            continue
        message = f"Operation {operation} begins"
        if operation_kwargs:
            message += f" with inputs {operation_kwargs}"
        subgraph.sequence().add(
            instance.send_event(message),
            instance.execute_operation(operation, operation_kwargs, allow_kwargs_override),
            instance.send_event(f"Operation {operation} has ended"),
        )
    if run_by_dependency_order:
        # An instance that was not chosen still stands between those that were, if it stands between them in
        # the blueprint.
        for instance in ctx.node_instances:
            if instance.id not in subgraphs:
                subgraphs[instance.id] = graph.subgraph(instance.id)
        for instance in ctx.node_instances:
            for relationship in instance.relationships:
                if relationship.target_id in subgraphs:
                    graph.add_dependency(subgraphs[instance.id], subgraphs[relationship.target_id])
    return graph


def operations_workflow(ctx: WorkflowContext, operations: Mapping[str, Any], **which: Any) -> None:
    """Run operations of the lifecycle one after the other, each of all node instances that ``which`` chooses.

    ``operations`` are the inputs of each by its name; ``which`` is as for ``execute_operation``.
    """
    for name, inputs in operations.items():
        execute_operation(
            ctx,
            f"{LIFECYCLE}.{name}",
            operation_kwargs=inputs,
            allow_kwargs_override=True,
            **_choice(**which),
        )


def _choice(
    run_by_dependency_order: bool = True,
    type_names: Names = None,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    **_: Any,
) -> dict[str, Any]:
    """Return the parameters that choose instances and their order; others that were given are left out."""
    return {
        "run_by_dependency_order": run_by_dependency_order,
        "type_names": type_names,
        "node_ids": node_ids,
        "node_instance_ids": node_instance_ids,
    }


@workflow(resumable=True)
def start(ctx: WorkflowContext, operation_parms: dict[str, Any] | None = None, **which: Any) -> None:
    """Run the operation ``start`` of node instances."""
    operations_workflow(ctx, {"start": operation_parms}, **which)


@workflow(resumable=True)
def stop(ctx: WorkflowContext, operation_parms: dict[str, Any] | None = None, **which: Any) -> None:
    """Run the operation ``stop`` of node instances."""
    operations_workflow(ctx, {"stop": operation_parms}, **which)


@workflow(resumable=True)
def restart(
    ctx: WorkflowContext,
    stop_parms: dict[str, Any] | None = None,
    start_parms: dict[str, Any] | None = None,
    **which: Any,
) -> None:
    """Run the operation ``stop`` of all, and then the operation ``start``."""
    operations_workflow(ctx, {"stop": stop_parms, "start": start_parms}, **which)


@workflow(resumable=True)
def pull(ctx: WorkflowContext, operation_parms: dict[str, Any] | None = None, **which: Any) -> None:
    """Run the operation ``pull`` of node instances."""
    operations_workflow(ctx, {"pull": operation_parms}, **which)


@workflow(resumable=True)
def check_status(
    ctx: WorkflowContext,
    run_by_dependency_order: bool = False,
    type_names: Names = None,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    ignore_failure: bool = False,
    **_: Any,
) -> None:
    """Run the operation ``check_status`` of node instances, and keep what each says."""
    chosen = filter_node_instances(ctx, node_ids, node_instance_ids, type_names)
    graph = checks.status_graph(
        ctx, chosen, run_by_dependency_order, ignore_failure, retries=0, name="check_status"
    )
    graph.execute()


@workflow(resumable=True)
def check_drift(
    ctx: WorkflowContext,
    run_by_dependency_order: bool = True,
    type_names: Names = None,
    node_ids: Names = None,
    node_instance_ids: Names = None,
    ignore_failure: bool = False,
    **_: Any,
) -> None:
    """Run the operation ``check_drift`` of node instances and their relationships, and keep what it finds."""
    chosen = filter_node_instances(ctx, node_ids, node_instance_ids, type_names)
    graph = checks.drift_graph(ctx, chosen, run_by_dependency_order, ignore_failure, name="check_drift")
    graph.execute()

"""The life of one node instance: the subgraphs that install it, take it down, and try again."""

from __future__ import annotations

from typing import Any

from cloudwright.builtin.agents import host_post_start, host_pre_stop
from cloudwright.builtin.steps import (
    LIFECYCLE,
    RELATIONSHIP_LIFECYCLE,
    Steps,
    announce,
    is_host_node,
    operation,
    relationships_operations,
    skip_nop_operations,
)
from cloudwright.workflow.current import workflow_ctx
from cloudwright.workflow.tasks import (
    INFINITE_TOTAL_RETRIES,
    HandlerResult,
    SubgraphTask,
    TaskContainer,
    WorkflowTask,
)
from cloudwright.workflow.topology import WorkflowNodeInstance

VALIDATION = "cloudify.interfaces.validation"
MONITORING = "cloudify.interfaces.monitoring"

# By an instance's state, what of its installation lies behind it.
CREATED = ("created", "configuring", "configured", "starting", "started")
CREATING = ("creating", *CREATED)
CONFIGURED = ("configured", "starting", "started")
# And what of its removal.
NOT_RUNNING = ("stopped", "deleting", "deleted", "uninitialized", "configured")
STOPPED = ("stopped", "deleting", "deleted", "uninitialized")
GONE = ("deleted", "uninitialized")


def install_node_instance_subgraph(
    instance: WorkflowNodeInstance, graph: TaskContainer, state: str | None = None, **_: Any
) -> SubgraphTask:
    """Return the subgraph that installs the instance, from ``state`` on, which is its own if none is
    given.
    """
    subgraph: SubgraphTask = graph.subgraph(f"install_{instance.id}")
    steps = _install_steps(instance, subgraph, instance.state if state is None else state)
    if steps:
        steps = [instance.set_state("initializing"), *steps, instance.set_state("started", "Started")]
    else:
        steps = [instance.set_state("started", "Started: there was nothing to run")]
    subgraph.sequence().add(*steps)
    subgraph.on_failure = RebuildSubgraph(instance.id, "reinstall")
    return subgraph


def _install_steps(instance: WorkflowNodeInstance, subgraph: SubgraphTask, state: str) -> Steps:
    steps: Steps = []
    if state not in CREATING:
        steps += operation(
            instance,
            f"{VALIDATION}.create",
            before=(None, "Validating the creation"),
            after=(None, "Creation validated"),
        )
        steps += operation(
            instance,
            f"{LIFECYCLE}.precreate",
            before=(None, "Preparing to create"),
            after=(None, "Prepared to create"),
        )
    if state not in CREATED:
        steps += operation(
            instance, f"{LIFECYCLE}.create", before=("creating", "Creating"), after=("created", "Created")
        )
    if state not in CONFIGURED:
        steps += _relationships(instance, subgraph, "preconfigure", "Preconfiguring", "preconfigured")
        steps += operation(
            instance,
            f"{LIFECYCLE}.configure",
            before=("configuring", "Configuring"),
            after=("configured", "Configured"),
        )
    if state != "started":
        steps += _relationships(instance, subgraph, "postconfigure", "Postconfiguring", "postconfigured")
        steps += operation(instance, f"{LIFECYCLE}.start", before=("starting", "Starting"))
        if is_host_node(instance):
            steps += host_post_start(instance)
        steps += operation(
            instance,
            f"{LIFECYCLE}.poststart",
            before=(None, "Finishing the start"),
            after=(None, "Start finished"),
        )
        steps += operation(instance, f"{MONITORING}.start")
        steps += _relationships(instance, subgraph, "establish", "Establishing", "established")
    return steps


def uninstall_node_instance_subgraph(
    instance: WorkflowNodeInstance, graph: TaskContainer, ignore_failure: bool = False
) -> SubgraphTask:
    """Return the subgraph that takes the instance down, from the state that it is in."""
    subgraph: SubgraphTask = graph.subgraph(f"uninstall_{instance.id}")
    state = instance.state
    steps: Steps = []
    if state in NOT_RUNNING:
        steps += announce(instance, (None, f"Not stopped: it is {state}"))
    else:
        steps += _stop_steps(instance)
    if state not in STOPPED:
        steps.append(instance.set_state("stopped"))
    if state in GONE:
        steps += announce(instance, (None, f"Not deleted: it is {state}"))
    else:
        steps += _delete_steps(instance, subgraph)
    if state != "deleted":
        steps.append(instance.set_state("deleted", "Deleted"))
    subgraph.sequence().add(*steps)
    if ignore_failure:
        ignore_failures(subgraph, instance)
    else:
        subgraph.on_failure = RebuildSubgraph(instance.id, "uninstall")
    return subgraph


def _stop_steps(instance: WorkflowNodeInstance) -> Steps:
    steps: Steps = [instance.set_state("stopping", "Stopping")]
    steps += operation(
        instance,
        f"{VALIDATION}.delete",
        before=(None, "Validating the deletion"),
        after=(None, "Deletion validated"),
    )
    steps += operation(instance, f"{MONITORING}.stop")
    steps += operation(
        instance, f"{LIFECYCLE}.prestop", before=(None, "Preparing to stop"), after=(None, "Prepared to stop")
    )
    if is_host_node(instance):
        steps += host_pre_stop(instance)
    return steps + operation(instance, f"{LIFECYCLE}.stop", after=(None, "Stopped"))


def _delete_steps(instance: WorkflowNodeInstance, subgraph: SubgraphTask) -> Steps:
    steps = _relationships(instance, subgraph, "unlink", "Unlinking", "unlinked", reverse=True)
    steps += operation(instance, f"{LIFECYCLE}.delete", before=("deleting", "Deleting"))
    return steps + operation(
        instance,
        f"{LIFECYCLE}.postdelete",
        before=(None, "Finishing the deletion"),
        after=(None, "Deletion finished"),
    )


def rollback_node_instance_subgraph(
    instance: WorkflowNodeInstance, graph: TaskContainer, ignore_failure: bool = False
) -> SubgraphTask:
    """Return the subgraph that takes an instance that stopped half-way back to the last state that it can
    stay in.
    """
    subgraph: SubgraphTask = graph.subgraph(f"rollback_{instance.id}")
    state = instance.state
    steps: Steps = []
    if state == "starting":
        steps += [*_stop_steps(instance), instance.set_state("configured", "Rolled back")]
    elif state in ("creating", "configuring"):
        steps += [*_delete_steps(instance, subgraph), instance.set_state("uninitialized", "Rolled back")]
    else:
        steps += announce(instance, (None, f"Not rolled back: it is {state}"))
    subgraph.sequence().add(*steps)
    if ignore_failure:
        ignore_failures(subgraph, instance)
    return subgraph


def reinstall_node_instance_subgraph(instance: WorkflowNodeInstance, graph: TaskContainer) -> SubgraphTask:
    """Return the subgraph that takes the instance down and installs it again."""
    subgraph: SubgraphTask = graph.subgraph(f"reinstall_{instance.id}")
    subgraph.sequence().add(
        instance.send_event(
            "An operation failed for good: the node instance is taken down and installed again"
        ),
        uninstall_node_instance_subgraph(instance, subgraph),
        install_node_instance_subgraph(instance, subgraph, state="uninitialized"),
    )
    subgraph.on_failure = RebuildSubgraph(instance.id, "reinstall")
    return subgraph


def _relationships(
    instance: WorkflowNodeInstance,
    subgraph: SubgraphTask,
    name: str,
    doing: str,
    done: str,
    reverse: bool = False,
) -> Steps:
    operations = relationships_operations(subgraph, instance, f"{RELATIONSHIP_LIFECYCLE}.{name}", reverse)
    if operations is None:
        return []
    return skip_nop_operations(
        operations,
        instance.send_event(f"{doing} the relationships"),
        instance.send_event(f"Relationships {done}"),
    )


# Handlers: found again by their names when a graph is restored.


class RebuildSubgraph:
    """Puts a new subgraph in the place of one that failed, while the subgraph has retries left."""

    def __init__(self, instance_id: str, on_retry: str) -> None:
        """``on_retry`` is "reinstall" or "uninstall"."""
        self._instance_id = instance_id
        self._on_retry = on_retry

    def dump(self) -> dict[str, str]:
        return {"instance_id": self._instance_id, "on_retry": self._on_retry}

    def __call__(self, subgraph: SubgraphTask) -> HandlerResult:
        if subgraph.containing_subgraph is not None:
            # The one around it is rebuilt as a whole.
            return HandlerResult.fail()
        if (
            subgraph.total_retries != INFINITE_TOTAL_RETRIES
            and subgraph.current_retries >= subgraph.total_retries
        ):
            return HandlerResult.fail()
        # As it is now, not as it was when the subgraph was built.
        instance = workflow_ctx.get_node_instance(self._instance_id)
        build = (
            reinstall_node_instance_subgraph
            if self._on_retry == "reinstall"
            else uninstall_node_instance_subgraph
        )
        result = HandlerResult.retry()
        result.retried_task = build(instance, subgraph.graph)
        return result


class IgnoreFailure:
    """Lets the workflow continue although the task failed, and says so."""

    def __init__(self, instance_id: str) -> None:
        self._instance_id = instance_id

    def dump(self) -> dict[str, str]:
        return {"instance_id": self._instance_id}

    def __call__(self, task: WorkflowTask) -> HandlerResult:
        instance = workflow_ctx.get_node_instance(self._instance_id)
        instance.send_event(f"The failure of {task.short_description} is ignored").apply_async()
        return HandlerResult.ignore()


def ignore_failures(subgraph: SubgraphTask, instance: WorkflowNodeInstance) -> None:
    """Let everything in the subgraph fail without failing the subgraph."""
    for task in subgraph.tasks.values():
        if isinstance(task, SubgraphTask):
            ignore_failures(task, instance)
        elif not task.inline:
            ignore_task_failure(task, instance)


def ignore_task_failure(task: WorkflowTask, instance: WorkflowNodeInstance) -> None:
    task.on_failure = IgnoreFailure(instance.id)

"""``scale``: more or fewer instances of a node or a scaling group.

The instances that are added or are to go are a modification of the deployment, which the manager stores as
the first step; a resumed workflow continues with the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

from cloudwright.builtin import lifecycle
from cloudwright.builtin.parts import check_component_ids
from cloudwright.builtin.plans import show_plan
from cloudwright.builtin.taking_back import ROLLBACK, STOP, take_back
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.decorators import workflow
from cloudwright.workflow.errors import ExecutionCancelled, WorkflowFailed
from cloudwright.workflow.modification import Modification

Names = Iterable[str] | str | None


@workflow(resumable=True)
def scale_entity(
    ctx: WorkflowContext,
    scalable_entity_name: str,
    delta: Any = 1,
    scale_compute: bool = False,
    ignore_failure: bool = False,
    include_instances: Names = None,
    exclude_instances: Names = None,
    rollback_if_failed: bool = True,
    abort_started: bool = False,
    on_cancel: str = STOP,
    **_: Any,
) -> None:
    """Add ``delta`` instances, or remove them if it is negative."""
    modification = ctx.deployment.stored_modification()
    if modification is None:
        wanted = _wanted(
            ctx,
            scalable_entity_name,
            delta,
            bool(scale_compute),
            _listed(include_instances),
            _listed(exclude_instances),
        )
        if wanted is None:
            return
        check_component_ids(ctx, wanted)
        if ctx.dry_run:
            show_plan(ctx, ctx.deployment.preview_modification(wanted))
            return
        modification = ctx.deployment.start_modification(wanted)
        show_plan(ctx, modification.changes)
    ctx.logger.info("Deployment modification `%s` is going on", modification.id)
    if modification.status == "finished":
        return
    if modification.status != "started":
        raise WorkflowFailed(modification.reason or "The scaling was taken back.", hide_traceback=True)
    run = _scale_in if modification.removed.changed else _scale_out
    prefix = f"{scalable_entity_name}_{modification.id}_"
    try:
        run(ctx, modification, prefix, ignore_failure)
    except ExecutionCancelled:
        if on_cancel == ROLLBACK:
            _take_back(ctx, modification, prefix, ignore_failure, "It was cancelled")
        raise
    except Exception as error:
        if not rollback_if_failed:
            raise
        said = _take_back(ctx, modification, prefix, ignore_failure, str(error))
        raise WorkflowFailed(
            f"{error}\n{said}", hide_traceback=True, traceback=getattr(error, "traceback", "")
        ) from error
    modification.finish()


@workflow(resumable=True)
def scale(ctx: WorkflowContext, node_id: str, delta: Any, scale_compute: bool, **more: Any) -> None:
    """``scale_entity``, as types of older versions map to it."""
    scale_entity(ctx, node_id, delta, scale_compute, **more)


def _scale_out(ctx: WorkflowContext, modification: Modification, prefix: str, ignore_failure: bool) -> None:
    added = modification.added
    lifecycle.install_node_instances(ctx.graph_mode(), added.changed, added.related, name_prefix=prefix)


def _scale_in(ctx: WorkflowContext, modification: Modification, prefix: str, ignore_failure: bool) -> None:
    removed = modification.removed
    lifecycle.uninstall_node_instances(
        ctx.graph_mode(), removed.changed, ignore_failure, removed.related, name_prefix=prefix
    )


def _take_back(
    ctx: WorkflowContext, modification: Modification, prefix: str, ignore_failure: bool, reason: str
) -> str:
    """Take down what was added, if anything, and return a sentence that describes the result."""
    added, related = modification.added.changed, modification.added.related
    said = take_back(
        ctx,
        [one.id for one in added],
        [one.id for one in related],
        name_prefix=prefix,
        ignore_failure=ignore_failure,
    )
    modification.rollback(f"{reason}\n{said}")
    return said


def _wanted(
    ctx: WorkflowContext,
    name: str,
    delta: Any,
    scale_compute: bool,
    include: list[str],
    exclude: list[str],
) -> dict[str, Any] | None:
    """Return how many instances of what there are to be; None if nothing changes. Raises ValueError."""
    try:
        delta = int(delta)
    except (TypeError, ValueError):
        raise ValueError(f"`delta` is {delta!r}, and has to be a number.") from None
    if delta == 0:
        ctx.logger.info("`delta` is 0: nothing is scaled.")
        return None
    if delta > 0 and (include or exclude):
        raise ValueError("Instances are included or excluded only if there are to be fewer.")
    group = ctx.deployment.scaling_groups.get(name)
    if group is not None:
        members = get_groups_with_members(ctx)
        validate_inclusions_and_exclusions(
            include, exclude, {*members, *chain(*members.values())}, delta, scale_compute, members
        )
        now, scaled = int(group["properties"]["current_instances"]), name
    else:
        node = ctx.get_node(name)
        if node is None:
            raise ValueError(f"The deployment has no node and no scaling group `{name}`.")
        validate_inclusions_and_exclusions(
            include, exclude, [one.id for one in node.instances], delta, scale_compute
        )
        chosen = (node.host_node or node) if scale_compute else node
        now, scaled = chosen.number_of_instances, chosen.id
    if now + delta < 0:
        raise ValueError(
            f"`{scaled}` has {now} instances: {-delta} of them cannot be removed (`delta` is {delta})."
        )
    return {
        scaled: {
            "instances": now + delta,
            "removed_ids_include_hint": include,
            "removed_ids_exclude_hint": exclude,
        }
    }


def _listed(names: Names) -> list[str]:
    if not names:
        return []
    return [names] if isinstance(names, str) else list(names)


def get_groups_with_members(ctx: WorkflowContext) -> dict[str, list[str]]:
    """Return the ids of node instances by the instance of a scaling group that they are in."""
    members: dict[str, list[str]] = {}
    for instance in ctx.node_instances:
        for group in instance.scaling_groups:
            members.setdefault(group["id"], []).append(instance.id)
    return members


def validate_inclusions_and_exclusions(
    include_instances: Collection[str],
    exclude_instances: Collection[str],
    available_instances: Collection[str],
    delta: int,
    scale_compute: bool,
    groups_members: dict[str, list[str]] | None = None,
) -> None:
    """Raise RuntimeError if these instances cannot be removed, and those kept."""
    if not include_instances and not exclude_instances:
        return
    available, exclude = set(available_instances), set(exclude_instances)
    problems = []
    for what, ids in (("included", set(include_instances)), ("excluded", exclude)):
        if missing := sorted(ids - available):
            problems.append(f"These {what} instances do not exist: {', '.join(missing)}.")
    if both := sorted(exclude & set(include_instances)):
        problems.append(f"These instances are both included and excluded: {', '.join(both)}.")
    if groups_members:
        kept = {group for group, members in groups_members.items() if exclude & {group, *members}}
        if len(groups_members) + delta < len(kept):
            problems.append(
                f"Instances of {len(kept)} instances of the group are excluded, and "
                f"{len(groups_members) + delta} are to stay."
            )
    elif len(available) + delta < len(exclude):
        problems.append(f"{len(exclude)} instances are excluded, and {len(available) + delta} are to stay.")
    if scale_compute:
        problems.append(
            "Instances cannot be included or excluded with `scale_compute`: name those of the host."
        )
    if problems:
        raise RuntimeError(
            f"{' '.join(problems)} The existing instances are: {', '.join(sorted(available))}."
        )

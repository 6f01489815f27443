"""``update``: a deployment becomes what another blueprint, or other inputs, would have made of it.

An instance is taken down by the plan that it was made by: what goes, and what is recreated, is taken down
first; then the new plan holds, in one step that the manager stores; then what is new is installed, and what
stays is brought in line. A resumed workflow knows by that step on which side it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudwright.builtin import checks, lifecycle
from cloudwright.builtin.healing import HEAL
from cloudwright.builtin.repairing import (
    HEAL_FAILED,
    UPDATE_FAILED,
    failed_in,
    heal_node_instances,
    update_node_instances,
)
from cloudwright.builtin.steps import in_order
from cloudwright.model.instance_changes import Staying, decide
from cloudwright.model.instance_health import CHECKS, has_drift, is_status_ok
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.decorators import workflow
from cloudwright.workflow.errors import WorkflowFailed
from cloudwright.workflow.remembering import decided
from cloudwright.workflow.topology import CONTAINED_IN, WorkflowNodeInstance

PREFIX = "update-"
_STARTED = "started"


@workflow(resumable=True)
def update(ctx: WorkflowContext, **_: Any) -> None:
    """Carry out the deployment update that the execution was started with."""
    record = ctx.internal.call("deployment_update")
    if ctx.dry_run:
        ctx.logger.info("Nothing is updated in a dry run")
        return
    options = record["options"]
    ill = [] if record["switched"] else _ill(ctx, record)
    plan = decided(ctx, "update_plan", lambda: _plan(ctx, record, ill), "The plan of the update")
    _say(ctx, plan)
    prefix = f"{PREFIX}{record['id']}-"
    if options["install_first"] and not options["skip_install"]:
        ctx.internal.call("add_updated_nodes")
        if not record["switched"]:
            ctx.refresh_node_instances()
    if not record["switched"]:
        _take_down(ctx, record, plan, prefix)
    ctx.take_updated(ctx.internal.call("switch_update"))
    _forget_checks(ctx, plan["reinstall"])
    _bring_up(ctx, record, plan, prefix)
    if not options["skip_drift_check"]:
        _update_drifted(ctx, plan, options, prefix)
    ctx.internal.call("finish_update")


def _ill(ctx: WorkflowContext, record: Mapping[str, Any]) -> list[str]:
    """Check what stays, heal what is ill, and return the ids of what could not be healed."""
    if record["options"]["skip_heal"]:
        return []
    staying = [
        one
        for one in ctx.node_instances
        if one.state == _STARTED
        and one.id not in {*record["removed"], *(record["options"].get("skip") or ())}
        and _has(one, checks.CHECK_STATUS)
    ]
    if not staying:
        return []
    ids = [one.id for one in staying]
    checks.status_graph(ctx, staying, ignore_failure=True, name=f"{PREFIX}check_status").execute()
    ctx.refresh_node_instances()
    ill = [one for one in _found(ctx, ids) if not is_status_ok(one.system_properties)]
    to_heal = [one for one in ill if _has(one, HEAL)]
    if to_heal:
        heal_node_instances(ctx.graph_mode(), to_heal, name_prefix=PREFIX)
        ctx.refresh_node_instances()
    failed = failed_in(_found(ctx, [one.id for one in to_heal]), HEAL_FAILED)
    return [one.id for one in ill if one not in to_heal] + [one.id for one in failed]


def _plan(ctx: WorkflowContext, record: Mapping[str, Any], ill: Iterable[str]) -> dict[str, Any]:
    """Return which instances are recreated, with the reasons, and which are updated if they have drifted."""
    removed = set(record["removed"])
    staying = [_staying(one) for one in ctx.node_instances if one.id not in removed]
    decision = decide(staying, record["changed"], record["options"], ill)
    return {"reinstall": decision.replaced, "in_line": list(decision.updated)}


def _staying(one: WorkflowNodeInstance) -> Staying:
    containers = (
        item.target_id for item in one.relationships if item.relationship.is_derived_from(CONTAINED_IN)
    )
    return Staying(one.id, one.node_id, one.state, next(containers, None), one.node.operations)


def _has(instance: WorkflowNodeInstance, operation: str) -> bool:
    return instance.node.has_operation(operation)


def _take_down(ctx: WorkflowContext, record: Mapping[str, Any], plan: Mapping[str, Any], prefix: str) -> None:
    options = record["options"]
    going = set(plan["reinstall"])
    if not options["skip_uninstall"]:
        going |= set(record["removed"]) - set(options.get("skip") or ())
    added = set(record["added"])
    chosen = [one for one in ctx.node_instances if one.id in going and one.id not in added]
    others = [one for one in ctx.node_instances if one.id not in going and one.id not in added]
    lifecycle.LifecycleProcessor(
        ctx.graph_mode(),
        chosen,
        others,
        modified_relationship_ids=_between(ctx, record["reduced"]),
        ignore_failure=bool(options["ignore_failure"]),
        name_prefix=prefix,
    ).uninstall()


def _bring_up(ctx: WorkflowContext, record: Mapping[str, Any], plan: Mapping[str, Any], prefix: str) -> None:
    options = record["options"]
    coming = set(plan["reinstall"])
    if not options["skip_install"]:
        coming |= set(record["added"])
    chosen = [one for one in ctx.node_instances if one.id in coming]
    others = [one for one in ctx.node_instances if one.id not in coming]
    lifecycle.LifecycleProcessor(
        ctx.graph_mode(),
        chosen,
        [one for one in others if one.state == _STARTED],
        modified_relationship_ids=_between(ctx, record["extended"]),
        name_prefix=prefix,
    ).install()


def _between(ctx: WorkflowContext, changed: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Return which relationships are linked or unlinked, as nodes by the nodes that have them."""
    found: dict[str, dict[str, Any]] = {}
    for id, targets in changed.items():
        source = ctx.get_node_instance(id)
        for target in _found(ctx, targets):
            if source is not None:
                found.setdefault(source.node_id, {})[target.node_id] = True
    return found


def _update_drifted(
    ctx: WorkflowContext, plan: Mapping[str, Any], options: Mapping[str, Any], prefix: str
) -> None:
    """Bring in line what changed and stays, and recreate what cannot be."""
    ctx.refresh_node_instances()
    chosen = _found(ctx, plan["in_line"])
    if not chosen:
        return
    checks.drift_graph(ctx, chosen, ignore_failure=True, name=f"{prefix}check_drift").execute()
    ctx.refresh_node_instances()
    differing = [one for one in _found(ctx, plan["in_line"]) if has_drift(one.system_properties)]
    ids = decided(ctx, "update_drifted", lambda: [one.id for one in differing], "What differs")
    update_node_instances(ctx.graph_mode(), _found(ctx, ids), name_prefix=prefix)
    ctx.refresh_node_instances()
    failed = {one.id for one in failed_in(_found(ctx, ids), UPDATE_FAILED)}
    if not failed:
        return
    if options["skip_reinstall"]:
        raise WorkflowFailed(
            f"These could not be updated, and are not recreated (`skip_reinstall`): "
            f"{', '.join(sorted(failed))}.",
            hide_traceback=True,
        )
    again: set[WorkflowNodeInstance] = set()
    for one in _found(ctx, sorted(failed)):
        again |= one.get_contained_subgraph()
    chosen = in_order(again)
    ids_again = {one.id for one in chosen}
    others = [one for one in ctx.node_instances if one.id not in ids_again]
    lifecycle.reinstall_node_instances(ctx.graph_mode(), chosen, bool(options["ignore_failure"]), others)
    _forget_checks(ctx, ids_again)


def _forget_checks(ctx: WorkflowContext, ids: Iterable[str]) -> None:
    nothing = dict.fromkeys((*CHECKS, HEAL_FAILED, UPDATE_FAILED))
    with ctx.internal.connection.gathering():
        for id in sorted(ids):
            ctx.internal.put_system_properties(id, nothing)


def _say(ctx: WorkflowContext, plan: Mapping[str, Any]) -> None:
    match len(plan["reinstall"]):
        case 0:
            ctx.logger.info("no instance is recreated")
        case 1:
            ctx.logger.info("1 instance is recreated")
        case number:
            ctx.logger.info("%d instances are recreated", number)
    for id, reason in plan["reinstall"].items():
        ctx.logger.info("-/+ `%s`: %s", id, reason)


def _found(ctx: WorkflowContext, ids: Iterable[str]) -> list[WorkflowNodeInstance]:
    return [one for one in map(ctx.get_node_instance, ids) if one is not None]

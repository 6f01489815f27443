"""``heal``: instances that are ill are healed, or reinstalled if they cannot be.

An instance is ill if its own check says so; one that could not be checked is not taken for ill. Nothing is
destroyed without having been named: the plan is decided, stored and shown before anything of it is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cloudwright.builtin import checks, lifecycle
from cloudwright.builtin.repairing import HEAL_FAILED, failed_in, heal_node_instances
from cloudwright.builtin.steps import LIFECYCLE, in_order
from cloudwright.model.instance_health import CHECKS, STATUS, STATUS_UNKNOWN
from cloudwright.workflow.context import WorkflowContext
from cloudwright.workflow.decorators import workflow
from cloudwright.workflow.errors import ExecutionCancelled, WorkflowFailed
from cloudwright.workflow.remembering import decided
from cloudwright.workflow.topology import WorkflowNodeInstance

HEAL = f"{LIFECYCLE}.heal"
HEALTHY, TO_HEAL, TO_REINSTALL = "healthy", "heal", "reinstall"
#: What becomes of each instance, and why: ``{id: [what, reason]}``.
Plan = dict[str, list[str]]
# A message names so many instances at most.
_NAMED = 5


@workflow(resumable=True)
def auto_heal_reinstall_node_subgraph(
    ctx: WorkflowContext,
    node_instance_id: str | None = None,
    diagnose_value: str = "Not provided",
    ignore_failure: bool = True,
    check_status: bool = True,
    allow_reinstall: bool = True,
    force_reinstall: bool = False,
    **_: Any,
) -> None:
    """Heal what is ill on the host of an instance, or in the whole deployment."""
    chosen = _chosen(ctx, node_instance_id)
    what = f"`{node_instance_id}`" if node_instance_id else f"deployment `{ctx.deployment.id}`"
    ctx.logger.info("Healing %s; diagnosis: %s", what, diagnose_value)
    if check_status and not force_reinstall:
        checks.status_graph(ctx, chosen, ignore_failure=True, name="check_status").execute()
        ctx.refresh_node_instances()
        chosen = _found(ctx, [one.id for one in chosen])

    def decide() -> Plan:
        if force_reinstall:
            return {one.id: [TO_REINSTALL, "force_reinstall"] for one in chosen}
        if check_status:
            _refuse_unknown(ctx, chosen)
        return heal_plan(chosen, require_check=bool(node_instance_id))

    plan = decided(ctx, "heal_plan", decide, "The plan of the healing")
    _say(ctx, plan)
    to_reinstall = _of(ctx, plan, TO_REINSTALL)
    _check_allowed(to_reinstall, allow_reinstall)
    if not ctx.dry_run:
        to_reinstall += _heal(ctx, _of(ctx, plan, TO_HEAL))
        _check_allowed(to_reinstall, allow_reinstall)
    if to_reinstall:
        ids = {one.id for one in to_reinstall}
        others = [one for one in ctx.node_instances if one.id not in ids]
        lifecycle.reinstall_node_instances(ctx.graph_mode(), to_reinstall, ignore_failure, others)
        if not ctx.dry_run:
            _forget_checks(ctx, ids)


def heal_plan(instances: Iterable[WorkflowNodeInstance], *, require_check: bool) -> Plan:
    """Return what becomes of each instance, and why.

    With ``require_check`` an instance that no check has proved healthy counts as ill.
    """
    chosen = {one.id: one for one in in_order(instances)}
    plan: Plan = {}
    for id, one in chosen.items():
        status = one.system_properties.get(STATUS) or {}
        if status.get("ok"):
            plan[id] = [HEALTHY, "its check succeeded" if status.get("task") else "it was healed"]
        elif status.get("task"):
            plan[id] = [TO_HEAL, f"its check failed: {status.get('result')}"]
        elif require_check:
            plan[id] = [TO_HEAL, "it has no check that proves it healthy"]
        else:
            plan[id] = [HEALTHY, "no check says otherwise"]
        if plan[id][0] == TO_HEAL and not one.node.has_operation(HEAL):
            plan[id][0] = TO_REINSTALL
    for id in [id for id, (what, _) in plan.items() if what == TO_REINSTALL]:
        for inside in chosen[id].get_contained_subgraph():
            if plan.get(inside.id, [TO_REINSTALL])[0] != TO_REINSTALL:
                plan[inside.id] = [TO_REINSTALL, f"it is contained in `{id}`"]
    return plan


def _chosen(ctx: WorkflowContext, node_instance_id: str | None) -> list[WorkflowNodeInstance]:
    """Return what is on the host of the instance, or contained in it if it has none; or all."""
    if node_instance_id:
        asked = ctx.get_node_instance(node_instance_id)
        if asked is None:
            raise ValueError(f"The deployment has no node instance `{node_instance_id}`.")
        roots = [asked]
    else:
        roots = list(ctx.node_instances)
    found: set[WorkflowNodeInstance] = set()
    for root in roots:
        host = ctx.get_node_instance(root.host_id) if root.host_id else None
        found |= (host or root).get_contained_subgraph()
    return in_order(found)


def _refuse_unknown(ctx: WorkflowContext, instances: Iterable[WorkflowNodeInstance]) -> None:
    unknown = {}
    for one in instances:
        said = one.system_properties.get(STATUS_UNKNOWN) or {}
        if said.get("execution_id") == ctx.execution_id:
            unknown[one.id] = said.get("reason")
    if unknown:
        listed = "\n".join(f"`{id}`: {reason}" for id, reason in unknown.items())
        raise WorkflowFailed(
            f"It is not known whether these instances are healthy, so nothing was healed:\n{listed}",
            hide_traceback=True,
        )


def _heal(ctx: WorkflowContext, to_heal: list[WorkflowNodeInstance]) -> list[WorkflowNodeInstance]:
    """Heal, and return what could not be healed."""
    if not to_heal:
        return []
    try:
        heal_node_instances(ctx.graph_mode(), to_heal)
    except ExecutionCancelled:
        raise
    except WorkflowFailed as error:
        ctx.logger.error("Healing failed: %s", error)
    ctx.refresh_node_instances()
    return failed_in(_found(ctx, [one.id for one in to_heal]), HEAL_FAILED)


def _check_allowed(to_reinstall: list[WorkflowNodeInstance], allow_reinstall: bool) -> None:
    if to_reinstall and not allow_reinstall:
        names = ", ".join(f"`{one.id}`" for one in to_reinstall[:_NAMED])
        more = f" and {len(to_reinstall) - _NAMED} more" if len(to_reinstall) > _NAMED else ""
        raise WorkflowFailed(
            f"`allow_reinstall` is false, and these would be reinstalled: {names}{more}.",
            hide_traceback=True,
        )


def _forget_checks(ctx: WorkflowContext, ids: Iterable[str]) -> None:
    """What is recreated has not been checked."""
    nothing = dict.fromkeys((*CHECKS, HEAL_FAILED))
    with ctx.internal.connection.gathering():
        for id in sorted(ids):
            ctx.internal.put_system_properties(id, nothing)


def _say(ctx: WorkflowContext, plan: Plan) -> None:
    count = {what: sum(found == what for found, _ in plan.values()) for what in (TO_HEAL, TO_REINSTALL)}
    ctx.logger.info("%d to heal, %d to reinstall", count[TO_HEAL], count[TO_REINSTALL])
    for id, (what, reason) in plan.items():
        if what != HEALTHY:
            ctx.logger.info("%s `%s`: %s", what, id, reason)


def _of(ctx: WorkflowContext, plan: Plan, wanted: str) -> list[WorkflowNodeInstance]:
    return _found(ctx, [id for id, (what, _) in plan.items() if what == wanted])


def _found(ctx: WorkflowContext, ids: Iterable[str]) -> list[WorkflowNodeInstance]:
    return [one for one in map(ctx.get_node_instance, ids) if one is not None]

"""What the store's verbs and queries return: frozen records, never rows of a database library.

Times are aware and in UTC. Dictionaries and lists inside a record are the reader's own copies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloudwright.model.execution import CancelDecision, CancelMode, ExecutionStatus
from cloudwright.model.operation import OperationState

JsonObject = dict[str, Any]
DEFAULT_TENANT = "default_tenant"
#: Users whom the manager itself authenticates, and those whom an LDAP directory does.
LOCAL, LDAP = "local", "ldap"
#: The kind of the tasks that a worker runs; every other kind runs inside the workflow's process.
OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class NewExecution:
    """What the creator of an execution says about it.

    ``cleanup_of`` is the execution that starts it while it is being cancelled, if one does: a raised request
    reaches this one too. ``parent_id`` is the execution that waits for this one, ``parent_operation_id``
    which operation of it, and ``depth`` how many executions are above this one.
    ``wait_after_fail`` is for how long (seconds) tasks that run are waited for once one of them has failed.
    ``timeout`` is for how long (seconds) it may run before it is cancelled. A member of a group
    (``group_id``) waits in the queue for a place in it.
    """

    id: str
    workflow_id: str
    deployment_id: str | None = None
    blueprint_id: str | None = None
    tenant: str = DEFAULT_TENANT
    parameters: JsonObject = field(default_factory=dict, repr=False)
    is_system_workflow: bool = False
    is_dry_run: bool = False
    allow_custom_parameters: bool = False
    wait_after_fail: int = 600
    created_by: str | None = None
    scheduled_for: datetime | None = None
    cleanup_of: str | None = None
    timeout: float | None = None
    parent_id: str | None = None
    parent_operation_id: str | None = None
    depth: int = 0
    group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a workflow.

    ``term`` is the fencing number of its owner: 0 before the first claim, and only growing. ``resumed``
    counts how often a user resumed it. ``workflow_entered`` says that the function of a workflow that can not
    be resumed may have been called. ``crashes`` counts how often its manager died while it ran, since it last
    ran for a while or was resumed. ``deadline`` is when a standard cancel becomes a forced one. ``error``
    says why a failed execution failed; a cancelled one may keep a note there (workers that could not be
    reached). ``is_idle``: it was cancelled while it waited to be resumed, and its workflow is not run.
    ``parent_id`` is the execution that waits for this one, and ``depth`` how many are above it.
    """

    id: str
    tenant: str
    workflow_id: str
    deployment_id: str | None
    blueprint_id: str | None
    status: ExecutionStatus
    error: str | None
    parameters: JsonObject = field(repr=False)
    is_system_workflow: bool
    is_dry_run: bool
    allow_custom_parameters: bool
    wait_after_fail: int
    force: bool
    created_by: str | None
    created_at: datetime
    scheduled_for: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    owner: str | None
    term: int
    lease_until: datetime | None
    resumed: int
    reset_operations: bool
    cancel_mode: CancelMode | None
    cancel_requested_by: str | None
    cancel_requested_at: datetime | None
    deadline: datetime | None
    timeout: float | None
    expires_at: datetime | None
    workflow_entered: bool
    crashes: int
    parent_id: str | None
    depth: int
    group_id: str | None = None
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One task of an execution: an operation that a worker runs, or a local task (``kind`` is then its kind).

    ``parameters`` of an operation is the operation as in docs/concepts/frames.md. ``term`` is the
    execution's term under which it was last sent. ``failure`` is ``{"message", "recoverable", "retry_after",
    "kind", "traceback"}``.
    """

    id: str
    execution_id: str
    graph_id: str | None
    name: str
    kind: str
    state: OperationState
    attempt: int
    depends_on: list[str]
    parameters: JsonObject = field(repr=False)
    result: Any
    failure: JsonObject | None
    plugin: str | None
    executor: str | None
    instance_id: str | None
    source_id: str | None
    target_id: str | None
    worker: str | None
    pid: int | None
    term: int
    created_at: datetime
    sent_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def running(self) -> bool:
        """Whether a worker was let start it and has not reported its end."""
        return self.kind == OPERATION and self.state is OperationState.STARTED


@dataclass(frozen=True, slots=True)
class GraphRow:
    id: str
    execution_id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CancelResult:
    """``execution`` is as it is after the request, ``previous`` the status that the request met.

    ``promoted`` may start now: if a waiting execution was cancelled, the next one of its deployment.
    ``passed_on`` are the requests to what this execution started: to those that it waits for, and if the
    request is a forced one to those that it started while it was being cancelled.
    """

    decision: CancelDecision
    execution: Execution
    previous: ExecutionStatus
    promoted: list[str] = field(default_factory=list)
    passed_on: list[CancelResult] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FinishResult:
    """``revoked`` counts the operations that will not start; ``residual`` still run; ``promoted`` may start
    now.

    ``kill_first``: nothing was stored, because a kill was requested and the operations may still run.
    ``children_first``: the same, because a cancellation was requested and its children may not be over.
    """

    execution: Execution
    revoked: int
    residual: list[Operation]
    promoted: list[str]
    kill_first: bool = False
    children_first: bool = False


@dataclass(frozen=True, slots=True)
class EndResult:
    """``applied`` is False for a repeated, outdated or unknown end: nothing was written.

    ``conflict``: runtime properties had been changed meanwhile, so the operation was stored as failed
    instead, with ``failure``. ``execution_status`` and ``execution_id`` are None if no such operation is
    stored.
    """

    applied: bool
    conflict: bool
    execution_status: ExecutionStatus | None
    execution_id: str | None
    failure: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class JournalResult:
    """``sent``: the operations that are to be dispatched; ``refused``: ids of those that may not run."""

    sent: list[JsonObject]
    refused: list[str]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """``path`` is the folder of its files, relative to the home. ``plan`` is None unless asked for.

    ``artifact`` is the digest of the archive that was uploaded.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    main_file_name: str = ""
    plan: JsonObject | None = None
    state: str = "pending"
    error: str | None = None
    description: str | None = None
    visibility: str = "tenant"
    created_by: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    path: str | None = None
    labels: list[JsonObject] = field(default_factory=list)
    upload_execution: str | None = None
    requirements: JsonObject | None = None
    artifact: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """What of a deployment is said with each thing that belongs to it."""

    tenant: str
    id: str
    blueprint_id: str
    display_name: str
    visibility: str
    created_by: str | None


@dataclass(frozen=True, slots=True)
class Deployment:
    """``outputs`` and ``capabilities`` are definitions, their functions not evaluated. ``left_behind`` is
    what is known of instances that a rollback passed over.
    """

    id: str
    blueprint_id: str
    tenant: str = DEFAULT_TENANT
    display_name: str = ""
    description: str | None = None
    inputs: JsonObject = field(default_factory=dict, repr=False)
    outputs: JsonObject = field(default_factory=dict)
    capabilities: JsonObject = field(default_factory=dict)
    workflows: JsonObject = field(default_factory=dict)
    groups: JsonObject = field(default_factory=dict)
    policies: JsonObject = field(default_factory=dict)
    scaling_groups: JsonObject = field(default_factory=dict)
    labels: list[JsonObject] = field(default_factory=list)
    resource_tags: JsonObject = field(default_factory=dict)
    runtime_only_evaluation: bool = False
    visibility: str = "tenant"
    site_name: str | None = None
    created_by: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    settings: JsonObject = field(default_factory=dict)
    create_execution: str | None = None
    left_behind: list[JsonObject] | None = None


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node of a deployment: its dictionary as in docs/reference/plan.md, and its numbers of instances.

    ``planned_instances`` is how many the user wants, ``instances`` how many are stored now. Nodes of one
    deployment that are read together have what they share in common: they are not to be changed in place.
    """

    id: str
    deployment_id: str
    tenant: str
    node: JsonObject
    planned_instances: int
    instances: int


@dataclass(frozen=True, slots=True)
class User:
    """``role`` holds in every tenant. ``failed_logins`` counts them since the last that succeeded. ``source``
    is who authenticates the user: the manager itself, or a directory.
    """

    username: str
    password_hash: str = field(repr=False)
    role: str
    active: bool
    created_at: datetime
    first_login_at: datetime | None = None
    last_login_at: datetime | None = None
    failed_logins: int = 0
    last_failed_login_at: datetime | None = None
    source: str = LOCAL


@dataclass(frozen=True, slots=True)
class UserGroup:
    """``role`` is one that its members have in every tenant."""

    name: str
    role: str
    ldap_dn: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UserRoles:
    """What a user's groups and tenants give them.

    ``groups`` are the user's groups with the role of each in every tenant, ``direct`` the tenants that the
    user was added to with the role there, ``by_group`` the tenants that groups of the user were added to,
    with the groups of each role.
    """

    groups: dict[str, str] = field(default_factory=dict)
    direct: dict[str, str] = field(default_factory=dict)
    by_group: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def in_tenants(self) -> dict[str, frozenset[str]]:
        """Return the roles in each tenant that the user belongs to."""
        return {
            tenant: frozenset(
                [*([self.direct[tenant]] if tenant in self.direct else []), *self.by_group.get(tenant, ())]
            )
            for tenant in sorted({*self.direct, *self.by_group})
        }


@dataclass(frozen=True, slots=True)
class TenantMembers:
    """``users`` were added to the tenant themselves; ``groups`` have a role and members."""

    users: dict[str, str] = field(default_factory=dict)
    groups: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def roles(self) -> dict[str, frozenset[str]]:
        """Return the roles of every user in the tenant."""
        found: dict[str, set[str]] = {name: {role} for name, role in self.users.items()}
        for role, members in self.groups.values():
            for name in members:
                found.setdefault(name, set()).add(role)
        return {name: frozenset(found[name]) for name in sorted(found)}


@dataclass(frozen=True, slots=True)
class Token:
    """``secret_hash`` is what is kept of the secret; ``expires_at`` None is never."""

    id: str
    username: str
    secret_hash: str
    description: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class Tenant:
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Secret:
    """``value_encrypted`` is opaque here: the caller encrypts and decrypts it; None in lists. With a
    ``json_schema`` the value is JSON that fulfils it.
    """

    key: str
    value_encrypted: str | None = field(repr=False)
    tenant: str = DEFAULT_TENANT
    visibility: str = "tenant"
    is_hidden_value: bool = False
    created_by: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    json_schema: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plugin. ``path`` is its folder, relative to the home directory; ``artifact`` is the digest
    of the archive that was uploaded.
    """

    id: str
    package_name: str
    package_version: str
    tenant: str = DEFAULT_TENANT
    title: str | None = None
    archive_name: str | None = None
    distribution: str | None = None
    state: str = "installed"
    error: str | None = None
    path: str | None = None
    plugin_yaml: JsonObject | None = None
    labels: list[JsonObject] = field(default_factory=list)
    visibility: str = "tenant"
    created_by: str | None = None
    created_at: datetime | None = None
    artifact: str | None = None

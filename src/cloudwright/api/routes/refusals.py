"""What Cloudify's clients can ask for and this manager does not have: refused, with what to do instead.

These routes come behind all others, and are loaded when a request fits none of those.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from cloudwright.api.authorization import requires
from cloudwright.api.dependencies import CREDENTIALS, ContextDep
from cloudwright.api.middleware import PREFIX
from cloudwright.api.responses import JsonResponse
from cloudwright.errors import IllegalAction
from cloudwright.model import rest
from cloudwright.model.permissions import Permission

P = Permission


@dataclass(frozen=True, slots=True)
class Refusal:
    """``routes`` are methods and paths, each with the permission that it would need."""

    reason: str
    routes: tuple[tuple[str, str, Permission], ...]


LICENCE = Refusal(
    "Cloudwright needs no licence, so there is none to list, upload or remove.",
    (
        ("GET", "/license", P.LICENSE_LIST),
        ("PUT", "/license", P.LICENSE_UPLOAD),
        ("POST", "/license", P.LICENSE_UPLOAD),
        ("DELETE", "/license", P.LICENSE_REMOVE),
        ("POST", "/contacts", P.COMMUNITY_CONTACT_CREATE),
    ),
)
LDAP = Refusal(
    "How users are authenticated is set when the manager is started (CLOUDWRIGHT_LDAP_URL and its kin), and"
    " not by requests.",
    (("POST", "/ldap", P.LDAP_SET),),
)
LOGS = Refusal(
    "The manager writes its log to its standard error, for `journalctl` or a file, and keeps no bundles of"
    " it; `cfy logs` shows it on the manager's machine. What happened in executions is in `cfy events list`.",
    (
        ("GET", "/log-bundles", P.LOG_BUNDLE_LIST),
        ("GET", "/log-bundles/{id}", P.LOG_BUNDLE_GET),
        ("PUT", "/log-bundles/{id}", P.LOG_BUNDLE_CREATE),
        ("PATCH", "/log-bundles/{id}", P.LOG_BUNDLE_STATUS_UPDATE),
        ("DELETE", "/log-bundles/{id}", P.LOG_BUNDLE_DELETE),
        ("GET", "/log-bundles/{id}/archive", P.LOG_BUNDLE_DOWNLOAD),
        ("PUT", "/log-bundles/{id}/archive", P.LOG_BUNDLE_STATUS_UPDATE),
    ),
)
MEMBERS = Refusal(
    "Which managers, brokers and databases there are follows from how managers are started: see"
    " `cloudwright up --help`. They are not changed by requests.",
    (
        ("POST", "/managers", P.MANAGER_MANAGE),
        ("PUT", "/managers/{name}", P.MANAGER_MANAGE),
        ("DELETE", "/managers/{name}", P.MANAGER_MANAGE),
        ("POST", "/brokers", P.BROKER_MANAGE),
        ("PUT", "/brokers/{name}", P.BROKER_MANAGE),
        ("DELETE", "/brokers/{name}", P.BROKER_MANAGE),
        ("POST", "/db-nodes", P.CLUSTER_NODE_CONFIG_UPDATE),
    ),
)
CERTIFICATES = Refusal(
    "Agents trust the certificate that they were enrolled with. Enrol them again: `cfy agents enroll`.",
    (("PATCH", "/agents", P.AGENT_REPLACE_CERTS),),
)
ENGINE = Refusal(
    "Executions, their graphs and operations are written by the manager's engine alone: what clients could"
    " say of them would not be what happened.",
    (
        ("PATCH", "/executions/{id}", P.EXECUTION_STATUS_UPDATE),
        ("GET", "/executions/{id}/should-start", P.EXECUTION_SHOULD_START),
        ("PUT", "/operations/{id}", P.OPERATIONS),
        ("PATCH", "/operations/{id}", P.OPERATIONS),
        ("DELETE", "/operations/{id}", P.OPERATIONS),
        ("POST", "/tasks_graphs/{id}", P.OPERATIONS),
        ("PATCH", "/tasks_graphs/{id}", P.OPERATIONS),
        ("PUT", "/plugins/{id}", P.PLUGIN_UPLOAD),
    ),
)
NODES = Refusal(
    "Nodes and their instances come from the deployment's blueprint: change them with an update of the"
    " deployment, or with the workflow `scale`.",
    (
        ("POST", "/nodes", P.NODE_UPDATE),
        ("PATCH", "/nodes/{deployment_id}/{node_id}", P.NODE_UPDATE),
        ("DELETE", "/nodes/{deployment_id}/{node_id}", P.NODE_DELETE),
        ("POST", "/node-instances", P.NODE_INSTANCE_UPDATE),
        ("DELETE", "/node-instances/{id}", P.NODE_INSTANCE_DELETE),
    ),
)
UPDATES = Refusal(
    "An update of a deployment is started, and makes its own records:"
    " `POST /deployment-updates/DEPLOYMENT/update/initiate`.",
    (
        ("POST", "/deployment-updates", P.DEPLOYMENT_UPDATE_CREATE),
        ("PUT", "/deployment-updates/{id}", P.DEPLOYMENT_UPDATE_CREATE),
        ("PATCH", "/deployment-updates/{id}", P.DEPLOYMENT_UPDATE_UPDATE),
        ("POST", "/deployment-updates/{id}/update/finalize", P.DEPLOYMENT_UPDATE_UPDATE),
    ),
)
ARCHIVES = Refusal(
    "What was uploaded or made does not change. Upload a blueprint again under another id, and let the"
    " manager make snapshots and their status.",
    (
        ("PUT", "/blueprints/{id}/archive", P.BLUEPRINT_UPLOAD),
        ("PATCH", "/snapshots/{id}", P.SNAPSHOT_STATUS_UPDATE),
    ),
)
AUDIT = Refusal(
    "The audit log records what the manager did. Nothing can be added to it.",
    (("POST", "/audit", P.AUDIT_LOG_INJECT),),
)
# Not of the usual class, which refuses unknown parameters before these can say what there is not.
router = APIRouter(prefix=PREFIX, tags=["refused"], dependencies=CREDENTIALS)


@router.get("/license-check", response_model=rest.ContextSet)
@requires(Permission.LICENSE_LIST)
async def check_licence(_context: ContextDep) -> JsonResponse:
    """Confirm that no licence keeps anybody from anything: none is needed."""
    return JsonResponse({"status": "ok"})


@router.get("/idp", response_model=str)
@requires(Permission.IDENTITY_PROVIDER_GET)
async def get_identity_provider(context: ContextDep) -> JsonResponse:
    """Return by whom users are authenticated: `local`, or `ldap` besides."""
    return JsonResponse("ldap" if context.manager.settings.ldap_url else "local")


@router.get("/ldap", response_model=str)
@requires(Permission.LDAP_STATUS_GET)
async def get_ldap_status(context: ContextDep) -> JsonResponse:
    return JsonResponse("enabled" if context.manager.settings.ldap_url else "disabled")


def _refuse(reason: str, path: str) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def refuse(_context: ContextDep, **_named: str) -> Response:
        raise IllegalAction(reason)

    # The framework looks at the signature for what a path names.
    kind = inspect.Parameter.KEYWORD_ONLY
    named = [inspect.Parameter(name, kind, annotation=str) for name in re.findall(r"{(\w+)}", path)]
    context = inspect.Parameter("_context", kind, annotation=ContextDep)
    refuse.__signature__ = inspect.Signature([context, *named])  # type: ignore[attr-defined]
    refuse.__doc__ = f"Refused: {reason}"
    return refuse


for _refusal in (LICENCE, LDAP, LOGS, MEMBERS, CERTIFICATES, ENGINE, NODES, UPDATES, ARCHIVES, AUDIT):
    for _method, _path, _permission in _refusal.routes:
        router.add_api_route(
            _path,
            requires(_permission)(_refuse(_refusal.reason, _path)),
            name=f"Refuse {_method} {_path}",
            methods=[_method],
            status_code=400,
            response_model=rest.ErrorBody,
        )

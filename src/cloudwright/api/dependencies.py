"""The dependencies of routes: who sends a request, for which tenant, and which part of a list."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, Concatenate, Literal, ParamSpec, TypeVar

from fastapi import Depends, Header, Query, Request
from fastapi.security import APIKeyHeader, HTTPBasic

from cloudwright.api.authorization import authorize, permission_of
from cloudwright.api.errors import UnknownField
from cloudwright.api.internal_client import CALLER
from cloudwright.api.middleware import PREFIX, principal_of
from cloudwright.manager.manager import Manager
from cloudwright.manager.principals import Principal
from cloudwright.manager.secrets import Viewer
from cloudwright.model.execution import Caller
from cloudwright.model.permissions import Permission, Role
from cloudwright.storage import audit, ownership
from cloudwright.storage.audit import AuditEntry, open_entry
from cloudwright.storage.paging import Page
from cloudwright.storage.records import DEFAULT_TENANT
from cloudwright.storage.store import Connection
from cloudwright.storage.visibility import GLOBAL, KINDS, Scope, locate

P = ParamSpec("P")
T = TypeVar("T")

Visibility = Literal["private", "tenant", "global"]

#: What fits into a database's integer.
LARGEST = (1 << 63) - 1
DEFAULT_SIZE = 1000
#: How many records one response has at most.
MAX_SIZE = 10_000

# The gate has looked at them before; these say so in the OpenAPI document.
_basic = HTTPBasic(auto_error=False, description="A user name and a password.")
_token = APIKeyHeader(name="Authentication-Token", auto_error=False, description="A token.")
CREDENTIALS = [Depends(_basic), Depends(_token)]


_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What can be done in maintenance mode. A resume is seen by its route.
_IN_MAINTENANCE = re.compile(r"/v3\.1/(?:maintenance/|config/|tokens|searches/|snapshots|executions/[^/]+$)")
_CREATING = frozenset({"POST", "PUT"})
# What an action does to an execution is seen by its route.
_ACTION = re.compile(r"/executions/[^/]+$")


#: In the scope of a request that may change something: its entry of the audit log.
AUDIT_ENTRY = "cloudwright.audit_entry"
# The words of permissions for what makes something; what neither makes nor deletes changes something.
_MAKING = frozenset({"create", "upload", "start", "import"})
# A path that names one resource.
_NAMED = re.compile(r"/(?P<noun>filters(?=/\{resource\}/)|[a-z-]+)(?:/\{resource\})?/\{(?P<key>[a-z_]+)\}")
# What tenants may share. Secrets say themselves which one a key means.
_SHARED = frozenset({"blueprints", "plugins", "deployments", "sites"})


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a request is about: ``tenant`` exists, and the principal may use it.

    ``caller`` is the process that makes the request from inside of an execution, if one does.
    """

    manager: Manager
    principal: Principal
    tenant: str
    caller: Caller | None = None

    @property
    def by(self) -> str:
        return self.principal.username

    @property
    def scope(self) -> Scope:
        """What the principal sees in the tenant."""
        return self.principal.scope(self.tenant)

    def watch(self) -> Callable[[bool], Awaitable[bool]]:
        """Return a function that says whether the principal may continue a long request: whether nothing
        about them has changed.

        It looks again if accounts were changed since, or on request.
        """
        accounts = self.manager.accounts
        known = accounts.changes

        async def may_go_on(look: bool) -> bool:
            nonlocal known
            if accounts.has_expired(self.principal):
                return False
            if not look and known == accounts.changes:
                return True
            known = accounts.changes
            return await accounts.is_still(self.principal)

        return may_go_on

    async def change_account(
        self, verb: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Write what changes who may do what; what takes long looks at it then."""
        done = await self.manager.store.write_about((), verb, *args, **kwargs)
        self.manager.accounts.changed()
        return done

    async def check_seen(self, noun: str, key: str) -> None:
        """Check that what a body or query names is not private to somebody else. Raises NotFound."""
        if not self.principal.is_admin:
            await self.manager.store.read(locate, self.scope, self.tenant, noun, key)

    async def give(self, noun: str, id: str, username: str) -> None:
        """Make a resource another user's. Raises Forbidden, NotFound."""
        authorize(self.principal, Permission.SET_OWNER, self.tenant)
        audit.act(Permission.SET_OWNER)
        await self.manager.store.write(ownership.give, self.tenant, noun, id, username)

    def check_visibility(self, visibility: str | None) -> None:
        """Check that the principal may give a resource this visibility. Raises Forbidden."""
        if visibility == GLOBAL:
            authorize(self.principal, Permission.CREATE_GLOBAL_RESOURCE, self.tenant)

    @property
    def viewer(self) -> Viewer:
        """Who looks at secrets, or at what is evaluated with them."""
        execution_id = self.caller.execution_id if self.caller is not None else None
        return Viewer(self.by, self.principal.is_admin, self.principal.administers, execution_id=execution_id)


async def _request_context(
    request: Request,
    tenant: Annotated[str, Header(alias="Tenant", description="The tenant of the request.")] = DEFAULT_TENANT,
) -> RequestContext:
    manager: Manager = request.app.state.manager
    principal = principal_of(request.scope)
    await manager.accounts.check_tenant(principal, tenant)
    authorize(principal, permission_of(request.scope["endpoint"]), tenant)
    caller: Caller | None = request.scope.get(CALLER)
    # What runs may end: only what users ask for is refused.
    if caller is None and request.method in _CHANGING and not _IN_MAINTENANCE.search(request.scope["path"]):
        manager.maintenance.check()
    if caller is not None and request.method in _CREATING and not _ACTION.search(request.scope["path"]):
        await manager.executions.check_may_create(caller)
    context = RequestContext(manager, principal, tenant, caller)
    context = replace(context, tenant=await _tenant_of_path(request, context))
    if request.method in _CHANGING:
        request.scope[AUDIT_ENTRY] = _open_audit_entry(request, context)
    return context


def _operation(method: str, permission: Permission) -> str:
    if method == "DELETE":
        return "delete"
    return "create" if _MAKING.intersection(permission.split("_")) else "update"


def _open_audit_entry(request: Request, context: RequestContext) -> AuditEntry:
    """Have what the request changes recorded, under what its path names."""
    permission = permission_of(request.scope["endpoint"])
    assert permission is not None
    segments = [part for part in request.scope["route"].path.removeprefix(PREFIX).split("/") if part]
    noun = next(part for part in segments if not part.startswith("{")).replace("-", "_")
    names = [str(value) for name, value in request.path_params.items() if name != "resource"]
    identifier: dict[str, Any] = {"id": names[0]} if names else {}
    if permission.lowest_role not in (Role.DEFAULT, Role.SYS_ADMIN):
        identifier["tenant_name"] = context.tenant
    entry = AuditEntry(
        request=uuid.uuid4().hex,
        creator_name=context.by,
        action=permission,
        operation=_operation(request.method, permission),
        ref_table=noun,
        ref_id=names[0] if names else None,
        identifier=identifier,
        created_at=context.manager.clock(),
        execution_id=None if context.caller is None else context.caller.execution_id,
        address=request.client.host if request.client else None,
    )
    open_entry(entry)
    return entry


async def _tenant_of_path(request: Request, context: RequestContext) -> str:
    """Return the tenant of what the path names: another one's if it is global, and only looked at.

    Raises NotFound if it is private to somebody else.
    """
    template: str = request.scope["route"].path.removeprefix(PREFIX)
    found = _NAMED.match(template)
    if found is None:
        return context.tenant
    # What a PUT makes says itself that there is one already; one below a resource is about that one.
    if request.method == "PUT" and template[found.end() :] in ("", "/validate"):
        return context.tenant
    noun, key = found["noun"], request.path_params[found["key"]]
    if found["key"] == "deployment_id":
        noun = "deployments"
    elif noun == "filters":
        noun = f"filters/{request.path_params['resource']}"
    if noun not in KINDS:
        return context.tenant
    looks, shared = request.method == "GET", noun in _SHARED
    if context.principal.is_admin and not (looks and shared):
        return context.tenant
    tenant = await context.manager.store.read(locate, context.scope, context.tenant, noun, key)
    return tenant if looks else context.tenant


ContextDep = Annotated[RequestContext, Depends(_request_context)]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The part of a list that a request selects. ``fields`` is unchecked: see ``check_fields``."""

    page: Page
    fields: frozenset[str] | None
    search: str | None
    all_tenants: bool
    get_data: bool = False

    def tenant(self, context: RequestContext) -> Scope:
        """Return what the list is narrowed to: what the user sees in the tenant, or in all of theirs."""
        if not self.all_tenants:
            return context.scope
        return context.principal.scope()

    def sorted_page(self, **names: str) -> Page:
        """Return the page, with the API's names of columns replaced by the store's."""
        sort = tuple((names.get(name, name), descending) for name, descending in self.page.sort)
        return replace(self.page, sort=sort)


# No thread is needed for what waits for nothing: such a function has to be asynchronous.
async def _included_fields(
    _include: Annotated[str | None, Query(description="The fields to return, separated by commas.")] = None,
) -> frozenset[str] | None:
    if not _include:
        return None
    return frozenset(name.strip() for name in _include.split(",") if name.strip())


FieldsDep = Annotated[frozenset[str] | None, Depends(_included_fields)]


async def _list_query(
    fields: FieldsDep,
    _size: Annotated[int | None, Query(ge=0, le=MAX_SIZE, description="The size of a page.")] = None,
    _offset: Annotated[int, Query(ge=0, le=LARGEST, description="The number of records to skip.")] = 0,
    _sort: Annotated[
        list[str] | None, Query(description="FieldsDep to sort by, with `-` before those that descend.")
    ] = None,
    _search: Annotated[str | None, Query(description="Keep records whose ID contains this text.")] = None,
    _get_all_results: Annotated[
        bool, Query(description=f"Everything on one page, if that is at most {MAX_SIZE}.")
    ] = False,
    _all_tenants: Annotated[
        bool,
        Query(description="Records of all tenants of the user."),
    ] = False,
    _get_data: Annotated[bool, Query(description="Of accounts, names and roles instead of numbers.")] = False,
) -> ListQuery:
    size = DEFAULT_SIZE if _size is None else _size
    page = Page(MAX_SIZE if _get_all_results else size, _offset, _sorting(_sort or []), _get_all_results)
    return ListQuery(page, fields, _search or None, _all_tenants, _get_data)


ListQueryDep = Annotated[ListQuery, Depends(_list_query)]


def _sorting(given: list[str]) -> tuple[tuple[str, bool], ...]:
    sort = []
    for item in given:
        for part in item.split(","):
            # A plus sign that a client did not encode arrives as a space.
            name = part.strip().lstrip("+")
            if name:
                sort.append((name.removeprefix("-"), name.startswith("-")))
    return tuple(sort)


def check_fields(chosen: Collection[str] | None, shape: Any) -> None:
    """Check chosen fields against a record type. Raises UnknownField."""
    known = shape.__annotations__
    for name in chosen or ():
        if name not in known:
            raise UnknownField(
                f"There is no field `{name[:200]}` to include; the fields are: {', '.join(sorted(known))}."
            )


def split_values(values: list[str] | None) -> list[str] | None:
    """Split the values of a filter that may be repeated or separated by commas; None if there is none."""
    found = [part for value in values or [] for part in value.split(",") if part]
    return found or None

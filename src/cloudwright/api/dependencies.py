"""The dependencies of routes: who sends a request, for which tenant, and which part of a list."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query, Request
from fastapi.security import APIKeyHeader, HTTPBasic

from cloudwright.api.authorization import authorize, permission_of
from cloudwright.api.errors import UnknownField
from cloudwright.api.internal_client import CALLER
from cloudwright.api.middleware import principal_of
from cloudwright.manager.accounts import Principal
from cloudwright.manager.manager import Manager
from cloudwright.manager.secrets import Viewer
from cloudwright.model.execution import Caller
from cloudwright.model.permissions import Permission
from cloudwright.storage.paging import Page
from cloudwright.storage.records import DEFAULT_TENANT

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
    return RequestContext(manager, principal, tenant, caller)


ContextDep = Annotated[RequestContext, Depends(_request_context)]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The part of a list that a request selects. ``fields`` is unchecked: see ``check_fields``."""

    page: Page
    fields: frozenset[str] | None
    search: str | None
    all_tenants: bool
    get_data: bool = False

    def tenant(self, context: RequestContext) -> str | None:
        """Return the tenant to narrow the list to; None is every one. Raises Forbidden."""
        if not self.all_tenants:
            return context.tenant
        authorize(context.principal, Permission.ALL_TENANTS, context.tenant)
        return None

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
    _all_tenants: Annotated[bool, Query(description="Records of all tenants; for administrators.")] = False,
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
                f"There is no field `{name[:200]}` to include; there are: {', '.join(sorted(known))}."
            )


def split_values(values: list[str] | None) -> list[str] | None:
    """Split the values of a filter that may be repeated or separated by commas; None if there is none."""
    found = [part for value in values or [] for part in value.split(",") if part]
    return found or None

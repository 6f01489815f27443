"""The class of routes: how they read bodies, and how they are documented."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from cloudwright.api.dependencies import AUDIT_ENTRY, CREDENTIALS
from cloudwright.api.middleware import PREFIX
from cloudwright.errors import InvalidInput
from cloudwright.model.json_values import MAX_NESTING, is_too_deep

# An escaped NUL, which is JSON but nothing that a database's text can hold.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

#: What Cloudify's clients add to many requests. It chooses what a record shows, not which records are listed,
#: so a route that has no use for it may ignore it.
_CHOICES_OF_CLIENTS = frozenset(
    {"_include", "_get_data", "_evaluate_functions", "_instance_counts", "_include_hash"}
)
#: Lists of which a request deletes what it narrows them to.
_DELETED_FROM = (f"{PREFIX}/executions", f"{PREFIX}/events")
#: Requests below it read, though their method is POST.
_SEARCHES = f"{PREFIX}/searches/"


def resource_router(noun: str, path: str = "") -> APIRouter:
    """Return the router of a noun, below ``path``; its routes need credentials."""
    return APIRouter(prefix=PREFIX + path, tags=[noun], dependencies=CREDENTIALS, route_class=JsonRoute)


class _JsonRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        if b"\\u0000" in body and _NUL.search(body):
            raise HTTPException(400, "The body contains a NUL character, which cannot be stored.")
        value = orjson.loads(body)
        if is_too_deep(value):
            raise HTTPException(400, f"The body is nested deeper than {MAX_NESTING} levels.")
        return value


def _parameters(dependant: Dependant) -> frozenset[str]:
    """Return the names of the parameters that a route has in the query, with those of its dependencies."""
    own = {field.alias for field in dependant.query_params}
    return frozenset(own.union(*(_parameters(below) for below in dependant.dependencies)))


def _check_known(given: Iterable[str], known: frozenset[str]) -> None:
    """Check that nothing is asked for that would be ignored: a list would be narrowed to less than it shows.

    Raises InvalidInput.
    """
    for name in given:
        if name not in known and name not in _CHOICES_OF_CLIENTS:
            raise InvalidInput(
                f"There is no parameter `{name[:200]}` here; "
                f"the parameters are: {', '.join(sorted(known)) or 'none'}."
            )


class JsonRoute(APIRoute):
    """Reads bodies with a strict parser: no NaN and no half characters, which could not be stored later.

    Nothing validates responses: the type that a route declares for them is for the OpenAPI document. To
    make models of them all is a tenth of a start, so that waits until ``documented`` is called.
    """

    def __init__(self, *args: Any, response_model: Any = None, **options: Any) -> None:
        super().__init__(*args, response_model=None, **options)
        self._made_of = args, {**options, "response_model": response_model}

    def documented(self) -> APIRoute:
        """Return the same route with a model of its responses, for the OpenAPI document."""
        args, options = self._made_of
        return APIRoute(*args, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known: frozenset[str] | None = None

        async def handle_json(request: Request) -> Response:
            nonlocal known
            path = request.scope["path"]
            reads = request.method == "GET" or path.startswith(_SEARCHES) or path in _DELETED_FROM
            if reads and request.scope["query_string"]:
                known = _parameters(self.dependant) if known is None else known
                _check_known(request.query_params.keys(), known)
            try:
                return await handle(_JsonRequest(request.scope, request.receive))
            finally:
                # What continues behind the request, in tasks that it began, is no change of its user's.
                if (entry := request.scope.get(AUDIT_ENTRY)) is not None:
                    entry.closed = True

        return handle_json

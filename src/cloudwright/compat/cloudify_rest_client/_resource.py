"""How a method of the client becomes a request.

A method is written as its signature and what it asks for::

    class SecretsClient(Resource):
        @request("GET /secrets/{key}", Secret)
        def get(self, key): ...

The arguments that the path does not take go into the query of a GET or DELETE, and into the body otherwise.
One that is None is left out. The signatures are those of Cloudify's client, which plugins were written for.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudwright.child.rest import Records, included

#: Parameters that mean the same everywhere.
_INCLUDE, _SORT, _DESCENDING = "_include", "sort", "is_descending"
_SNAPSHOTS = ("dump", "restore")


class Resource:
    """One resource of the API; ``api`` sends its requests (``client.HTTPClient`` or its like)."""

    def __init__(self, api: Any) -> None:
        self.api = api

    def __getattr__(self, name: str) -> Any:
        if name in _SNAPSHOTS:
            raise AttributeError(
                f"`{type(self).__name__}.{name}` belongs to Cloudify's own snapshots, and is not there. "
                "`docs/how-to/backup-and-upgrade.md` says how to back up."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def filtered(
        self,
        path: str,
        searched: str,
        makes: type,
        params: Mapping[str, Any],
        *,
        filter_rules: Any = None,
        constraints: Any = None,
        _include: Iterable[str] | None = None,
    ) -> Records:
        """Return one page of the list at ``path``, or of what ``searched`` finds by rules or constraints."""
        params = {**params, **included(_include)}
        if filter_rules is not None:
            answer = self.api.post(searched, params=params, data={"filter_rules": filter_rules})
        elif constraints is not None:
            answer = self.api.post(searched, params=params, data={"constraints": constraints})
        else:
            answer = self.api.get(path, params=params)
        return page(answer, makes)


def page(answer: Mapping[str, Any], makes: Callable[[Any], Any]) -> Records:
    """Return the page of a list that was answered, its items made by ``makes``."""
    return Records([makes(item) for item in answer.get("items") or ()], answer.get("metadata") or {})


def ordered(params: Mapping[str, Any], sort: str | None, is_descending: bool) -> dict[str, Any]:
    """Return ``params`` with the order of a list."""
    return {**params, "_sort": f"-{sort}" if is_descending else sort} if sort else dict(params)


def request(
    route: str,
    makes: Any = None,
    *,
    fixed: Mapping[str, Any] | None = None,
    names: Mapping[str, str] | None = None,
    query: Iterable[str] = (),
    body: Iterable[str] = (),
    always: Iterable[str] = (),
    if_set: Iterable[str] = (),
    never: Iterable[str] = (),
    rest: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method of its signature.

    Parameters:
        route: The HTTP method and the path, with the names of parameters in braces.
        makes: What is made of the answer: a class, a list of one for a page, None for nothing.
        fixed: What is sent whatever the arguments are.
        names: Parameters that have another name in the request.
        query: Parameters that go into the query though others go into the body.
        body: Parameters that go into the body though others go into the query.
        always: Parameters that are sent though they are None.
        if_set: Parameters that are sent if they are true.
        never: Parameters that are accepted and mean nothing.
        rest: `query` if other keyword arguments go there though others go into the body.
    """
    verb, _, path = route.partition(" ")
    in_query = verb in ("GET", "DELETE")
    in_path = frozenset(re.findall(r"{(\w+)}", path))
    passed_over = in_path - set(body) - set(query) | {*never, _SORT, _DESCENDING}
    renamed, to_query, to_body = names or {}, frozenset(query), frozenset(body)
    kept, wanted = frozenset(always), frozenset(if_set)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def method(self: Resource, *args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            params: dict[str, Any] = {}
            data: dict[str, Any] = {}
            (params if in_query else data).update(fixed or {})
            for name, value in list(given.items())[1:]:
                if name in passed_over:
                    continue
                target = params if name in to_query or (in_query and name not in to_body) else data
                if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                    (params if rest == "query" else target).update(value)
                elif name == _INCLUDE:
                    params.update(included(value))
                elif (value is not None or name in kept) and (value or name not in wanted):
                    target[renamed.get(name, name)] = value
            params = ordered(params, given.get(_SORT), given.get(_DESCENDING, False))
            where = path.format_map({name: given[name] for name in in_path})
            answer = getattr(self.api, verb.lower())(where, data=data or None, params=params)
            return _made(answer, makes)

        return method

    return decorate


def _made(answer: Any, makes: Any) -> Any:
    if makes is None:
        return None
    if isinstance(makes, list):
        return page(answer or {}, makes[0])
    return makes(answer or {})

"""The manager's REST API, asked through the supervisor, with the rights of the execution's user.

This is the way of a request and the shape of its answer. The resources and their methods, under the names
that plugins use, are in ``compat.cloudify_rest_client``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cloudwright.child.errors import RequestRefused

#: Asks the supervisor (``HostConnection.call``).
Call = Callable[..., Any]


class Record(dict[str, Any]):
    """What the API answered, by key or by attribute; a key that is not there is None as an attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
        else:
            self[name] = value


class Pagination(dict[str, Any]):
    """Which part of a list a page is."""

    @property
    def offset(self) -> int:
        return int(self["offset"])

    @property
    def size(self) -> int:
        return int(self["size"])

    @property
    def total(self) -> int:
        """How many there are in all."""
        return int(self["total"])


class Metadata(dict[str, Any]):
    """What is said about a list."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        super().__init__(metadata)
        self["pagination"] = Pagination(metadata.get("pagination") or {})

    @property
    def pagination(self) -> Pagination:
        return self["pagination"]  # type: ignore[no-any-return]


class Records:
    """One page of a list."""

    def __init__(self, items: list[Any], metadata: Mapping[str, Any]) -> None:
        self.items = items
        self.metadata = Metadata(metadata)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def sort(self, cmp: None = None, key: Any = None, reverse: bool = False) -> None:
        """Sort the page in place; ``cmp`` is refused, as ``list.sort`` has none."""
        if cmp is not None:
            raise TypeError("A page is sorted by `key`; there is no `cmp`.")
        self.items.sort(key=key, reverse=reverse)

    def one(self) -> Any:
        """Return its only item. Raises ValueError if there is none, or more than one."""
        if len(self.items) != 1:
            raise ValueError(f"Expected exactly one item, found {len(self.items)}.")
        return self.items[0]


class Answer(NamedTuple):
    """``body`` is what the response's JSON says, or None; ``content`` its bytes if it is no JSON."""

    status: int
    body: Any
    content: bytes | None
    headers: dict[str, str]


def request(
    call: Call,
    method: str,
    path: str,
    params: Mapping[str, Any] | None = None,
    body: Any = None,
    *,
    content: bytes | None = None,
    content_type: str | None = None,
    tenant: str | None = None,
    from_root: bool = False,
) -> Answer:
    """Send a request. ``path`` is below `/api/v3.1`, or below the server's root if ``from_root``.

    ``content`` is sent in place of ``body``, as ``content_type``. Raises RequestRefused, for a response with
    a status from 400 on too.
    """
    given: dict[str, Any] = {"method": method, "path": path, "params": dict(params or {}), "body": body}
    if content is not None:
        given["content"] = _base64().b64encode(content).decode()
        given["content_type"] = content_type or "application/octet-stream"
    if tenant is not None:
        given["tenant"] = tenant
    if from_root:
        given["from_root"] = True
    said = call("rest", **given)
    encoded = said.get("content")
    answer = Answer(
        int(said["status"]),
        said.get("body"),
        None if encoded is None else _base64().b64decode(encoded),
        dict(said.get("headers") or {}),
    )
    if answer.status >= 400:
        raise refusal(answer.status, answer.body)
    return answer


def refusal(status: int, body: Any) -> RequestRefused:
    """Return the error for a response that refuses a request."""
    said = body if isinstance(body, dict) else {}
    return RequestRefused(
        str(said.get("message") or said.get("detail") or body),
        said.get("server_traceback"),
        status,
        said.get("error_code"),
    )


def record(call: Call, path: str, params: Mapping[str, Any] | None = None) -> Record:
    """Return what is at ``path``. Raises RequestRefused."""
    return Record(request(call, "GET", path, params).body or {})


def records(call: Call, path: str, params: Mapping[str, Any] | None = None) -> Records:
    """Return one page of the list at ``path``. Raises RequestRefused."""
    body = request(call, "GET", path, params).body or {}
    return Records([Record(item) for item in body.get("items") or ()], body.get("metadata") or {})


def included(fields: Iterable[str] | None) -> dict[str, str]:
    """Return the parameter that limits an answer to these fields."""
    return {"_include": ",".join(fields)} if fields else {}


def _base64() -> Any:
    import base64  # noqa: PLC0415 - it loads two libraries, and few processes send or get files

    return base64

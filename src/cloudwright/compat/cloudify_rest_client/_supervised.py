"""Requests to this manager, through the supervisor of the current operation or workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudwright.child import rest
from cloudwright.child.current import CurrentContext, current_ctx
from cloudwright.child.errors import NotInContext, RequestRefused
from cloudwright.compat.cloudify_rest_client._streamed import StreamedResponse
from cloudwright.compat.cloudify_rest_client._verbs import Verbs
from cloudwright.compat.cloudify_rest_client.exceptions import specific
from cloudwright.workflow.current import current_workflow_ctx


class SupervisorClient(Verbs):
    """Sends requests as ``HTTPClient`` does; there is no connection, and there are no credentials.

    ``tenant`` is another one than the execution's, if its user may use it.
    """

    host: str = "localhost"
    port: int | None = None
    protocol = "http"
    api_version = "v3.1"
    default_timeout_sec = None

    def __init__(self, tenant: str | None = None) -> None:
        self._tenant = tenant
        self.headers: dict[str, str] = {}

    @property
    def tenant_name(self) -> str:
        return self._tenant or str(_context()[0].tenant_name)

    def has_kerberos(self) -> bool:
        return False

    def has_auth_header(self) -> bool:
        return True

    def _request(
        self,
        method: str,
        uri: str,
        data: Any,
        params: Any,
        headers: dict[str, str] | None = None,
        _include: Any = None,
        stream: bool = False,
        url_prefix: bool = True,
        **_: Any,
    ) -> Any:
        """Raises CloudifyClientError, or the class of it for the refusal's code."""
        path, _mark, query = uri.partition("?")
        asked: dict[str, Any] = {**(params or {}), **rest.included(_include)}
        asked |= dict(part.split("=", 1) for part in query.split("&") if part)
        content = data.encode() if isinstance(data, str) else data
        is_content = isinstance(content, bytes)
        try:
            answer = rest.request(
                _context()[1],
                method,
                path,
                asked,
                None if is_content else data,
                content=content if is_content else None,
                content_type=(headers or {}).get("Content-Type"),
                tenant=self._tenant,
                from_root=not url_prefix,
            )
        except RequestRefused as error:
            raise specific(error) from None
        if stream:
            return StreamedResponse(answer.content or b"", answer.headers)
        return answer.body


def _context() -> tuple[Any, Callable[..., Any]]:
    """Return the current context, and what calls its supervisor."""
    for current, asked in _ASKED:
        try:
            ctx = current.get_ctx()
        except NotInContext:
            continue
        return ctx, asked(ctx).call
    raise NotInContext("There is no context here: only an operation or a workflow can call its manager.")


#: The current contexts, and the connection that serves the calls of each.
_ASKED: tuple[tuple[CurrentContext, Callable[[Any], Any]], ...] = (
    (current_ctx, lambda ctx: ctx._supervisor),
    (current_workflow_ctx, lambda ctx: ctx.internal.connection),
)

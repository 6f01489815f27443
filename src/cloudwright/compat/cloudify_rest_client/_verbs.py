"""What the resources of the client call to send a request."""

from __future__ import annotations

from typing import Any


class Verbs:
    """A method for each method of HTTP; subclasses send."""

    def get(self, uri: str, data: Any = None, params: Any = None, **more: Any) -> Any:
        return self._request("GET", uri, data, params, **more)

    def put(self, uri: str, data: Any = None, params: Any = None, **more: Any) -> Any:
        return self._request("PUT", uri, data, params, **more)

    def patch(self, uri: str, data: Any = None, params: Any = None, **more: Any) -> Any:
        return self._request("PATCH", uri, data, params, **more)

    def post(self, uri: str, data: Any = None, params: Any = None, **more: Any) -> Any:
        return self._request("POST", uri, data, params, **more)

    def delete(self, uri: str, data: Any = None, params: Any = None, **more: Any) -> Any:
        return self._request("DELETE", uri, data, params, **more)

    def _request(self, method: str, uri: str, data: Any, params: Any, **more: Any) -> Any:
        raise NotImplementedError

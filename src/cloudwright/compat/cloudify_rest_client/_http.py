"""Another manager, asked over HTTP."""

from __future__ import annotations

import json
from typing import Any

from cloudwright.child.rest import included, refusal
from cloudwright.compat.cloudify_rest_client._streamed import StreamedResponse
from cloudwright.compat.cloudify_rest_client._verbs import Verbs
from cloudwright.compat.cloudify_rest_client.exceptions import specific

DEFAULT_PORT = 80
SECURED_PORT = 443
SECURED_PROTOCOL = "https"
DEFAULT_PROTOCOL = "http"
DEFAULT_API_VERSION = "v3.1"
BASIC_AUTH_PREFIX = "Basic"
CLOUDIFY_TENANT_HEADER = "Tenant"
#: Seconds to connect, and seconds between two pieces of an answer.
_TIMEOUT = (5, 300)


class HTTPClient(Verbs):
    """Sends requests to the manager at ``host``, with the credentials that are given."""

    def __init__(
        self,
        host: str,
        port: int = DEFAULT_PORT,
        protocol: str = DEFAULT_PROTOCOL,
        api_version: str = DEFAULT_API_VERSION,
        headers: dict[str, str] | None = None,
        query_params: dict[str, Any] | None = None,
        cert: str | None = None,
        trust_all: bool = False,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        tenant: str | None = None,
        kerberos_env: bool | None = None,
        timeout: Any = None,
        session: Any = None,
    ) -> None:
        self.host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        self.port = port
        self.protocol = protocol
        self.api_version = api_version
        self.query_params = dict(query_params or {})
        self.cert = cert
        self.trust_all = trust_all
        self.default_timeout_sec = timeout or _TIMEOUT
        self.headers = {"Content-type": "application/json", **(headers or {})}
        if username and password:
            from base64 import b64encode  # noqa: PLC0415 - few processes ask another manager

            credentials = b64encode(f"{username}:{password}".encode()).decode()
            self.headers["Authorization"] = f"{BASIC_AUTH_PREFIX} {credentials}"
        if token:
            self.headers["Authentication-Token"] = token
        if tenant:
            self.headers[CLOUDIFY_TENANT_HEADER] = tenant
        self._session = session

    @property
    def tenant_name(self) -> str | None:
        return self.headers.get(CLOUDIFY_TENANT_HEADER)

    @property
    def base_url(self) -> str:
        return f"{self.protocol}://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.base_url}/api/{self.api_version}"

    def has_kerberos(self) -> bool:
        return False

    def has_auth_header(self) -> bool:
        return "Authorization" in self.headers or "Authentication-Token" in self.headers

    def get_request_verify(self) -> bool | str:
        """Return the ``verify`` argument of a request: False, the path of a certificate, or True."""
        return False if self.trust_all else self.cert or True

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
        timeout: Any = None,
        **_: Any,
    ) -> Any:
        """Raises CloudifyClientError, or the class of it for the refusal's code; ConnectionError of requests
        if the manager cannot be reached."""
        if self._session is None:
            import requests  # noqa: PLC0415 - it takes 0.1 s, and few processes ask another manager

            self._session = requests.Session()
        response = self._session.request(
            method,
            (self.url if url_prefix else self.base_url) + uri,
            data=json.dumps(data) if isinstance(data, dict | list) else data,
            params={**self.query_params, **(params or {}), **included(_include)},
            headers={**self.headers, **_as_given(headers)},
            verify=self.get_request_verify(),
            timeout=timeout or self.default_timeout_sec,
        )
        if response.status_code >= 300:
            try:
                body = response.json()
            except ValueError:
                body = {"message": f"{response.text} [{response.url}]"}
            raise specific(refusal(response.status_code, body))
        if stream:
            return StreamedResponse(response.content, {k.lower(): v for k, v in response.headers.items()})
        return response.json() if response.content else None


def _as_given(headers: dict[str, str] | None) -> dict[str, str]:
    return {
        "Content-type" if key.lower() == "content-type" else key: value
        for key, value in (headers or {}).items()
    }

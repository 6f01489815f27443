"""Posts webhooks, signed as Standard Webhooks has it.

The receiver gets ``webhook-id``, the same in every attempt, ``webhook-timestamp`` (seconds since 1970) and
``webhook-signature``: `v1,` and the base64 of the HMAC-SHA256 of `ID.TIMESTAMP.BODY`. No redirect is
followed: a signed body goes only where it was meant to go. Nothing is sent to addresses of the link alone,
where clouds hand out their credentials.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from cloudwright.errors import CloudwrightError, InvalidInput

if TYPE_CHECKING:
    import httpx

#: How long (seconds) a receiver may take to accept a webhook.
TIMEOUT = 10.0
_ENCODED = "whsec_"
_LONGEST_URL = 2000


class NotAccepted(CloudwrightError):
    """A webhook did not reach its receiver, or was refused; ``status`` is that of the response, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def check_url(url: str) -> None:
    """Raise InvalidInput if webhooks cannot be posted there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput(f"`{url[:200]}` is not a URL: {error}.") from None
    if parts.scheme not in ("http", "https") or not host or len(url) > _LONGEST_URL or not url.isprintable():
        raise InvalidInput(
            f"`{url[:200]}` is not a URL that a webhook can be posted to, as `https://example.com/hooks` is."
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("The URL of a webhook holds no user name and password; its signature proves it.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    if refusal := _refusal(address):
        raise InvalidInput(f"No webhook is posted to {host}: {refusal}.")


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """Return the header of a signature. The key is the secret's text, or, after `whsec_`, its base64."""
    key = secret.encode()
    if secret.startswith(_ENCODED):
        try:
            key = base64.b64decode(secret.removeprefix(_ENCODED), validate=True)
        except ValueError:
            raise NotAccepted("The secret begins with `whsec_`, and base64 does not follow.") from None
    made = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(made.digest()).decode()}"


class Webhooks:
    """Connections to receivers. ``user_agent`` names this manager to them."""

    def __init__(self, user_agent: str, *, timeout: float = TIMEOUT) -> None:
        self._user_agent = user_agent
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def post(self, url: str, secret: str, id: str, timestamp: int, payload: dict[str, Any]) -> int:
        """Post a webhook and return the status of the response. Raises NotAccepted unless that is 2xx."""
        # Most managers have no hook, and need not load it.
        import httpx  # noqa: PLC0415

        body = orjson.dumps(payload)
        headers = {
            "content-type": "application/json",
            "user-agent": self._user_agent,
            "webhook-id": id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, id, timestamp, body),
        }
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._send(await self._request(url, headers, body))
        except TimeoutError:
            raise NotAccepted(f"It did not respond within {self._timeout:g} s.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NotAccepted(f"It cannot be reached: {error or type(error).__name__}.") from error
        if not 200 <= status < 300:
            more = ", and redirects are not followed" if 300 <= status < 400 else ""
            raise NotAccepted(f"It responded with {status}{more}.", status)
        return status

    async def _request(self, url: str, headers: dict[str, str], body: bytes) -> httpx.Request:
        """Return a request to an address that was looked at: a name could mean another one by then."""
        client = self._open()
        parts = urlsplit(url)
        assert parts.hostname is not None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = await _resolve(parts.hostname, port)
        request = client.build_request("POST", url, headers=headers, content=body)
        request.url = request.url.copy_with(host=address)
        request.extensions["sni_hostname"] = parts.hostname
        return request

    async def _send(self, request: httpx.Request) -> int:
        # Of the response nothing but the status is read: it may be endless.
        response = await self._open().send(request, stream=True)
        await response.aclose()
        return response.status_code

    def _open(self) -> httpx.AsyncClient:
        import httpx  # noqa: PLC0415

        if self._client is None:
            # Neither proxies nor credentials of the manager's environment are the tenants'. A connection that
            # was kept could be another name's at the same address.
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(),
                trust_env=False,
                timeout=self._timeout,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return self._client


async def _resolve(host: str, port: int) -> str:
    """Return an address of the host. Raises NotAccepted if nothing is posted there, and OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        if refusal := _refusal(ipaddress.ip_address(str(place[0]).partition("%")[0])):
            raise NotAccepted(f"No webhook is posted to {place[0]}: {refusal}.")
    return str(found[0][4][0])


def _refusal(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    """Return why nothing is posted to an address; None if it is."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_link_local:
        return "it is an address of the link, where clouds hand out credentials"
    if address.is_multicast or address.is_unspecified or address == ipaddress.ip_address("255.255.255.255"):
        return "it is not the address of one receiver"
    return None

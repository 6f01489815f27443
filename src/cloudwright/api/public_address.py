"""The address under which people reach a manager behind a proxy, if it is not the manager's own."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from cloudwright.errors import InvalidInput

_SECURE = {"http": "https", "ws": "wss"}
# What the manager serves itself: a path of the public address that begins so could not be told from it.
_OWN_PATHS = ("/api", "/console", "/agents", "/metrics")


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """``prefix`` is the path below which everything is, without a slash at its end; often empty."""

    scheme: str
    host: str
    origin: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> PublicAddress:
        """Read the setting. Raises InvalidInput."""
        parts = urlsplit(url)
        prefix = parts.path.rstrip("/")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise InvalidInput(
                f"`public_url` is `{url}`; it has to be like `https://ops.example/cloudwright`."
            )
        if any(prefix == own or prefix.startswith(f"{own}/") for own in _OWN_PATHS):
            raise InvalidInput(f"`public_url` is `{url}`; its path may not begin with `{prefix}`.")
        return cls(parts.scheme, parts.hostname, f"{parts.scheme}://{parts.netloc.lower()}", prefix)


class PublicAddressMiddleware:
    """Serves what is below the public address's path, whether or not the proxy has taken the path away, and
    lets redirects, links and cookies be of that address.
    """

    def __init__(self, app: ASGIApp, address: PublicAddress) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            address = self._address
            path: str = scope["path"]
            if address.prefix and (path == address.prefix or path.startswith(f"{address.prefix}/")):
                path = path.removeprefix(address.prefix) or "/"
            secure = address.scheme == "https"
            scheme = _SECURE.get(scope["scheme"], scope["scheme"]) if secure else scope["scheme"]
            scope = {**scope, "path": path, "root_path": address.prefix, "scheme": scheme}
        await self._app(scope, receive, send)

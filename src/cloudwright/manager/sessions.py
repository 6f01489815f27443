"""Sessions of the console, and the links that open one.

Both are rows beside the tokens of their user, so they outlive a restart of the manager, are listed and
revoked like tokens, and go with their user. What must always hold: a session's value is no API token, a
token's value opens no page, and a link opens one session only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from cloudwright.errors import Forbidden, NotFound, Unauthorized
from cloudwright.manager.accounts import Accounts
from cloudwright.manager.principals import Principal
from cloudwright.storage import accounts
from cloudwright.storage.records import Token
from cloudwright.storage.store import Connection, Store

#: For how long somebody who signed in stays so.
SESSION_LIFETIME = timedelta(hours=12)
#: For how long a link of `cfy console` can be opened.
LINK_LIFETIME = timedelta(minutes=2)


class _Kind(StrEnum):
    SESSION = "session"
    LINK = "link"


_DESCRIPTIONS = {_Kind.SESSION: "session of the console", _Kind.LINK: "link to the console, not opened yet"}


class Sessions:
    """``token_bytes`` returns so many random bytes."""

    def __init__(
        self,
        store: Store,
        owners: Accounts,
        clock: Callable[[], datetime],
        *,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = store
        self._owners = owners
        self._clock = clock
        self._random = token_bytes

    async def open(self, principal: Principal) -> str:
        """Return the value of a new session, which is not stored."""
        session, value = self._new(_Kind.SESSION, principal.username, SESSION_LIFETIME)
        await self._store.write_about((), _add, session)
        return value

    async def authenticate(self, value: str) -> Principal:
        """Return whose session this is. Raises Unauthorized: unknown, over, or its user is not active."""
        return await self._owner(_Kind.SESSION, value)

    async def close(self, value: str) -> None:
        """End a session; nothing if it is over already."""
        await self.authenticate(value)
        await self._store.write_about((), _remove, _split(value)[0])

    async def create_link(self, principal: Principal) -> tuple[str, datetime]:
        """Return the code of a link that signs its opener in as this user once, and until when."""
        link, code = self._new(_Kind.LINK, principal.username, LINK_LIFETIME)
        await self._store.write_about((), _add, link)
        assert link.expires_at is not None
        return code, link.expires_at

    async def redeem(self, code: str) -> str:
        """Return the value of a new session for a link's code. Raises Unauthorized: unknown, used or over."""
        owner = await self._owner(_Kind.LINK, code)
        # Of two that open the link at once, one removes it.
        if not await self._store.write_about((), _remove, _split(code)[0]):
            raise Unauthorized("The link was used already.")
        return await self.open(owner)

    async def _owner(self, kind: _Kind, value: str) -> Principal:
        id, secret = _split(value)
        token = await self._store.read(_find, id)
        stored = token.secret_hash if token else _hashed(kind, "")
        if not hmac.compare_digest(_hashed(kind, secret), stored) or token is None:
            raise Unauthorized(f"The {kind} is not known.")
        if token.expires_at is None or token.expires_at <= self._clock():
            raise Unauthorized(f"The {kind} has expired.")
        try:
            return await self._owners.principal(token.username)
        except Forbidden as error:
            raise Unauthorized(str(error)) from error

    def _new(self, kind: _Kind, username: str, lifetime: timedelta) -> tuple[Token, str]:
        id, secret = self._random(6).hex(), self._random(32).hex()
        now = self._clock()
        token = Token(
            id=id,
            username=username,
            secret_hash=_hashed(kind, secret),
            description=_DESCRIPTIONS[kind],
            created_at=now,
            expires_at=now + lifetime,
            last_used=None,
        )
        return token, f"{id}-{secret}"


def _split(value: str) -> tuple[str, str]:
    id, _, secret = value.partition("-")
    return id, secret


def _hashed(kind: _Kind, secret: str) -> str:
    """Return the hash of a secret for one use: under another one it matches nothing."""
    return hashlib.sha256(f"console {kind}:{secret}".encode(errors="surrogatepass")).hexdigest()


def _add(conn: Connection, token: Token) -> None:
    """Store a session or a link, in place of the user's that are over."""
    accounts.delete_expired(conn, token.username, token.description or "", token.created_at)
    accounts.add_token(conn, token)


def _find(conn: Connection, id: str) -> Token | None:
    try:
        return accounts.get_token(conn, id)
    except NotFound:
        return None


def _remove(conn: Connection, id: str) -> bool:
    try:
        accounts.delete_token(conn, id)
    except NotFound:
        return False
    return True

"""Who may use the manager: the first user, passwords, tokens, tenants.

What must always hold: no password or token is in the database, only what it can be checked against; and a
refusal takes the same work and has the same words whether the user is unknown, locked or not active, or the
password is wrong, so that nothing can be learned from it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import os
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import orjson
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cloudwright.errors import Forbidden, InvalidInput, NotFound, Unauthorized
from cloudwright.manager.ldap_directory import OutsideUser
from cloudwright.manager.login_queue import LoginQueue
from cloudwright.manager.principals import ADMIN_ROLE, Principal, find_user, principal_of
from cloudwright.model.permissions import Role
from cloudwright.storage import accounts, audit, memberships
from cloudwright.storage.paging import EVERYTHING, Page
from cloudwright.storage.records import DEFAULT_TENANT, LDAP, Token, User, UserRoles
from cloudwright.storage.store import Connection, Store

log = logging.getLogger(__name__)

ADMIN = "admin"
CREDENTIALS = "credentials.json"

_TOKEN_PREFIX = "cwt"  # noqa: S105 - what tokens begin with, no token
_REMEMBERED_PASSWORDS = 1000
_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 5, 256
# How exactly the last use of a token or password is kept: every request would otherwise be a write.
_USE_INTERVAL = timedelta(minutes=1)


#: How long a password that the directory has accepted is not shown to it again.
DIRECTORY_INTERVAL = timedelta(minutes=1)
#: After so many log-ins that failed one after the other a user is locked, for so many seconds.
MAX_FAILED_LOGINS = 10
LOGIN_LOCK = 900.0
_REFUSED = "The user name or the password is wrong, or too many wrong ones have locked the user."


class Directory(Protocol):
    """Who users from outside are."""

    def authenticate(self, username: str, password: str) -> OutsideUser | None:
        """Return who has this name and password; None if nobody has. Raises Unavailable."""
        ...


class Accounts:
    """``token_bytes`` returns so many random bytes. ``login_lock`` is for how many seconds a user is locked
    after ``max_failed_logins``; 0 of them never lock. ``announce`` tells everybody that accounts changed.
    ``directory`` authenticates users whom the manager does not know itself.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
        hasher: PasswordHasher | None = None,
        max_failed_logins: int = MAX_FAILED_LOGINS,
        login_lock: float = LOGIN_LOCK,
        announce: Callable[[], None] = lambda: None,
        directory: Directory | None = None,
    ) -> None:
        self._store = store
        self._max_failed_logins = max_failed_logins
        self._login_lock = timedelta(seconds=login_lock)
        self._clock = clock
        self._random = token_bytes
        self._hasher = hasher or PasswordHasher()
        self._logins = LoginQueue()
        self._directory = directory
        # Of its own: a directory that does not respond must not keep local users waiting.
        self._directory_logins = LoginQueue()
        # When a password was last shown to the directory, by keyed hashes.
        self._outside: OrderedDict[bytes, datetime] = OrderedDict()
        self._key = token_bytes(32)
        # What was verified: keyed hashes of user name, password and stored hash. The last makes a password
        # that was replaced an unknown one.
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        self._nobody = _hash_of_nothing(self._hasher, token_bytes)
        self._used: dict[str, datetime] = {}
        self._tenants: set[str] = set()
        self._announce = announce
        #: Counts the changes of users, groups, tenants, roles and tokens.
        self.changes = 0

    async def bootstrap(self, home: Path, url: str, certificate: str | None = None) -> None:
        """Make sure that an administrator can log in, and that ``home``/credentials.json says how.

        The first start makes the user, a password and a token. Later ones only put the current address into
        the file; if the file is gone, it is written again with a new token and without the password, of
        which only a hash is stored.
        """
        file = home / CREDENTIALS
        trusted = {} if certificate is None else {"certificate": certificate}
        known = await self._store.read(find_user, ADMIN)
        content = await asyncio.to_thread(_read_credentials, file) if known else None
        if content is not None:
            current = {key: value for key, value in content.items() if key != "certificate"}
            current |= {"url": url} | trusted
            if current != content:
                await asyncio.to_thread(_write_credentials, file, current)
            return
        token, value = self._new_token(ADMIN, "made for the command line of this machine", None)
        content = {
            "url": url,
            "username": ADMIN,
            "password": None if known else self._text(24),
            "token": value,
            "tenant": DEFAULT_TENANT,
            **trusted,
        }
        # A crash between the two steps must leave a file that works, or one that the next start replaces.
        if known:
            await self._store.write_about((), accounts.add_token, token)
            await asyncio.to_thread(_write_credentials, file, content)
        else:
            password_hash = await asyncio.to_thread(self._hasher.hash, str(content["password"]))
            await asyncio.to_thread(_write_credentials, file, content)
            await self._store.write(_first_user, password_hash, token, self._clock())

    async def authenticate_basic(self, username: str, password: str, address: str = "") -> Principal:
        """Return the user with this name and password; ``address`` is where the request comes from.

        Raises Unauthorized, and TooManyRequests if too many passwords wait to be verified.
        """
        found = await self._store.read(find_user, username)
        user = None if found is None else found[0]
        if self._directory is not None and (user is None or user.source == LDAP):
            return await self._authenticate_outside(self._directory, username, password, address)
        password_hash = self._nobody if user is None else user.password_hash
        proof = self._proof(username, password, password_hash)
        if proof in self._verified:
            self._verified.move_to_end(proof)
        elif not await self._logins.verify(address, partial(self._matches, password_hash, password)):
            if user is not None:
                self._note(accounts.note_failed_login, username)
            raise Unauthorized(_REFUSED)
        if found is None or not found[0].active or self.is_locked(found[0]):
            raise Unauthorized(_REFUSED)
        self._verified[proof] = None
        if len(self._verified) > _REMEMBERED_PASSWORDS:
            self._verified.popitem(last=False)
        self._note_login(found[0])
        return principal_of(*found)

    async def _authenticate_outside(
        self, directory: Directory, username: str, password: str, address: str
    ) -> Principal:
        """Ask a directory, at most once a minute for one password. It locks users by itself."""
        proof, now = self._proof(username, password, LDAP), self._clock()
        if now - self._outside.get(proof, datetime.min.replace(tzinfo=now.tzinfo)) >= DIRECTORY_INTERVAL:
            answers: list[OutsideUser | None] = []

            def ask() -> bool:
                answers.append(directory.authenticate(username, password))
                return answers[0] is not None

            if not await self._directory_logins.verify(address, ask):
                raise Unauthorized(_REFUSED)
            known = answers[0]
            assert known is not None
            groups = frozenset(map(memberships.same_dn, known.groups))
            kept = self._store.write_about(
                (), memberships.sign_in_outside, username, LDAP, groups, self._clock()
            )
            if await kept:
                self.changed()
            self._outside[proof] = now
            while len(self._outside) > _REMEMBERED_PASSWORDS:
                self._outside.popitem(last=False)
        found = await self._store.read(find_user, username)
        if found is None or not found[0].active or found[0].source != LDAP:
            raise Unauthorized(_REFUSED)
        self._note_login(found[0])
        return principal_of(*found)

    async def authenticate_token(self, value: str) -> Principal:
        """Return the user whose token this is. Raises Unauthorized: unknown, expired, or its user is not
        active.
        """
        id, secret = _split_token(value)
        found = await self._store.read(_find_token, id)
        secret_hash = found[0].secret_hash if found else _hash_secret("")
        if not hmac.compare_digest(_hash_secret(secret), secret_hash) or found is None:
            raise Unauthorized("The token is not known.")
        token, user, roles = found
        now = self._clock()
        if token.expires_at is not None and token.expires_at <= now:
            raise Unauthorized("The token has expired. Make a new one.")
        if not user.active:
            raise Unauthorized("The user of this token was deactivated.")
        if now - self._used.get(id, token.last_used or token.created_at) >= _USE_INTERVAL:
            self._used[id] = now
            self._note(accounts.use_token, id)
        return principal_of(user, roles, token)

    async def is_still(self, principal: Principal) -> bool:
        """Return whether somebody who was let in may do what they might then: active, with the same roles,
        and with the same token, if they came with one.
        """
        if principal.token is None:
            found = await self._store.read(find_user, principal.username)
            now = None if found is None else principal_of(*found)
            active = found is not None and found[0].active
        else:
            by_token = await self._store.read(_find_token, principal.token)
            now = None if by_token is None else principal_of(by_token[1], by_token[2], by_token[0])
            active = by_token is not None and by_token[1].active
        return active and now == principal and not self.has_expired(principal)

    def has_expired(self, principal: Principal) -> bool:
        """Return whether the token that somebody came with is too old by now."""
        return principal.until is not None and principal.until <= self._clock()

    async def principal(self, username: str | None) -> Principal:
        """Return who a user is now. Raises Forbidden if there is none of that name, or it is not active."""
        found = await self._store.read(find_user, username or "")
        if found is None:
            raise Forbidden(f"There is no user `{username}`.")
        if not found[0].active:
            raise Forbidden(f"The user `{username}` is not active.")
        return principal_of(*found)

    async def check_tenant(self, principal: Principal, name: str) -> None:
        """Raises Forbidden if there is no such tenant, or the principal does not belong to it.

        Who belongs to no tenant may name the default one: there they may do what their own role may.
        """
        refused = f"There is no tenant `{name}` that {principal.username} may use."
        if not principal.is_admin:
            if name not in principal.tenant_roles and name != DEFAULT_TENANT:
                raise Forbidden(refused)
            return
        if name in self._tenants:
            return
        try:
            await self._store.read(accounts.get_tenant, name)
        except NotFound as error:
            raise Forbidden(refused) from error
        self._tenants.add(name)

    def reload(self) -> None:
        """Forget what the database had before a restore, and have look again what takes long."""
        self._tenants.clear()
        self._used.clear()
        self.changed()

    def changed(self) -> None:
        """Have those look again whether they may go on who do something that takes long."""
        self.changes += 1
        self._announce()

    def forget_tenant(self, name: str) -> None:
        """To be called once a tenant was deleted."""
        self._tenants.discard(name)

    def is_locked(self, user: User) -> bool:
        """Return whether too many log-ins of the user have failed just now."""
        failed_at = user.last_failed_login_at
        if not self._max_failed_logins or failed_at is None or user.failed_logins < self._max_failed_logins:
            return False
        return self._clock() < failed_at + self._login_lock

    async def hash_password(self, password: str) -> str:
        """Return what is stored of a password. Raises InvalidInput if it is too short or too long."""
        if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
            raise InvalidInput(
                f"A password has {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters; this one has"
                f" {len(password)}."
            )
        return await asyncio.to_thread(self._hasher.hash, password.encode(errors="surrogatepass"))

    async def create_token(
        self, principal: Principal, description: str | None, expires_at: datetime | None
    ) -> tuple[Token, str]:
        """Return a new token of the caller, and its value, which is not stored."""
        if expires_at is not None and expires_at <= self._clock():
            raise InvalidInput(
                f"The token would have expired already: {expires_at.isoformat()} is in the past."
            )
        token, value = self._new_token(principal.username, description, expires_at)
        audit.refer(token.id)
        return await self._store.write_about((), accounts.add_token, token), value

    async def tokens(self, principal: Principal, page: Page) -> tuple[list[Token], int]:
        """Return the caller's tokens; those of all users for an administrator."""
        owner = None if principal.is_admin else principal.username
        return await self._store.read(accounts.list_tokens, owner, page)

    async def token(self, principal: Principal, id: str) -> Token:
        """Raises NotFound, also for another user's token."""
        token = await self._store.read(accounts.get_token, id)
        if token.username != principal.username and not principal.is_admin:
            raise NotFound(f"There is no token `{id}`.")
        return token

    async def delete_token(self, principal: Principal, id: str) -> None:
        """From the next request on, the token is not accepted. Raises NotFound."""
        await self.token(principal, id)
        await self._store.write_about((), accounts.delete_token, id)
        self._used.pop(id, None)
        self.changed()

    async def user(self, username: str) -> User:
        """Raises NotFound."""
        return await self._store.read(accounts.get_user, username)

    def _note_login(self, user: User) -> None:
        if (
            user.failed_logins
            or user.last_login_at is None
            or (self._clock() - user.last_login_at >= _USE_INTERVAL)
        ):
            self._note(accounts.note_login, user.username)

    def _note(self, verb: Callable[[Connection, str, datetime], None], name: str) -> None:
        # Not awaited: a request must not wait for a database that cannot be written to, and what it takes
        # must not depend on whether there is such a user.
        self._store.write_about((), verb, name, self._clock()).add_done_callback(_log_failure)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def _proof(self, *parts: str) -> bytes:
        digest = hashlib.blake2b(key=self._key, digest_size=32)
        for part in parts:
            encoded = part.encode(errors="surrogatepass")
            digest.update(len(encoded).to_bytes(8, "big") + encoded)
        return digest.digest()

    def _new_token(
        self, username: str, description: str | None, expires_at: datetime | None
    ) -> tuple[Token, str]:
        id, secret = self._random(6).hex(), self._text(32)
        token = Token(
            id=id,
            username=username,
            secret_hash=_hash_secret(secret),
            description=description,
            created_at=self._clock(),
            expires_at=expires_at,
            last_used=None,
        )
        return token, f"{_TOKEN_PREFIX}-{id}-{secret}"

    def _text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._random(size)).rstrip(b"=").decode()


def _log_failure(written: asyncio.Future[None]) -> None:
    error = None if written.cancelled() else written.exception()
    if error is not None and not isinstance(error, NotFound):
        log.warning("a log-in was not noted: %s", error)


def _hash_of_nothing(hasher: PasswordHasher, random: Callable[[int], bytes]) -> str:
    """Return a hash that takes as long as any other to verify, and that no password has."""

    def text(size: int) -> str:
        return base64.b64encode(random(size)).rstrip(b"=").decode()

    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${text(hasher.salt_len)}${text(hasher.hash_len)}"


def _split_token(value: str) -> tuple[str, str]:
    prefix, _, rest = value.partition("-")
    id, _, secret = rest.partition("-")
    return (id, secret) if prefix == _TOKEN_PREFIX else ("", "")


def _hash_secret(secret: str) -> str:
    # A plain hash is enough: the secret holds 256 random bits, so there is nothing to guess.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _find_token(conn: Connection, id: str) -> tuple[Token, User, UserRoles] | None:
    try:
        token = accounts.get_token(conn, id)
    except NotFound:
        return None
    found = find_user(conn, token.username)
    return None if found is None else (token, *found)


def _first_user(conn: Connection, password_hash: str, token: Token, now: datetime) -> None:
    if DEFAULT_TENANT not in {tenant.name for tenant in accounts.list_tenants(conn, EVERYTHING)[0]}:
        accounts.create_tenant(conn, DEFAULT_TENANT, now)
    accounts.create_user(conn, ADMIN, password_hash, ADMIN_ROLE, now)
    memberships.add_user(conn, ADMIN, DEFAULT_TENANT, Role.MANAGER)
    accounts.add_token(conn, token)


def _read_credentials(file: Path) -> dict[str, Any] | None:
    try:
        content = orjson.loads(file.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return content if isinstance(content, dict) else None


def _write_credentials(file: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, and never readable by anybody else."""
    written = file.with_name(f".{file.name}.{os.getpid()}")
    written.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            out.flush()
            os.fsync(out.fileno())
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

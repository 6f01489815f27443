"""Secrets: the one place where their values are encrypted and decrypted, and where it is decided who may see
them.

Who does not see a secret gets the same answer as for one that does not exist. A *private* secret is its
creator's and the administrators'. A *hidden value* is shown to nobody else either, but operations of
everybody who sees the secret may use it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudwright.errors import Conflict, Forbidden, InvalidInput, NotFound
from cloudwright.manager.identifiers import check_id, check_visibility
from cloudwright.manager.redaction import Concealment, Concealments, mask, unseal
from cloudwright.manager.secret_keys import SecretKeys, Unreadable
from cloudwright.storage import secrets
from cloudwright.storage.deployment_groups import DeploymentGroup
from cloudwright.storage.filters import SecretFilter
from cloudwright.storage.records import Deployment, Secret
from cloudwright.storage.store import Connection, Store
from cloudwright.storage.visibility import GLOBAL, PRIVATE, Scope

#: The longest value (characters): keys and certificates are far below.
MAX_VALUE = 1 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. ``administers`` are tenants in which they own what others keep private; an administrator
    does everywhere. ``uses`` says that the value goes into an operation, and is not shown; ``execution_id``
    is the execution that asks, if one does: nothing that is recorded of it shall hold the value.
    """

    username: str | None
    is_admin: bool = False
    administers: frozenset[str] = frozenset()
    uses: bool = False
    execution_id: str | None = None

    def sees(self, it: Secret | Deployment | DeploymentGroup) -> bool:
        return it.visibility != PRIVATE or self.owns(it)

    def sees_value(self, secret: Secret) -> bool:
        return self.uses or not secret.is_hidden_value or self.owns(secret)

    def owns(self, it: Secret | Deployment | DeploymentGroup) -> bool:
        if self.is_admin or it.tenant in self.administers:
            return True
        return self.username is not None and it.created_by == self.username

    def scope(self, tenant: str) -> Scope:
        """Return what they see in a tenant."""
        return Scope(self.username, frozenset({tenant}), None if self.is_admin else self.administers)


class SecretReader:
    """Returns the texts of secrets by their keys, and remembers them in ``known``. Raises NotFound.

    ``who`` says for whom they are read.
    """

    def __init__(self, read: Callable[[str], str], who: Callable[[], Viewer]) -> None:
        self._read = read
        self._who = who
        self.known: dict[str, str] = {}

    @property
    def viewer(self) -> Viewer:
        return self._who()

    def __call__(self, key: str) -> str:
        if key not in self.known:
            self.known[key] = self._read(key)
        return self.known[key]

    def conceal(self, text: str) -> str:
        """Return ``text`` without the values of the secrets that were read."""
        return mask(text, self.known.values()) if self.known else text


class Secrets:
    """``concealments`` learn what executions read."""

    def __init__(
        self,
        store: Store,
        keys: SecretKeys,
        clock: Callable[[], datetime],
        concealments: Concealments | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self.concealments = Concealments() if concealments is None else concealments

    async def recover(self) -> None:
        """Encrypt with the current key what another one encrypted, and say what cannot be decrypted."""
        stored = await self._store.read(secrets.whole, SecretFilter())
        lost = []
        for secret in stored:
            if self._keys.is_current(str(secret.value_encrypted)):
                continue
            try:
                again = self._encrypted(secret.tenant, secret.key, self._text(secret))
            except Unreadable:
                lost.append(f"`{secret.key}` of tenant `{secret.tenant}`")
                continue
            await self._store.write(
                secrets.reencrypt, secret.tenant, secret.key, str(secret.value_encrypted), again
            )
        if lost:
            log.error("The key of these secrets is not there, so they cannot be read: %s", ", ".join(lost))

    async def create(
        self,
        viewer: Viewer,
        tenant: str,
        key: str,
        value: Any,
        *,
        update_if_exists: bool = False,
        visibility: str = "tenant",
        is_hidden_value: bool = False,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Secret:
        """Store a secret. ``value`` is a text, or what ``json_schema`` allows.

        Raises InvalidInput, Forbidden and, unless ``update_if_exists``, Conflict.
        """
        check_id("secret", key)
        _check_visibility(viewer, visibility)
        text = await asyncio.to_thread(_checked, key, value, json_schema)
        self.learn(viewer, [text])
        new = Secret(
            key,
            self._encrypted(tenant, key, text),
            tenant,
            visibility,
            is_hidden_value,
            viewer.username,
            json_schema=None if json_schema is None else dict(json_schema),
        )
        return await self._store.write(_create, new, viewer, update_if_exists, self._clock())

    async def get(self, viewer: Viewer, tenant: str, key: str) -> tuple[Secret, Any]:
        """Return a secret and its value, which is an empty text if it is hidden from the viewer.

        Raises NotFound, Unreadable.
        """
        secret = await self._store.read(_find, viewer, tenant, key)
        if not viewer.sees_value(secret):
            return secret, ""
        text = self._text(secret)
        self.learn(viewer, [text])
        return secret, _value(secret, text)

    async def update(
        self,
        viewer: Viewer,
        tenant: str,
        key: str,
        *,
        value: Any = None,
        visibility: str | None = None,
        is_hidden_value: bool | None = None,
        created_by: str | None = None,
    ) -> Secret:
        """Change what is given. Raises NotFound, InvalidInput, Forbidden."""
        changes: dict[str, Any] = {}
        if visibility is not None:
            _check_visibility(viewer, visibility)
            changes["visibility"] = visibility
        if is_hidden_value is not None:
            changes["is_hidden_value"] = is_hidden_value
        if created_by is not None:
            changes["created_by"] = created_by
        if value is not None:
            secret = await self._store.read(_own, viewer, tenant, key)
            text = await asyncio.to_thread(_checked, key, value, secret.json_schema)
            self.learn(viewer, [text])
            changes["value_encrypted"] = self._encrypted(tenant, key, text)
        if not changes:
            raise InvalidInput(
                f"Nothing to change of secret `{key}` was given: a value, a visibility, whether the value is "
                "hidden, or an owner."
            )
        return await self._store.write(_update, viewer, tenant, key, changes, self._clock())

    async def delete(self, viewer: Viewer, tenant: str, key: str) -> None:
        """Raises NotFound, Forbidden."""
        await self._store.write(_delete, viewer, tenant, key)

    def learn(self, viewer: Viewer, values: Iterable[str]) -> None:
        """Keep values that the viewer has got out of what is recorded of the execution that asked."""
        if viewer.execution_id is not None:
            self.concealments.learn(viewer.execution_id, values)

    def reader(self, conn: Connection, who: Callable[[], Viewer], tenant: str) -> SecretReader:
        """Return what ``get_secret`` asks while ``conn`` is open; ``learn`` what it has read afterwards."""

        def read(key: str) -> str:
            viewer = who()
            secret = _find(conn, viewer, tenant, key)
            if not viewer.sees_value(secret):
                raise NotFound(f"The value of secret `{key}` is hidden from user `{viewer.username}`.")
            try:
                return self._text(secret)
            except Unreadable as error:
                raise NotFound(str(error)) from error

        return SecretReader(read, who)

    def export(self, conn: Connection, viewer: Viewer, filter: SecretFilter) -> list[tuple[Secret, Any]]:
        """Return secrets with their values: those that the viewer may see. Raises Unreadable."""
        return [
            (secret, _value(secret, self._text(secret)))
            for secret in secrets.whole(conn, filter)
            if viewer.sees(secret) and viewer.sees_value(secret)
        ]

    def encrypted(self, secret: Secret, value: Any) -> Secret:
        """Return ``secret`` with an encrypted value, to be stored. Raises InvalidInput."""
        text = _checked(secret.key, value, secret.json_schema)
        return Secret(
            secret.key,
            self._encrypted(secret.tenant, secret.key, text),
            secret.tenant,
            secret.visibility,
            secret.is_hidden_value,
            secret.created_by,
            secret.created_at,
            secret.updated_at,
            secret.json_schema,
        )

    def seal(self, execution_id: str, concealment: Concealment, value: Any) -> Any:
        """Return what is stored of an operation's inputs or result, with secrets in it encrypted."""
        if not concealment:
            return value
        about = _about_execution(execution_id)
        return concealment.seal(value, lambda text: self._keys.encrypt(text, about))

    def unseal(self, execution_id: str, concealment: Concealment, value: Any) -> Any:
        """Return ``value`` as it was before it was sealed. Raises Unreadable."""
        about = _about_execution(execution_id)

        def decrypt(encrypted: str) -> str:
            text = self._keys.decrypt(encrypted, about)
            concealment.learn([text])
            return text

        return unseal(value, decrypt)

    def _text(self, secret: Secret) -> str:
        return self._keys.decrypt(str(secret.value_encrypted), _about(secret.tenant, secret.key))

    def _encrypted(self, tenant: str, key: str, text: str) -> str:
        return self._keys.encrypt(text, _about(tenant, key))


def missing(conn: Connection, viewer: Viewer, tenant: str, keys: Iterable[str]) -> list[str]:
    """Return those of ``keys`` that are no secret that the viewer sees."""
    absent = []
    for key in keys:
        try:
            _find(conn, viewer, tenant, key)
        except NotFound:
            absent.append(key)
    return absent


def _value(secret: Secret, text: str) -> Any:
    return text if secret.json_schema is None else json.loads(text)


def _about_execution(id: str) -> str:
    return f"A secret in what is stored of execution {id}"


def _about(tenant: str, key: str) -> str:
    return f"The secret `{key}` of tenant `{tenant}`"


def _find(conn: Connection, viewer: Viewer, tenant: str, key: str) -> Secret:
    secret = secrets.find(conn, tenant, key)
    if not viewer.sees(secret):
        raise _missing(tenant, key)
    return secret


def _own(conn: Connection, viewer: Viewer, tenant: str, key: str) -> Secret:
    """Return a secret that the viewer may change. Raises NotFound, Forbidden."""
    secret = _find(conn, viewer, tenant, key)
    if secret.tenant != tenant:
        raise Forbidden(f"The secret `{key}` is tenant `{secret.tenant}`'s, and can be changed there only.")
    if secret.is_hidden_value and not viewer.owns(secret):
        raise Forbidden(
            f"The value of secret `{key}` is hidden from user `{viewer.username}`, who may not change it."
        )
    return secret


def _create(conn: Connection, new: Secret, viewer: Viewer, update_if_exists: bool, now: datetime) -> Secret:
    try:
        return secrets.create(conn, new, now)
    except Conflict:
        if not update_if_exists:
            raise
    changes = {
        "value_encrypted": new.value_encrypted,
        "is_hidden_value": new.is_hidden_value,
        "json_schema": new.json_schema,
    }
    return _update(conn, viewer, new.tenant, new.key, changes | {"visibility": new.visibility}, now)


def _update(
    conn: Connection, viewer: Viewer, tenant: str, key: str, changes: Mapping[str, Any], now: datetime
) -> Secret:
    secret = _own(conn, viewer, tenant, key)
    hides = changes.get("is_hidden_value", secret.is_hidden_value) != secret.is_hidden_value
    if (hides or "created_by" in changes) and not viewer.owns(secret):
        raise Forbidden(f"Only its creator or an administrator may hide or give away the secret `{key}`.")
    return secrets.update(conn, tenant, key, now, **changes)


def _delete(conn: Connection, viewer: Viewer, tenant: str, key: str) -> None:
    _own(conn, viewer, tenant, key)
    secrets.delete(conn, tenant, key)


def _check_visibility(viewer: Viewer, visibility: str) -> None:
    check_visibility(visibility)
    if visibility == GLOBAL and not viewer.is_admin:
        raise Forbidden("Only administrators may make a secret global: every tenant would see it.")


def _missing(tenant: str, key: str) -> NotFound:
    return NotFound(f"There is no secret `{key}` in tenant `{tenant}`.")


def _checked(key: str, value: Any, json_schema: Mapping[str, Any] | None) -> str:
    """Return the text to store. Raises InvalidInput, never quoting the value."""
    if json_schema is not None:
        _check_schema(key, value, json_schema)
        text = json.dumps(value, ensure_ascii=False)
    elif not isinstance(value, str):
        raise InvalidInput(
            f"The value of secret `{key}` is a {type(value).__name__}, and must be a text. For other values "
            "give a `schema`."
        )
    else:
        text = value
    if not text:
        raise InvalidInput(f"The value of secret `{key}` is empty.")
    if len(text) > MAX_VALUE:
        raise InvalidInput(f"The value of secret `{key}` is longer than {MAX_VALUE} characters.")
    return text


def _check_schema(key: str, value: Any, json_schema: Mapping[str, Any]) -> None:
    # Loaded for this alone, which is seldom.
    import jsonschema_rs  # noqa: PLC0415

    try:
        validator = jsonschema_rs.validator_for(dict(json_schema), retriever=_refuse_reference, mask="***")
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise InvalidInput(
            f"The schema of secret `{key}` is not a JSON schema: {_first_line(error)}."
        ) from None
    problem = next(iter(validator.iter_errors(value)), None)
    if problem is not None:
        place = "".join(f".{step}" for step in problem.instance_path)
        raise InvalidInput(
            f"The value of secret `{key}` does not fulfil its schema{f' at {place}' if place else ''}: "
            f"{problem.message}."
        )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")


def _refuse_reference(uri: str) -> Any:
    raise ValueError(f"it refers to {uri}, and nothing is fetched")

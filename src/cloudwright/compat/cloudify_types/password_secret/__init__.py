"""``cloudify_types.password_secret``: a password that is made up and kept as a secret."""

from __future__ import annotations

import secrets
import string
from typing import Any

from cloudwright.child.current import ctx
from cloudwright.child.errors import NonRecoverableError
from cloudwright.compat.cloudify.manager import get_rest_client
from cloudwright.compat.cloudify_types._client import found, removed, resumable_operation, setting

__all__ = ["create", "creation_validation", "delete"]

#: The characters of each group, by the property that says how many there are at least.
_GROUPS = {
    "uppercase": string.ascii_uppercase,
    "lowercase": string.ascii_lowercase,
    "digits": string.digits,
    "symbols": " " + string.punctuation,
}
_SHORTEST = 6


@resumable_operation
def create(**inputs: Any) -> bool:
    """Make a password up and keep it as a secret, unless the secret is there and may be used."""
    client = get_rest_client()
    properties = ctx.instance.runtime_properties
    name = setting("secret_name", inputs)
    if setting("use_secret_if_exists", inputs) and not name:
        raise NonRecoverableError("`use_secret_if_exists` needs a `secret_name`.")
    name = str(name or f"ps_{ctx.deployment.id}_{ctx.instance.id}")
    there = found(client.secrets.get, name) is not None
    if there and not properties.get("secret_created"):
        if not setting("use_secret_if_exists", inputs):
            raise NonRecoverableError(
                f"There is a secret `{name}` already. `use_secret_if_exists: true` uses it as it is."
            )
        ctx.logger.info("The secret `%s` is used as it is", name)
    elif not there:
        # Recorded first: an attempt that follows an interrupted one knows that the secret is its own.
        properties["secret_created"] = True
        properties["secret_name"] = name
        ctx.instance.update()
        client.secrets.create(name, _password(inputs))
        ctx.logger.info("Made a password up and kept it as the secret `%s`", name)
    properties["secret_name"] = name
    properties["password"] = {"get_secret": name}
    return True


@resumable_operation
def delete(**_: Any) -> None:
    """Delete the secret if ``create`` made it."""
    properties = ctx.instance.runtime_properties
    if properties.get("secret_created"):
        name = properties["secret_name"]
        removed(get_rest_client().secrets.delete, f"secret `{name}`", name)
    for key in ("password", "secret_name", "secret_created"):
        properties.pop(key, None)


@resumable_operation
def creation_validation(**inputs: Any) -> bool:
    """Check that there is a password as the properties want it. Raises NonRecoverableError."""
    _wanted(inputs)
    return True


def _wanted(inputs: dict[str, Any]) -> tuple[int, dict[str, int]]:
    """Return the length, and how many characters of each group there are at least; -1 is none at all."""

    def number(name: str) -> int:
        given = inputs.get(name)
        return int(ctx.node.properties.get(name, 0) if given is None else given)

    length, least = number("length"), {name: number(name) for name in _GROUPS}
    if length < _SHORTEST:
        raise NonRecoverableError(f"A password has at least {_SHORTEST} characters; `length` is {length}.")
    for name, count in least.items():
        if count < -1:
            raise NonRecoverableError(
                f"`{name}` is the number of such characters that there are at least, or -1 for none at all; "
                f"it is {count}."
            )
    if all(count == -1 for count in least.values()):
        raise NonRecoverableError("A password needs characters: all groups of them are excluded by -1.")
    needed = sum(count for count in least.values() if count > 0)
    if needed > length:
        raise NonRecoverableError(
            f"The groups of characters need {needed} together, and `length` is {length}."
        )
    return length, least


def _password(inputs: dict[str, Any]) -> str:
    length, least = _wanted(inputs)
    made = [secrets.choice(_GROUPS[name]) for name, count in least.items() for _ in range(max(0, count))]
    alphabet = "".join(_GROUPS[name] for name, count in least.items() if count >= 0)
    made += [secrets.choice(alphabet) for _ in range(length - len(made))]
    secrets.SystemRandom().shuffle(made)
    return "".join(made)

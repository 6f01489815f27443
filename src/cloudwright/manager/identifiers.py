"""What the ids and visibilities of resources may be."""

from __future__ import annotations

import hashlib
import re
import string

from cloudwright.errors import InvalidInput

VISIBILITIES = ("private", "tenant", "global")

_LETTERS = string.digits + string.ascii_lowercase
# IDs of node instances are unique within a tenant, and a million of one name should not collide.
_SUFFIX_LENGTH = 8
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,255}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}", re.ASCII)


def check_id(what: str, id: str) -> None:
    """Raise InvalidInput if ``id`` may not name a ``what``."""
    if not _ID.fullmatch(id):
        raise InvalidInput(
            f"`{id[:300]}` cannot be the id of a {what}: it must begin with a letter or a digit, and may hold"
            " letters, digits, `.`, `_` and `-`, 256 of them at most."
        )


def check_username(username: str) -> None:
    """Raise InvalidInput if it may not name a user; an e-mail address may."""
    if not _USERNAME.fullmatch(username):
        raise InvalidInput(
            f"`{username[:300]}` cannot be the name of a user: it must begin with a letter or a digit, and"
            " may hold letters, digits, `.`, `_`, `-`, `+` and `@`, 256 of them at most."
        )


def check_visibility(visibility: str) -> None:
    """Raise InvalidInput if there is no such visibility."""
    if visibility not in VISIBILITIES:
        raise InvalidInput(f"The visibility is `{visibility}`; it must be one of {', '.join(VISIBILITIES)}.")


def instance_suffix(id: str) -> str:
    """Return a short text that is as unlikely to repeat as ``id``."""
    number = int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest(), "big")
    letters = []
    for _ in range(_SUFFIX_LENGTH):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters)

"""The keys that encrypt secrets: in a file outside the database, which only its owner may read.

A line of the file is one key, 32 bytes in base64; what follows ``#`` is a remark. The first key encrypts, all
of them decrypt: to change the key, put a new line before the old one and start the manager, which encrypts
everything again. What is encrypted names its key, so that a missing one can be named too.

The library is loaded when something is encrypted or decrypted for the first time: most starts need neither.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cloudwright.errors import IllegalAction

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "secrets.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_REMARK = "The manager's secrets are encrypted with this key: keep a copy, apart from the database's."


class Unreadable(IllegalAction):
    """Something was encrypted with a key that the manager does not have, or was changed since."""

    code = "unreadable_secret_error"


class SecretKeys:
    """``keys`` are by their ids, the one that encrypts first; ``place`` says in messages where they are."""

    def __init__(self, keys: Iterable[bytes], place: str) -> None:
        self._keys = {_id_of(key): key for key in keys}
        self._place = place
        self.current = next(iter(self._keys))

    @classmethod
    def open(cls, file: Path, *, random: Callable[[int], bytes] = secrets.token_bytes) -> SecretKeys:
        """Read the file, or make it with a new key. Raises IllegalAction if it cannot be used."""
        try:
            if not file.exists():
                _write_new(file, random(_KEY_BYTES))
            rights = file.stat().st_mode & 0o777
            if rights & 0o077:
                raise IllegalAction(
                    f"The file {file} holds the keys of secrets, and other users may read it (mode "
                    f"{rights:04o}). Close it with `chmod 600 {file}`; if others may have read it, change "
                    "the key too."
                )
            return cls(_read(file.read_text("ascii"), file), str(file))
        except (OSError, UnicodeDecodeError) as error:
            raise IllegalAction(
                f"The file {file} with the keys of secrets cannot be used: {error}."
            ) from error

    def __repr__(self) -> str:
        return f"<SecretKeys {', '.join(self._keys)}>"

    def encrypt(self, text: str, about: str) -> str:
        """Return ``text`` encrypted; it can be decrypted only as what it is ``about``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = _cipher(self._keys[self.current]).encrypt(nonce, text.encode(), about.encode())
        return f"{self.current}:{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, encrypted: str, about: str) -> str:
        """Raises Unreadable."""
        id, _, packed = encrypted.partition(":")
        key = self._keys.get(id)
        if key is None:
            raise Unreadable(
                f"{about} was encrypted with the key {id[:8]}, which is not in {self._place}. Put that key "
                "back as a line of its own, or store the value again."
            )
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            data = base64.b64decode(packed, validate=True)
            return _cipher(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, ValueError):
            raise Unreadable(
                f"{about} was changed in the database since it was encrypted. Store the value again."
            ) from None

    def is_current(self, encrypted: str) -> bool:
        """Return whether it is encrypted with the first key."""
        return encrypted.startswith(f"{self.current}:")

    def holds(self, encrypted: str) -> bool:
        """Return whether the key that it is encrypted with is here."""
        return encrypted.partition(":")[0] in self._keys


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415

    return aead.AESGCM(key)


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"cloudwright key " + key).hexdigest()[:8]


def _read(text: str, file: Path) -> list[bytes]:
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        packed = line.partition("#")[0].strip()
        if not packed:
            continue
        try:
            key = base64.b64decode(packed, validate=True)
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise IllegalAction(f"{file}, line {number}: a key is {_KEY_BYTES} bytes in base64; this is not.")
        keys.append(key)
    if not keys:
        raise IllegalAction(f"{file} holds no key. Put it back from a copy, or remove it to get a new one.")
    return keys


def _write_new(file: Path, key: bytes) -> None:
    # Under another name first: a file that a crash left half written would be taken for the key.
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as new:
        new.write(f"# {_REMARK}\n{base64.b64encode(key).decode()}\n")
        new.flush()
        os.fsync(new.fileno())
    try:
        os.link(beside, file)
    except FileExistsError:
        pass  # Another process was first: its key counts.
    finally:
        beside.unlink()

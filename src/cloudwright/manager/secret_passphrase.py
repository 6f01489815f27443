"""Texts encrypted with a passphrase, for files that leave the manager.

What is written has its own salt and a slow derivation of the key. What Cloudify's managers have exported is
read too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from cloudwright.errors import InvalidInput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_PREFIX = "cloudwright1"
_SALT_BYTES = 16
_NONCE_BYTES = 12
# About 0.1 s and 32 MiB for each key.
_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 1 << 26}
# A token of Cloudify: a version, a time, the vector, what is encrypted, and the code that proves it.
_FOREIGN_HEAD, _FOREIGN_VECTOR, _FOREIGN_CODE = 9, 16, 32


class WrongPassphrase(InvalidInput):
    """The passphrase does not fit, or the text was changed."""


class Passphrase:
    """Encrypts with one salt, and remembers the keys that it had to derive."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._keys: dict[bytes, bytes] = {}
        self._foreign: bytes | None = None

    def __repr__(self) -> str:
        return "<Passphrase>"

    def encrypt(self, text: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + _aes_gcm(self._key(self._salt)).encrypt(nonce, text.encode(), None)
        return ":".join((_PREFIX, base64.b64encode(self._salt).decode(), base64.b64encode(sealed).decode()))

    def decrypt(self, encrypted: str) -> str:
        """Raises WrongPassphrase."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            prefix, salt, packed = encrypted.split(":")
        except ValueError:
            return self._decrypt_foreign(encrypted)
        try:
            if prefix != _PREFIX:
                raise ValueError(prefix)
            data = base64.b64decode(packed, validate=True)
            key = self._key(base64.b64decode(salt, validate=True))
            return _aes_gcm(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            raise _wrong() from None

    def _key(self, salt: bytes) -> bytes:
        if salt not in self._keys:
            self._keys[salt] = hashlib.scrypt(self._text, salt=salt, dklen=32, **_SCRYPT)
        return self._keys[salt]

    def _decrypt_foreign(self, encrypted: str) -> str:
        from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.modes import CBC  # noqa: PLC0415

        if self._foreign is None:
            self._foreign = hashlib.pbkdf2_hmac("sha256", self._text, b"salt_", 100_000, 64)
        signing, encrypting = self._foreign[:32], self._foreign[32:]
        try:
            token = base64.urlsafe_b64decode(encrypted)
            said, code = token[:-_FOREIGN_CODE], token[-_FOREIGN_CODE:]
            if not hmac.compare_digest(hmac.digest(signing, said, "sha256"), code):
                raise _wrong()
            body = said[_FOREIGN_HEAD:]
            vector, data = body[:_FOREIGN_VECTOR], body[_FOREIGN_VECTOR:]
            decryptor = Cipher(AES(encrypting), CBC(vector)).decryptor()
            padded = decryptor.update(data) + decryptor.finalize()
            return padded[: -padded[-1]].decode()
        except (ValueError, IndexError):
            raise _wrong() from None


def _aes_gcm(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415

    return aead.AESGCM(key)


def _wrong() -> WrongPassphrase:
    return WrongPassphrase("The passphrase does not fit, or the value was changed since it was encrypted.")

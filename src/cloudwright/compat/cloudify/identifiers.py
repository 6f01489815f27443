"""Random names, identifiers and passwords, for ``cloudify.utils``."""

from __future__ import annotations

import secrets
import string
import uuid


def id_generator(size: int = 6, chars: str = string.ascii_uppercase + string.digits) -> str:
    return "".join(secrets.choice(chars) for _ in range(size))


def generate_user_password(password_length: int = 32) -> str:
    return id_generator(password_length, string.ascii_letters + string.digits + "-_")


def uuid4() -> str:
    return str(uuid.uuid4())

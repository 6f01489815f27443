"""The token that reads the metrics and nothing else, in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cloudwright.errors import IllegalAction

TOKEN_FILE = "metrics.token"  # noqa: S105 - the name of a file
_TOKEN_BYTES = 32


def metrics_token(home: Path) -> str:
    """Return the token of a manager's home, which is made once. Raises IllegalAction if it cannot be used."""
    file = home / TOKEN_FILE
    try:
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as written:
                written.write(secrets.token_urlsafe(_TOKEN_BYTES) + "\n")
        token = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise IllegalAction(f"The token for metrics in {file} cannot be used: {error}.") from error
    if not token:
        raise IllegalAction(f"The token for metrics in {file} is empty. Delete the file; a new one is made.")
    return token

"""Identifiers of what a workflow stores."""

from __future__ import annotations

import os


def new_id() -> str:
    """Return an identifier that nothing else has."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

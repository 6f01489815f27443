"""How a manager proves to the command line of its machine that it can read the credentials of its home.

A port does not identify the process behind it. Before a client sends the token of ``credentials.json``, it
sends a nonce, and the manager returns the HMAC of it under the token, which only those can compute who may
read that file. The URL is part of it, so that a proof for one address is of no use on another.
"""

from __future__ import annotations

import hmac

CREDENTIALS = "credentials.json"
#: The path below the API's prefix; the nonce is the query parameter ``nonce``.
IDENTITY_PATH = "/identity"
#: A nonce is this many hexadecimal digits.
NONCE_DIGITS = 32


def identity_proof(token: str, url: str, nonce: str) -> str:
    """Return the proof of a manager with this token at this URL, in hexadecimal digits."""
    message = f"cloudwright identity\n{url}\n{nonce}"
    return hmac.digest(token.encode(), message.encode(), "sha256").hex()

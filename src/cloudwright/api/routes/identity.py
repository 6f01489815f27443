"""The manager's proof of its identity to the command line of its machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request

from cloudwright.api.middleware import PREFIX
from cloudwright.api.responses import JsonResponse
from cloudwright.errors import NotFound
from cloudwright.model import rest
from cloudwright.model.manager_identity import CREDENTIALS, IDENTITY_PATH, NONCE_DIGITS, identity_proof

router = APIRouter(prefix=PREFIX, tags=["system"])


@router.get(IDENTITY_PATH, response_model=rest.Identity)
async def prove_identity(
    request: Request, nonce: Annotated[str, Query(pattern=f"^[0-9a-f]{{{NONCE_DIGITS}}}$")]
) -> JsonResponse:
    """Prove that this manager can read the credentials of its home; needs no credentials.

    `proof` is the HMAC-SHA256 of the nonce and the manager's URL under the token in `credentials.json`.
    """
    home: Path = request.app.state.manager.settings.home
    token, url = await asyncio.to_thread(_read, home / CREDENTIALS)
    return JsonResponse({"proof": identity_proof(token, url, nonce)})


def _read(credentials: Path) -> tuple[str, str]:
    try:
        content = orjson.loads(credentials.read_bytes())
        return str(content["token"]), str(content["url"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFound("This manager has no credentials file to prove its identity with.") from error

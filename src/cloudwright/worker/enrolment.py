"""How an agent gets a token of its own for one that works once and for a short time.

It makes its secret first, and writes it down: an answer that is lost is asked for again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import secrets
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

from cloudwright.errors import Unauthorized

#: How long the manager may take, and the longest pause between two attempts (seconds).
_PATIENCE = 30.0
_MOST_PAUSE = 30.0

log = logging.getLogger(__name__)


def enrol(url: str, enrolment: Path, token: Path, ca_file: str | None) -> None:
    """Write the agent's own token to ``token``, unless it is there, for the one in ``enrolment``.

    Tries again until the manager answers. Raises Unauthorized if it refuses.
    """
    if token.exists():
        return
    secret = _secret(token.with_suffix(".secret"))
    context = ssl.create_default_context(cafile=ca_file) if url.startswith("https") else None
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    request = urllib.request.Request(  # noqa: S310 - the manager's URL
        f"{url}/agents/v1/enrolment",
        data=hashlib.sha256(secret.encode()).hexdigest().encode(),
        headers={"Authorization": f"Bearer {enrolment.read_text('ascii').strip()}"},
    )
    pause = 0.5
    while True:
        try:
            with opener.open(request, timeout=_PATIENCE) as answer:
                name = answer.read(1000).decode()
            break
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise Unauthorized(error.read(1000).decode("utf-8", "replace")) from error
            problem: Exception = error
        except OSError as error:
            problem = error
        log.warning("not enrolled at %s yet: %s", url, problem)
        time.sleep(random.uniform(0.1, pause))  # noqa: S311 - so that many do not come at once
        pause = min(2 * pause, _MOST_PAUSE)
    _write(token, f"cwa.{name}.{secret}")
    for used in (enrolment, token.with_suffix(".secret")):
        used.unlink(missing_ok=True)


def _secret(file: Path) -> str:
    if not file.exists():
        _write(file, secrets.token_urlsafe(32))
    return file.read_text("ascii")


def _write(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(new, file)

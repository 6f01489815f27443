"""What protects the pages: headers of responses, the session's cookie, and the token of every form."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cloudwright.console.mount import root_of
from cloudwright.manager.sessions import SESSION_LIFETIME

#: Scripts, styles and images come from the manager's own files only; nothing is inline.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
#: The field of a form that shows that a page of the console sent it.
CSRF_FIELD = "csrf"


def session_value(request: Request) -> str | None:
    return request.cookies.get(_cookie_name(request))


def set_session(response: Response, request: Request, value: str) -> None:
    response.set_cookie(
        value=value, max_age=int(SESSION_LIFETIME.total_seconds()), **_cookie(request, _cookie_name(request))
    )


def forget_session(response: Response, request: Request) -> None:
    response.delete_cookie(**_cookie(request, _cookie_name(request)))


def set_notice(response: Response, request: Request, text: str) -> None:
    """Have the next page say something."""
    encoded = text[:1000].encode().hex()
    response.set_cookie(value=encoded, max_age=60, **_cookie(request, f"{_cookie_name(request)}_notice"))


def take_notice(response: Response, request: Request) -> None:
    if f"{_cookie_name(request)}_notice" in request.cookies:
        response.delete_cookie(**_cookie(request, f"{_cookie_name(request)}_notice"))


def notice_of(request: Request) -> str | None:
    encoded = request.cookies.get(f"{_cookie_name(request)}_notice")
    try:
        return bytes.fromhex(encoded).decode() if encoded else None
    except ValueError:
        return None


def csrf_token(session: str) -> str:
    """Return the token of the forms of a session: every manager makes the same."""
    return hmac.new(session.encode(), b"cloudwright console form", hashlib.sha256).hexdigest()


def is_own_form(session: str, given: object) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), csrf_token(session).encode())


def _cookie_name(request: Request) -> str:
    # Cookies do not tell ports apart, and a machine may have several managers.
    return f"cloudwright_session_{request.url.port or 'default'}"


def _cookie(request: Request, name: str) -> dict[str, Any]:
    return {
        "key": name,
        "path": root_of(request),
        "httponly": True,
        "samesite": "strict",
        "secure": request.url.scheme == "https",
    }

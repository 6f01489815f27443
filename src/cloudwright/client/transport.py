"""Requests and responses: the one module that knows the HTTP library."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import httpx

from cloudwright.client.errors import (
    ApiError,
    Broken,
    ClientError,
    ConnectionFailed,
    NotAManager,
    TimedOut,
    Untrusted,
    api_error,
)
from cloudwright.client.streaming import CONTENT_TYPE, Message, read_messages, split_lines
from cloudwright.client.target import API_PREFIX, Target

#: Seconds to wait before reading is tried again after the connection broke.
RETRY_DELAYS = (0.1, 0.4)
#: Nothing that a user waits for on a healthy network takes this long, but for uploads, which say so
#: themselves.
DEFAULT_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
#: A stream that is silent for longer than this is taken for broken: the manager sends a sign of life more
#: often.
STREAM_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


class Transport:
    """One pool of connections to one manager. May be used by several threads at once."""

    def __init__(
        self,
        target: Target,
        *,
        user_agent: str = "cloudwright-client",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.target = target
        self._sleep = sleep
        headers = {"Tenant": target.tenant, "User-Agent": user_agent}
        auth = None
        if target.token:
            headers["Authentication-Token"] = target.token
        elif target.username is not None:
            auth = httpx.BasicAuth(target.username, target.password or "")
        self._http = httpx.Client(
            base_url=target.url + API_PREFIX,
            headers=headers,
            auth=auth,
            timeout=DEFAULT_TIMEOUT,
            verify=_trust(target),
            trust_env=not target.is_loopback,
        )

    def close(self) -> None:
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, IO[bytes], str]] | None = None,
        content: IO[bytes] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send one request, and return the JSON of its response, or None if that is empty.

        A GET is repeated if the connection broke; anything else is sent once. ``timeout`` is in
        seconds. Raises ClientError.
        """
        response = self._send(
            method,
            path,
            params=params,
            json=json,
            data=form,
            files=files,
            content=content,
            timeout=DEFAULT_TIMEOUT if timeout is None else httpx.Timeout(timeout, connect=10.0),
        )
        return self._answer(response)

    def download(self, path: str, into: IO[bytes]) -> int:
        """Write the body of a GET to a file, and return its size in bytes. Raises ClientError."""
        size = 0
        with self._translated(), self._http.stream("GET", path, follow_redirects=True) as response:
            self._check(response)
            for block in response.iter_bytes():
                into.write(block)
                size += len(block)
        return size

    @contextmanager
    def messages(self, path: str, *, params: Mapping[str, Any]) -> Iterator[Iterator[Message]]:
        """Yield the messages of a stream as they come, until the manager ends it. Raises ClientError."""
        headers = {"Accept": CONTENT_TYPE}
        with (
            self._translated(),
            self._http.stream(
                "GET", path, params=params, headers=headers, timeout=STREAM_TIMEOUT
            ) as response,
        ):
            self._check(response)
            if not response.headers.get("content-type", "").startswith(CONTENT_TYPE):
                raise NotAManager(self.target.url, response.status_code, "it sends no stream of events")
            yield read_messages(split_lines(response.iter_bytes()))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        delays = iter(RETRY_DELAYS if method == "GET" else ())
        while True:
            try:
                with self._translated():
                    return self._http.request(method, path, **request)
            except (TimedOut, Untrusted):
                raise
            except ConnectionFailed:
                delay = next(delays, None)
                if delay is None:
                    raise
                self._sleep(delay)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        url = self.target.url
        try:
            yield
        except httpx.TimeoutException as error:
            raise TimedOut(url, _timeout_reason(error)) from error
        except httpx.InvalidURL as error:
            raise ClientError(f"{url} is not an address of a manager: {error}.") from error
        except httpx.TransportError as error:
            reason = _reason(error)
            if _is_certificate_error(error):
                raise Untrusted(url, reason) from error
            never_began = isinstance(error, (httpx.ConnectError, httpx.ProxyError))
            raise (ConnectionFailed if never_began else Broken)(url, reason) from error

    def _check(self, response: httpx.Response) -> None:
        if not response.is_success:
            with self._translated():
                response.read()
            raise self._refusal(response)

    def _answer(self, response: httpx.Response) -> Any:
        if not response.is_success:
            raise self._refusal(response)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise NotAManager(self.target.url, response.status_code, _excerpt(response)) from None

    def _refusal(self, response: httpx.Response) -> ApiError | NotAManager:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or "message" not in body:
            return NotAManager(self.target.url, response.status_code, _excerpt(response))
        return api_error(response.status_code, body)


def _trust(target: Target) -> ssl.SSLContext | bool:
    if target.url.startswith("http://"):
        # Nothing to verify; loading the authorities would cost every command tens of milliseconds.
        return False
    if not target.certificate:
        return True
    try:
        return ssl.create_default_context(cafile=target.certificate)
    except OSError as error:
        raise ClientError(
            f"The certificate file {target.certificate} cannot be used: {error.strerror or error}."
        ) from error


def _reason(error: Exception) -> str:
    """Return the system's reason, from the innermost cause: the library's own text names none."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    if isinstance(cause, ssl.SSLError):
        return f"it does not speak HTTPS ({(cause.reason or 'no reason given').replace('_', ' ').lower()})"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    if isinstance(error, httpx.RemoteProtocolError):
        return "it closed it without a whole answer"
    text = str(cause).strip() or type(cause).__name__
    return text.rstrip(".")


def _timeout_reason(error: httpx.TimeoutException) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "the connection was not accepted"
    if isinstance(error, httpx.WriteTimeout):
        return "it stopped taking data"
    return "nothing came back"


def _is_certificate_error(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _excerpt(response: httpx.Response) -> str:
    text = " ".join(response.text.split())
    return text[:80] + ("..." if len(text) > 80 else "")

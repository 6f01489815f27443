"""Answers that are no JSON."""

from __future__ import annotations

from collections.abc import Iterator


class StreamedResponse:
    """A response that is not JSON: its ``content`` as bytes, or piece by piece."""

    def __init__(self, content: bytes, headers: dict[str, str]) -> None:
        self.content = content
        self.headers = headers

    def bytes_stream(self, chunk_size: int = 8192) -> Iterator[bytes]:
        for start in range(0, len(self.content), chunk_size):
            yield self.content[start : start + chunk_size]

    def lines_stream(self) -> Iterator[bytes]:
        yield from self.content.splitlines()

    def close(self) -> None:
        """Nothing is open."""

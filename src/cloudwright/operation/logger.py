"""``ctx.logger``: an ordinary logger whose records become ``log`` frames."""

from __future__ import annotations

import logging

from cloudwright.child.logger import SupervisorHandler, own_logger
from cloudwright.operation.host_connection import HostConnection


class FrameHandler(SupervisorHandler):
    """Sends records as ``log`` frames."""

    def __init__(self, connection: HostConnection) -> None:
        super().__init__()
        self._host_connection = connection

    def send(self, level: str, message: str, logger: str) -> None:
        """Send one ``log`` frame."""
        self._host_connection.log(level, message, logger)


def operation_logger(operation_id: str, handler: logging.Handler) -> logging.Logger:
    """Return the logger of one operation."""
    return own_logger(f"ctx.{operation_id}", handler)

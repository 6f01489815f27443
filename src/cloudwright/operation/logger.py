"""``ctx.logger``: an ordinary logger whose records become ``log`` frames."""

from __future__ import annotations

import logging

from cloudwright.operation.supervisor import Supervisor


class FrameHandler(logging.Handler):
    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__(logging.DEBUG)
        self._supervisor = supervisor

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
        except Exception as error:  # noqa: BLE001 - the arguments are the user's objects
            # The arguments do not fit the message: what was meant is told all the same, and what is wrong
            # with it.
            message = f"{record.msg} {record.args!r} (this message could not be formatted: {error})"
        self._supervisor.log(record.levelname.lower(), message, record.name)


def operation_logger(operation_id: str, handler: logging.Handler) -> logging.Logger:
    """The logger of one operation: everything from DEBUG on goes to ``handler``, and nowhere else."""
    logger = logging.getLogger(f"ctx.{operation_id}")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [handler]
    return logger

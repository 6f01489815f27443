"""Loggers whose records become frames."""

from __future__ import annotations

import logging

from cloudwright.model.json_values import readable


class SupervisorHandler(logging.Handler):
    """Hands each record on to ``send``, which subclasses implement."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
        except Exception as error:  # noqa: BLE001 - the arguments are the user's objects
            # The arguments do not fit the message: report what was meant, and what is wrong with it.
            message = f"{record.msg} {record.args!r} (this message could not be formatted: {error})"
        self.send(record.levelname.lower(), readable(message), record.name)

    def send(self, level: str, message: str, logger: str) -> None:
        """Send one log line."""
        raise NotImplementedError


def own_logger(name: str, handler: logging.Handler) -> logging.Logger:
    """Return the logger ``name``, from DEBUG on, whose records go to ``handler`` and nowhere else."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [handler]
    return logger

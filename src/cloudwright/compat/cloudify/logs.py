"""``cloudify.logs``: handlers that bring other loggers' records to where the user looks."""

from __future__ import annotations

import logging
from typing import Any

__all__ = [
    "CloudifyCtxLoggingHandler",
    "CloudifyPluginLoggingHandler",
    "init_cloudify_logger",
    "setup_subprocess_logger",
]


class CloudifyCtxLoggingHandler(logging.Handler):
    """Passes the records of a library's logger on to ``ctx.logger``."""

    def __init__(self, ctx: Any) -> None:
        super().__init__()
        self.ctx = ctx

    def emit(self, record: logging.LogRecord) -> None:
        self.ctx.logger.log(record.levelno, "%s", self.format(record))


class CloudifyPluginLoggingHandler(CloudifyCtxLoggingHandler):
    """The same; ``out_func`` was for another way out, which there is not."""

    def __init__(self, ctx: Any, out_func: Any = None) -> None:
        super().__init__(ctx)


def init_cloudify_logger(
    handler: logging.Handler, logger_name: str, logging_level: int = logging.DEBUG
) -> logging.Logger:
    """Return a logger whose records go to ``handler``."""
    logger = logging.getLogger(f"ctx.{logger_name}")
    logger.setLevel(logging_level)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(logging_level)
    logger.handlers = [handler]
    return logger


def setup_subprocess_logger() -> None:
    """Nothing to do: what a process prints becomes log lines anyway."""

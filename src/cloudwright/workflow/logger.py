"""``ctx.logger`` of a workflow: an ordinary logger whose records become ``log`` entries of the journal."""

from __future__ import annotations

import logging

from cloudwright.model.json_values import readable
from cloudwright.workflow.connection import Connection


class JournalHandler(logging.Handler):
    def __init__(self, connection: Connection, node_instance_id: str | None = None) -> None:
        super().__init__(logging.DEBUG)
        self._connection = connection
        self._node_instance_id = node_instance_id

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
        except Exception as error:  # noqa: BLE001 - whatever an argument's own formatting raises
            # The arguments do not fit the message: what was meant is told all the same, and what is wrong
            # with it.
            message = f"{record.msg} {record.args!r} (this message could not be formatted: {error})"
        entry = {"level": record.levelname.lower(), "message": readable(message), "logger": record.name}
        if self._node_instance_id is not None:
            entry["node_instance_id"] = self._node_instance_id
        self._connection.journal(["log", entry])

"""Loggers of workflows: their records become ``log`` entries of the journal."""

from __future__ import annotations

from cloudwright.child.logger import SupervisorHandler
from cloudwright.workflow.host_connection import HostConnection


class JournalHandler(SupervisorHandler):
    """Journals records, of a node instance or of the workflow itself."""

    def __init__(self, connection: HostConnection, node_instance_id: str | None = None) -> None:
        super().__init__()
        self._host_connection = connection
        self._node_instance_id = node_instance_id

    def send(self, level: str, message: str, logger: str) -> None:
        """Journal one log line."""
        entry = {"level": level, "message": message, "logger": logger}
        if self._node_instance_id is not None:
            entry["node_instance_id"] = self._node_instance_id
        self._host_connection.journal(["log", entry])

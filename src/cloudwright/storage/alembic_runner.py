"""Running the migrations. Only ``migrate.py`` knows when."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_FOLDER = Path(__file__).with_name("migrations")


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def upgrade(conn: Connection) -> None:
    """To the newest version, in the transaction that is open."""
    config = configuration()
    config.attributes["connection"] = conn
    command.upgrade(config, "head")

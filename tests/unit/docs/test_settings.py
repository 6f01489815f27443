from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from cloudwright.errors import InvalidInput
from cloudwright.settings import PREFIX, Settings

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `{PREFIX}{name.upper()}` |" in PAGE.read_text("utf-8")


def test_the_command_line_beats_the_environment_which_beats_the_default(tmp_path: Path) -> None:
    environ = {"CLOUDWRIGHT_HOME": str(tmp_path), "CLOUDWRIGHT_PORT": "1", "CLOUDWRIGHT_LEASE": "2.5"}
    settings = Settings.load(environ, port=2, host=None)
    assert (settings.home, settings.port, settings.lease, settings.host) == (tmp_path, 2, 2.5, "127.0.0.1")
    assert settings.database_url == f"sqlite:///{tmp_path}/cloudwright.db"


def test_a_number_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="CLOUDWRIGHT_PORT is `many`"):
        Settings.load({"CLOUDWRIGHT_PORT": "many"})

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from cloudwright.errors import InvalidInput
from cloudwright.settings import PREFIX, Settings, unknown_variables

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


def test_the_file_is_below_the_environment(tmp_path: Path) -> None:
    (tmp_path / "cloudwright.toml").write_text('port = 3\nhost = "::1"\nlease = 20\nno_resume = true\n')
    environ = {"CLOUDWRIGHT_HOME": str(tmp_path), "CLOUDWRIGHT_PORT": "1"}
    settings = Settings.load(environ)
    assert (settings.port, settings.host, settings.lease, settings.no_resume) == (1, "::1", 20.0, True)


def test_a_named_file_may_say_where_the_home_is(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('home = "lab"\n')
    assert Settings.load({"CLOUDWRIGHT_CONFIG": str(file)}).home == tmp_path / "lab"
    assert Settings.load({}, config=file).home == tmp_path / "lab"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_workflow = 3", "there is no setting `max_workflow`. Did you mean `max_workflows`?"),
        ("port = 'many'", "`port` is 'many'; it has to be an integer."),
        ("port = true", "`port` is True; it has to be an integer."),
        ("lease = '1'", "`lease` is '1'; it has to be a number."),
        ("no_resume = 1", "`no_resume` is 1; it has to be true or false."),
        ("ready_fd = 3", "there is no setting `ready_fd`."),
        ("port = ", "is not valid TOML"),
        ("home = 'elsewhere'", "cannot name another"),
        ("[manager]\nport = 1", "there is no setting `manager`."),
    ],
)
def test_what_is_wrong_in_the_file_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "cloudwright.toml").write_text(text)
    with pytest.raises(InvalidInput) as refused:
        Settings.load({"CLOUDWRIGHT_HOME": str(tmp_path)})
    assert said in str(refused.value)
    assert str(tmp_path / "cloudwright.toml") in str(refused.value)


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"There is no file .*lab.toml"):
        Settings.load({}, config=tmp_path / "lab.toml")


def test_a_misspelt_variable_is_noticed() -> None:
    environ = {"CLOUDWRIGHT_MAX_WORKFLOW": "3", "CLOUDWRIGHT_TOKEN": "x", "CLOUDWRIGHT_PORT": "1", "PATH": ""}
    assert unknown_variables(environ) == [
        "CLOUDWRIGHT_MAX_WORKFLOW is not a setting. Did you mean `CLOUDWRIGHT_MAX_WORKFLOWS`?"
    ]


@pytest.mark.parametrize("page", sorted(PAGE.parents[1].rglob("*.md")), ids=lambda page: page.name)
def test_settings_on_a_page_are_ones(page: Path, tmp_path: Path) -> None:
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)):
        file = tmp_path / f"{number}.toml"
        file.write_text(block)
        Settings.load({}, config=file)

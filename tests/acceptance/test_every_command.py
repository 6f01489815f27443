"""Every command of Cloudify's `cfy` 7.0.5, once: what `commands.txt` says of it is so."""

from __future__ import annotations

import json
import re
import shlex
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cloudify_client_env import Cfy
from manager_process import ManagerProcess

SCRIPTED = Path(__file__).parents[1] / "fixtures" / "script_plugin" / "blueprint.yaml"
TABLE = Path(__file__).with_name("commands.txt")
_STEP = re.compile(r"(?:(?P<mark>[!~]) |(?P<key>\w+) = )?(?P<words>.*?)(?: =>(?: (?P<text>.*))?)?")


@dataclass(frozen=True)
class Step:
    words: str
    text: str
    code: int
    key: str | None
    is_missing: bool


def read_table() -> dict[str, list[Step]]:
    """Return the steps below each heading."""
    table: dict[str, list[Step]] = {}
    for line in TABLE.read_text().splitlines():
        if line.startswith("["):
            steps = table.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            found = _STEP.fullmatch(line)
            assert found, line
            mark = found["mark"]
            step = Step(found["words"], found["text"] or "", int(mark == "!"), found["key"], mark == "~")
            assert step.text or mark == "~" or line.endswith(" =>"), line
            steps.append(step)
    return table


STEPS = read_table()


class Forks:
    """The real `cfy`: each command is run by a fork of a process that has loaded it."""

    def __init__(self, cfy: Cfy) -> None:
        script = str(Path(__file__).with_name("cfy_script.py"))
        self._process = cfy.run_python(script)
        self.commands: list[str] = json.loads(self._line())

    def run(self, words: list[str]) -> tuple[int, str]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        code, said = json.loads(self._line())
        return code, said

    def end(self) -> None:
        self._process.communicate(timeout=30)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture(scope="module")
def forks(cfy: Cfy) -> Iterator[Forks]:
    forks = Forks(cfy)
    yield forks
    forks.end()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What steps name in braces."""
    folder = tmp_path_factory.mktemp("files")
    plain = folder / "blueprint.yaml"
    plain.write_text(
        "tosca_definitions_version: cloudify_dsl_1_3\n"
        "node_types: {thing: {}}\n"
        "node_templates: {one: {type: thing}}\n"
    )
    icon = folder / "icon.png"
    icon.write_bytes(b"\x89PNG\r\n\x1a\n")
    made = {"app": SCRIPTED, "plain": plain, "icon": icon, "tmp": folder, **_plugin(folder)}
    return {name: str(path) for name, path in made.items()}


def _plugin(folder: Path) -> dict[str, Path]:
    content = folder / "real-box"
    (content / "wheels").mkdir(parents=True)
    (content / "package.json").write_text(json.dumps({"package_name": "real-box", "package_version": "3.1"}))
    with zipfile.ZipFile(content / "wheels" / "real_box-3.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("real_box.py", "")
    wagon = folder / "real_box-3.1-py311-none-linux_x86_64.wgn"
    with tarfile.open(wagon, "w:gz") as tar:
        tar.add(content, "real-box")
    description = folder / "plugin.yaml"
    description.write_text(
        "plugins: {real: {executor: central_deployment_agent, package_name: real-box,"
        " package_version: '3.1'}}\nlabels: {team: {values: [red]}}\n"
    )
    return {"wagon": wagon, "plugin_yaml": description}


def _place(said: str, place: str) -> Any:
    found: Any = json.loads(said)
    for part in place.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("heading", STEPS)
def test_it_does_what_is_said_of_it(
    forks: Forks, manager: ManagerProcess, files: dict[str, str], heading: str
) -> None:
    kept = dict(files)
    for step in STEPS[heading]:
        if step.is_missing:
            continue
        words = shlex.split(step.words.format(**kept))
        code, said = forks.run(words if step.key is None else [*words, "--json"])
        assert code == step.code, f"cfy {' '.join(words)} ended with {code}:\n{said}"
        if step.key is None:
            assert step.text.format(**kept) in said, f"cfy {' '.join(words)}"
        else:
            kept[step.key] = _place(said, step.text)


def test_every_command_is_in_the_table(forks: Forks) -> None:
    def command(words: list[str]) -> str:
        return next(
            known for size in range(len(words), 0, -1) if (known := " ".join(words[:size])) in forks.commands
        )

    tried = {command(shlex.split(step.words)) for steps in STEPS.values() for step in steps}
    assert len(forks.commands) == 237
    assert sorted(set(forks.commands) - tried) == []

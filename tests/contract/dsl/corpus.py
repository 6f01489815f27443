"""Reads the corpus: small blueprints, one feature each, good and bad.

Each file of ``corpus/`` has ``bases``, texts that cases begin with, and cases under ``good``, ``bad`` and
``different``. A case is the rest of the blueprint as a string, or a mapping with ``text`` and any of
``base``, ``version``, ``files`` (further files by path), ``imports`` (files by the reference that stands for
them, as a manager would answer it), ``inputs``, ``existing`` (what the manager has, for inputs that name it),
``runtime_only`` (a deployment that evaluates everything at run time), ``says`` (what our message has to
contain). A case under ``different`` says under ``ours`` whether we accept it, the reference does the opposite
(or, with ``plans``, means something else), and under ``why`` the reason, which
``docs/reference/dsl-differences.md`` lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("corpus")


@dataclass(frozen=True)
class Case:
    name: str
    text: str
    kind: str
    files: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    ours: str = ""
    why: str = ""
    imports: dict[str, str] = field(default_factory=dict)
    existing: dict[str, Any] = field(default_factory=dict)
    runtime_only: bool = False

    def write(self, folder: Path) -> Path:
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        main = folder / "blueprint.yaml"
        main.write_text(self.text)
        return main


def cases() -> list[Case]:
    return [case for path in sorted(FOLDER.glob("*.yaml")) for case in _of_file(path)]


def _of_file(path: Path) -> Iterator[Case]:
    data = yaml.safe_load(path.read_text())
    bases = data.get("bases") or {}
    for kind in ("good", "bad", "different"):
        for name, entry in (data.get(kind) or {}).items():
            fields = {"text": entry} if isinstance(entry, str) else dict(entry)
            version = fields.pop("version", data.get("version", "1_3"))
            base = bases.get(fields.pop("base", "default"), "")
            head = f"tosca_definitions_version: cloudify_dsl_{version}\n" if version else ""
            text = head + base + fields.pop("text", "")
            yield Case(f"{path.stem}-{kind}-{name}", text, kind, **fields)

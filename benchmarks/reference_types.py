"""The language's own types as Cloudify's parser can read them, which knows none of YAML's aliases."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from cloudwright.dsl import types


def write(folder: Path) -> Path:
    """Write them into ``folder``; return the file."""
    file = folder / "types.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(types.document("1_3").data))))
    return file

"""The templates of the pages, one a page, one a live fragment, and what they may call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cloudwright.console import formatting, static_files

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(
    time=formatting.time,
    clock=formatting.clock,
    asset=static_files.versioned,
    assets_digest=static_files.digest_of_all,
)
_environment.filters.update(
    duration=formatting.duration,
    plain=formatting.plain,
    code=formatting.code,
    terminal=formatting.terminal,
    pretty=formatting.pretty,
    size=formatting.size,
)


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return a page; whatever it shows is escaped."""
    return _environment.get_template(template).render(context)

"""Makes parts of the documentation site while it is built: REST routes, and the list of decisions."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cloudwright import __version__
from cloudwright.api.app import create_app
from cloudwright.settings import Settings

DECISIONS = Path(__file__).parents[1] / "docs" / "contributing" / "decisions"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what a page has a placeholder for."""
    if "<!-- routes -->" in markdown:
        return markdown.replace("<!-- routes -->", routes())
    if "<!-- decisions -->" in markdown:
        return markdown.replace("<!-- decisions -->", decisions())
    return markdown


def decisions() -> str:
    """A list of links to the notes, by their numbers."""
    lines = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        title = path.read_text("utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"* [{path.stem[:4]}: {title}]({path.name})")
    return "\n".join(lines)


def routes() -> str:
    """Every operation of the OpenAPI document: parameters, body and answer."""
    settings = Settings.load({})
    manager: Any = SimpleNamespace(
        version=__version__, accounts=None, bus=None, store=None, settings=settings
    )
    document = create_app(manager).openapi()
    parts = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            parts.append(f"### `{method.upper()} {path}`\n\n{_described(operation)}")
    return "\n\n".join(parts)


def _described(operation: dict[str, Any]) -> str:
    parts = [operation.get("description") or operation.get("summary") or ""]
    parameters = operation.get("parameters", [])
    if parameters:
        rows = [
            f"| `{each['name']}` | {each['in']} | {_type(each.get('schema', {}))} "
            f"| {_cell(each.get('description', ''))} |"
            for each in parameters
        ]
        parts.append("\n".join(["| parameter | in | type | |", "|---|---|---|---|", *rows]))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"Body (`{kind}`): {_type(content.get('schema', {}))}")
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            shapes = [_type(content.get("schema", {})) for content in answer.get("content", {}).values()]
            parts.append(f"Returns {status}: {', '.join(shapes) or 'no content'}")
    return "\n\n".join(part for part in parts if part)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(each)}`" for each in schema["enum"])
    if "properties" in schema:
        return ", ".join(f"`{name}` ({_type(each)})" for name, each in schema["properties"].items())
    return str(schema.get("type", "any"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")

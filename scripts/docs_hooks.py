"""Makes parts of the documentation site while it is built: REST routes, built-in types, decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from cloudwright import __version__
from cloudwright.api.app import create_app
from cloudwright.settings import Settings

#: The sections of the file that the page shows, under these headings.
TYPE_SECTIONS = {
    "node_types": "Node types",
    "relationships": "Relationships",
    "data_types": "Data types",
    "workflows": "Workflows",
}
#: What says what an element of a section takes.
TYPE_PARTS = {"properties": "property", "parameters": "parameter"}
DECISIONS = Path(__file__).parents[1] / "docs" / "contributing" / "decisions"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what a page has a placeholder for."""
    if "<!-- routes -->" in markdown:
        return markdown.replace("<!-- routes -->", routes())
    if "<!-- types -->" in markdown:
        return markdown.replace("<!-- types -->", types_page())
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


def types_page() -> str:
    """Return the page below its first heading."""
    text = resources.files("cloudwright.dsl.types").joinpath("types.yaml").read_text("utf-8")
    whole = yaml.safe_load(text)
    return "\n\n".join(
        f"## {title}\n\n" + "\n\n".join(_element(name, entry) for name, entry in whole[section].items())
        for section, title in TYPE_SECTIONS.items()
    )


def _element(name: str, entry: Mapping[str, Any] | None) -> str:
    entry = entry or {}
    parts = [f"### `{name}`"]
    if entry.get("derived_from"):
        parts.append(f"Derived from `{entry['derived_from']}`.")
    for key, kind in TYPE_PARTS.items():
        if entry.get(key):
            rows = [_property_row(item, details or {}) for item, details in entry[key].items()]
            parts.append("\n".join([f"| {kind} | type | default | |", "|---|---|---|---|", *rows]))
    for key in ("interfaces", "source_interfaces", "target_interfaces"):
        for interface, operations in (entry.get(key) or {}).items():
            names = ", ".join(f"`{operation}`" for operation in operations)
            parts.append(f"Operations of `{interface}`: {names}.")
    return "\n\n".join(parts)


def _property_row(name: str, details: Mapping[str, Any]) -> str:
    default = f"`{json.dumps(details['default'])}`" if "default" in details else ""
    description = " ".join(str(details.get("description") or "").split())
    return f"| `{name}` | {details.get('type', '')} | {_cell(default)} | {_cell(description)} |"

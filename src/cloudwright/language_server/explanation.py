"""What a name at a cursor means, and where it is defined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudwright.dsl.functions.syntax import FUNCTIONS
from cloudwright.dsl.source_files import Place
from cloudwright.language_server.completion import Suggestion, candidates
from cloudwright.language_server.cursor import Cursor
from cloudwright.language_server.names import SECTIONS, Definition, Names

_NOUNS = {
    "inputs": "input",
    "node_types": "node type",
    "relationships": "relationship type",
    "data_types": "data type",
    "node_templates": "node",
    "plugins": "plugin",
    "workflows": "workflow",
    "groups": "group",
    "policies": "policy",
    "capabilities": "capability",
    "outputs": "output",
}
#: What each intrinsic function gives; ``explanation`` shows it with its arguments.
FUNCTION_HELP: Mapping[str, str] = {
    "get_input": "the value of an input: `{ get_input: NAME }`",
    "get_property": "a node's property: `{ get_property: [NODE or SELF, NAME, ...] }`",
    "get_attribute": "a runtime property of a node's instance, or a property: `[NODE or SELF, NAME, ...]`",
    "get_attributes_list": "a list of that attribute of all instances of a node: `[NODE, NAME, ...]`",
    "get_attributes_dict": "attributes of all instances of a node, by their ids: `[NODE, NAME, ...]`",
    "get_secret": "the value of a secret: `{ get_secret: KEY }`",
    "get_capability": "a capability of another deployment: `[DEPLOYMENT, NAME, ...]`",
    "get_group_capability": "capabilities of all deployments of a group: `[GROUP, NAME, ...]`",
    "get_environment_capability": "a capability of the deployment's environment: `NAME` or `[NAME, ...]`",
    "get_label": "the values of a label of the deployment: `KEY` or `[KEY, INDEX]`",
    "get_sys": "what the manager knows: `[tenant, name]` or `[deployment, id, name, blueprint or owner]`",
    "get_consumers": "the deployments that use this one: `ids`, `names` or `count`",
    "concat": "its parts as one text, or as one list: `[PART, ...]`",
    "merge": "one mapping of several, of which later ones win: `[MAPPING, ...]`",
    "string_find": "the place of a text in another, or -1: `[TEXT, WANTED]`",
    "string_replace": "a text with parts replaced: `[TEXT, OLD, NEW, MOST]`",
    "string_split": "a list of a text's parts, or one of them: `[TEXT, SEPARATOR, INDEX]`",
    "string_lower": "a text in small letters",
    "string_upper": "a text in capital letters",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """``text`` is Markdown; ``place`` is where it is defined, if it is in a file."""

    text: str
    place: Place | None = None


def meaning(names: Names, cursor: Cursor) -> Meaning | None:
    """Return what the word at the cursor means; None if that is not known."""
    word, path = cursor.word.strip("\"' "), cursor.path
    if cursor.is_key and len(path) == 1 and path[0] in SECTIONS:
        definition = names.of(str(path[0])).get(word)
        return None if definition is None else _of_definition(names, definition)
    if cursor.is_key and word in FUNCTIONS:
        return Meaning(f"**{word}**: {FUNCTION_HELP[word]}")
    for one in candidates(names, cursor):
        if one.name == word:
            return _of_suggestion(names, cursor, one)
    return None


def _of_suggestion(names: Names, cursor: Cursor, one: Suggestion) -> Meaning | None:
    if one.kind in SECTIONS:
        return _of_definition(names, names.of(one.kind)[one.name])
    if one.kind == "function":
        return Meaning(f"**{one.name}**: {FUNCTION_HELP[one.name]}")
    if one.kind == "property" and one.owner is not None:
        raw = one.owner.raw.get("properties", {}).get(one.name)
        return Meaning(
            _described(f"**{one.name}**: property, {one.detail}", raw if isinstance(raw, dict) else {}),
            one.owner.place("properties", one.name),
        )
    return Meaning(f"**{one.name}**: {one.kind}" + (f", {one.detail}" if one.detail else ""))


def _of_definition(names: Names, definition: Definition) -> Meaning:
    section, raw = definition.section, definition.raw
    lines = [_described(f"**{definition.name}**: {_NOUNS[section]}{_kind(raw)}", raw)]
    if section in ("node_types", "relationships", "data_types"):
        above = [parent.name for parent in names.chain(section, definition.name)][1:]
        if above:
            lines.append("Derived from " + ", ".join(f"`{name}`" for name in above) + ".")
        lines += _member_lines(names, section, definition.name)
    return Meaning("\n\n".join(lines), definition.place())


def _member_lines(names: Names, section: str, kind: str) -> list[str]:
    members = names.members(section, kind, "properties")
    if not members:
        return []
    lines = [
        f"* `{name}`: {raw.get('type', 'any value')}"
        + (f" = `{raw['default']}`" if raw.get("default") not in (None, "", {}, []) else "")
        for name, (raw, _) in sorted(members.items())
    ]
    return ["Properties:\n\n" + "\n".join(lines)]


def _kind(raw: Mapping[str, Any]) -> str:
    kind = raw.get("type")
    return f" of type `{kind}`" if isinstance(kind, str) else ""


def _described(text: str, raw: Mapping[str, Any]) -> str:
    if raw.get("default") is not None and not isinstance(raw["default"], dict | list):
        text += f", default `{raw['default']}`"
    described = raw.get("description")
    return f"{text}\n\n{described}" if isinstance(described, str) and described.strip() else text

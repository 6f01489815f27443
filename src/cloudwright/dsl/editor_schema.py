"""A JSON schema of blueprints for editors, made from the tables that the parser checks with.

It knows which entries a place has and of which types they are; what a schema cannot say (names that have to
exist, values that have to fit a type, versions of the language) the parser says alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudwright.dsl import (
    blueprint,
    data_types,
    deployment_settings,
    groups,
    interfaces,
    node_templates,
    node_types,
    outputs,
    plugins,
    policies,
    schemas,
    workflows,
)
from cloudwright.dsl.constraints import RULES
from cloudwright.dsl.functions.syntax import FUNCTIONS
from cloudwright.dsl.structure_checks import Shape
from cloudwright.dsl.versions import VERSION_KEY, VERSIONS

JsonSchema = dict[str, Any]
_TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
}
_REFERENCE = "#/$defs/"


def editor_schema() -> JsonSchema:
    """Return the schema of a blueprint's file, as a JSON document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cloudwright blueprint",
        **_of_shape(blueprint.SECTIONS, {VERSION_KEY: {"enum": list(VERSIONS)}, **_sections()}),
        "$defs": _definitions(),
    }


def _sections() -> Mapping[str, JsonSchema]:
    """The sections whose entries are checked further."""
    kinds = {
        "inputs": "input",
        "data_types": "data_type",
        "node_types": "node_type",
        "relationships": "relationship_type",
        "node_templates": "node_template",
        "plugins": "plugin",
        "workflows": "workflow",
        "outputs": "output",
        "capabilities": "output",
        "groups": "group",
        "policies": "policy",
        "policy_types": "policy_type",
        "policy_triggers": "trigger_type",
        "labels": "label",
        "blueprint_labels": "label",
    }
    sections = {section: _named(kind) for section, kind in kinds.items()}
    sections["deployment_settings"] = _or_nothing({"$ref": f"{_REFERENCE}deployment_settings"})
    sections["imports"] = _or_nothing({"type": "array", "items": {"type": ["string", "object"]}})
    return sections


def _definitions() -> dict[str, JsonSchema]:
    parameters, properties = _named("input"), _named("property")
    declares = {"interfaces": _interfaces("declared_operation")}
    sides = ("source_interfaces", "target_interfaces")
    declared_sides = dict.fromkeys(sides, _interfaces("declared_operation"))
    given_sides = dict.fromkeys(sides, _interfaces("operation"))
    relationships = {"type": "array", "items": {"$ref": f"{_REFERENCE}relationship"}}
    input = _of_shape(schemas.SHAPES["input"], {"constraints": _constraints()})
    node_template = _of_shape(
        node_templates.NODE,
        {
            "interfaces": _interfaces("operation"),
            "relationships": _or_nothing(relationships),
            "instances": _or_nothing(_of_shape(node_templates.INSTANCES)),
        },
    )
    # Of a node that several files make, only one has to say the type.
    del node_template["required"]
    return {
        "property": _of_shape(schemas.SHAPES["property"]),
        "input": input,
        "data_type": _of_shape(data_types.SHAPE, {"properties": properties}),
        "node_type": _of_shape(node_types.NODE_TYPE, {"properties": properties, **declares}),
        "relationship_type": _of_shape(node_types.RELATIONSHIP, {"properties": properties, **declared_sides}),
        "node_template": node_template,
        "relationship": _of_shape(node_templates.RELATIONSHIP, given_sides),
        "declared_operation": _operation(parameters),
        "operation": _operation({"type": ["object", "null"]}),
        "plugin": _of_shape(plugins.SHAPE),
        "workflow": _or_text(_of_shape(workflows.SHAPE, {"parameters": parameters})),
        "output": _of_shape(outputs.OUTPUT),
        "label": _of_shape(outputs.LABEL),
        "group": _of_shape(groups.GROUP),
        "policy": _of_shape(policies.SHAPE),
        "policy_type": _of_shape(groups.TYPE),
        "trigger_type": _of_shape(groups.TRIGGER_TYPE),
        "deployment_settings": _of_shape(
            deployment_settings.SHAPE,
            {"default_schedules": {"additionalProperties": _of_shape(deployment_settings.SCHEDULE)}},
        ),
        # For completion: where a value stands, a function may.
        "function": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {name: {} for name in FUNCTIONS},
            "additionalProperties": False,
        },
    }


def _of_shape(shape: Shape, more: Mapping[str, JsonSchema] | None = None) -> JsonSchema:
    """Return the schema of a mapping; ``more`` says more of some of its entries."""
    more = more or {}
    found: JsonSchema = {
        "type": "object",
        "properties": {
            name: _field(field.types, field.required, more.get(name)) for name, field in shape.items()
        },
        "additionalProperties": False,
    }
    required = [name for name, field in shape.items() if field.required]
    return found | ({"required": required} if required else {})


def _field(types: tuple[type, ...], is_required: bool, more: JsonSchema | None) -> JsonSchema:
    if more is not None:
        return more
    names = sorted({_TYPES[kind] for kind in types})
    # An entry without a value is as if it were not there.
    return {"type": names if is_required else [*names, "null"]}


def _named(kind: str) -> JsonSchema:
    """Return the schema of a mapping from names that are free."""
    return {
        "type": ["object", "null"],
        "additionalProperties": _or_nothing({"$ref": f"{_REFERENCE}{kind}"}),
    }


def _interfaces(operation: str) -> JsonSchema:
    return {
        "type": ["object", "null"],
        "additionalProperties": {
            "type": ["object", "null"],
            "additionalProperties": _or_nothing({"$ref": f"{_REFERENCE}{operation}"}),
        },
    }


def _operation(inputs: JsonSchema) -> JsonSchema:
    return _or_text(_of_shape(interfaces.SHAPE, {"inputs": inputs}))


def _constraints() -> JsonSchema:
    rules = {"type": "object", "properties": {name: {} for name in RULES}}
    return {"type": ["array", "null"], "items": rules}


def _or_text(schema: JsonSchema) -> JsonSchema:
    return {"anyOf": [{"type": "string"}, schema]}


def _or_nothing(schema: JsonSchema) -> JsonSchema:
    return {"anyOf": [{"type": "null"}, schema]}

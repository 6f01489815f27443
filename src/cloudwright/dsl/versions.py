"""The versions of the language, and what each of them added.

``SINCE`` is the whole of it: an element that is not listed is as old as the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Version = tuple[int, int]

VERSION_KEY = "tosca_definitions_version"
PREFIX = "cloudify_dsl_"
VERSIONS: Mapping[str, Version] = MappingProxyType({f"{PREFIX}1_{minor}": (1, minor) for minor in range(6)})
OLDEST: Version = (1, 0)

_OF_SCHEMAS: Mapping[str, Version] = {
    "required": (1, 2),
    "hidden": (1, 3),
    "display_label": (1, 3),
    "item_type": (1, 4),
}

#: The first version that has an element, by the kind of place where it stands and by its name there.
SINCE: Mapping[str, Mapping[str, Version]] = MappingProxyType(
    {
        "section": {
            "dsl_definitions": (1, 2),
            "description": (1, 2),
            "data_types": (1, 2),
            "resource_tags": (1, 3),
            "policies": (1, 3),
        },
        "property": _OF_SCHEMAS,
        "input": _OF_SCHEMAS,
        "parameter": _OF_SCHEMAS,
        "type": {
            **dict.fromkeys(
                (
                    "blueprint_id",
                    "deployment_id",
                    "capability_value",
                    "scaling_group",
                    "node_id",
                    "node_type",
                    "node_instance",
                    "secret_key",
                ),
                (1, 4),
            ),
            "operation_name": (1, 5),
        },
        "constraint": {"error_message": (1, 5)},
        "operation": {"max_retries": (1, 1), "retry_interval": (1, 1)},
        "plugin": {
            "install_arguments": (1, 1),
            "package_name": (1, 2),
            "package_version": (1, 2),
            "supported_platform": (1, 2),
            "distribution": (1, 2),
            "distribution_version": (1, 2),
            "distribution_release": (1, 2),
            "properties_description": (1, 5),
            "properties": (1, 5),
        },
        "import": {"properties": (1, 5)},
        "node template": {"capabilities": (1, 3)},
        "workflow": {"availability_rules": (1, 4)},
        "function": {"concat": (1, 1), "merge": (1, 3)},
    }
)

#: From this version on, these sections may stand in several files, which are merged.
MERGEABLE_SINCE: Version = (1, 3)


def name_of(version: Version) -> str:
    return f"{PREFIX}{version[0]}_{version[1]}"


def since(kind: str, name: str) -> Version:
    return SINCE.get(kind, {}).get(name, OLDEST)


def describe(raw: str) -> dict[str, Any]:
    """Return a version as a plan shows it."""
    return {
        "raw": raw,
        "definitions_name": PREFIX.rstrip("_"),
        "definitions_version": list(VERSIONS[raw]),
    }

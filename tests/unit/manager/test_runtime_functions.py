"""What the manager says exists under Cloudify's names is what processes can import."""

from __future__ import annotations

import importlib

import pytest

from cloudwright.compat import finder
from cloudwright.dsl.types import document
from cloudwright.manager.runtime_functions import is_missing

TYPES = document("1_5").data


def _mappings(value: object) -> set[str]:
    """The functions that the types map operations and workflows to, without the name of the plugin."""
    found = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("implementation", "mapping") and isinstance(inner, str):
                found.add(inner.partition(".")[2])
            found |= _mappings(inner)
    return found


MAPPINGS = sorted(_mappings(TYPES["node_types"]) | _mappings(TYPES["workflows"]))


def test_the_types_map_to_something() -> None:
    assert len(MAPPINGS) > 20


@pytest.mark.parametrize(
    "mapping", [*MAPPINGS, "cloudify.utils.exception_to_error_cause", "cloudify.no.such"]
)
def test_what_is_missing_cannot_be_imported(mapping: str) -> None:
    finder.install()
    module, _, name = mapping.rpartition(".")
    try:
        there = hasattr(importlib.import_module(module), name)
    except ImportError:
        there = False
    assert is_missing(mapping) is not there


@pytest.mark.parametrize("mapping", ["my_plugin.tasks.create", "os.getcwd", "cloudify_aws.vpc.create", "x"])
def test_what_a_plugin_brings_is_not_judged(mapping: str) -> None:
    assert not is_missing(mapping)

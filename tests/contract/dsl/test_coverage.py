"""The corpus has every word of the language in a blueprint that both parsers take."""

from __future__ import annotations

import re
from functools import cache

import corpus
import pytest

from cloudwright.dsl.constraints import RULES
from cloudwright.dsl.functions.syntax import FUNCTIONS
from cloudwright.dsl.property_types import PRIMITIVE_TYPES
from cloudwright.dsl.versions import SINCE, VERSIONS

SECTIONS = """
    imports inputs dsl_definitions data_types node_types relationships node_templates plugins workflows groups
    policies policy_types policy_triggers capabilities outputs labels blueprint_labels resource_tags metadata
    deployment_settings description
"""
ENTRIES = """
    derived_from interfaces source_interfaces target_interfaces implementation executor max_retries
    retry_interval timeout timeout_recoverable required default item_type constraints error_message
    display_label hidden display instances scalable default_instances min_instances max_instances
    connection_type availability_rules is_cascading members targets triggers install_arguments package_name
    package_version use_external_resource runtime_properties default_schedules
"""
WORDS = "all_to_all all_to_one central_deployment_agent host_agent SELF SOURCE TARGET"


@cache
def accepted() -> str:
    """The texts of all cases that both take and read alike."""
    good = [case for case in corpus.cases() if case.kind == "good"]
    return "\n".join("\n".join([case.text, *case.files.values()]) for case in good)


@pytest.mark.parametrize("name", [*FUNCTIONS, *RULES, *SECTIONS.split(), *ENTRIES.split()])
def test_a_key(name: str) -> None:
    assert re.search(rf"\b{name}\b['\"]?:", accepted())


@pytest.mark.parametrize("name", sorted(PRIMITIVE_TYPES))
def test_a_type(name: str) -> None:
    assert re.search(rf"type: {name}\b", accepted())


@pytest.mark.parametrize("name", sorted(VERSIONS))
def test_a_version(name: str) -> None:
    assert f"tosca_definitions_version: {name}\n" in accepted()


@pytest.mark.parametrize("name", WORDS.split())
def test_a_word(name: str) -> None:
    assert re.search(rf"\b{name}\b", accepted())


@pytest.mark.parametrize("name", sorted({name for names in SINCE.values() for name in names}))
def test_what_a_version_added_is_refused_in_those_before_it(name: str) -> None:
    refused = [
        case.text for case in corpus.cases() if case.kind == "bad" and case.says.startswith("cloudify_dsl_")
    ]
    assert any(re.search(rf"\b{name}\b", text) for text in refused)

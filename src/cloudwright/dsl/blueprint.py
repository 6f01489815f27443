"""Reads a blueprint from its main file to its plan: the order in which the sections need each other."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from cloudwright.dsl.data_types import read_data_types
from cloudwright.dsl.deployment_settings import read_settings
from cloudwright.dsl.function_validation import NOWHERE, FunctionValidator, Scope
from cloudwright.dsl.gc_pause import gc_paused
from cloudwright.dsl.groups import GroupReader, read_policy_types
from cloudwright.dsl.imports import Importer, read_document
from cloudwright.dsl.interfaces import InterfaceReader, Operations, OperationTable
from cloudwright.dsl.limits import Limits
from cloudwright.dsl.lint import Linter
from cloudwright.dsl.merging import merge
from cloudwright.dsl.node_graph import PluginSets, check_circles, set_hosts
from cloudwright.dsl.node_templates import NodeReader
from cloudwright.dsl.node_types import TypeReader
from cloudwright.dsl.outputs import read_labels, read_outputs, read_resource_tags
from cloudwright.dsl.plan import Plan
from cloudwright.dsl.plugins import Files, Mappings, read_plugins
from cloudwright.dsl.policies import read_policies, scaling_groups
from cloudwright.dsl.problem_collector import ProblemCollector
from cloudwright.dsl.problems import BlueprintError, Path, Problem, closest, listing
from cloudwright.dsl.resolver import Imported, ImportRefused, ImportResolver, NoImports, read_file
from cloudwright.dsl.schemas import SchemaReader
from cloudwright.dsl.source_files import Origins, SourceFile
from cloudwright.dsl.structure_checks import LIST, MAPPING, STRING, Checker, Field, Shape, word, words
from cloudwright.dsl.values import MOST_VALUES, Values
from cloudwright.dsl.versions import VERSION_KEY, VERSIONS, describe
from cloudwright.dsl.workflows import plugins_of, read_workflows
from cloudwright.dsl.yaml_reader import Budget

SECTIONS: Shape = {
    VERSION_KEY: STRING,
    "description": STRING,
    "imports": LIST,
    "dsl_definitions": Field((dict, list)),
    "metadata": MAPPING,
    "inputs": MAPPING,
    "plugins": MAPPING,
    "node_types": MAPPING,
    "relationships": MAPPING,
    "node_templates": MAPPING,
    "policy_types": MAPPING,
    "policy_triggers": MAPPING,
    "groups": MAPPING,
    "policies": MAPPING,
    "workflows": MAPPING,
    "outputs": MAPPING,
    "data_types": MAPPING,
    "capabilities": MAPPING,
    "imported_blueprints": LIST,
    "namespaces_mapping": MAPPING,
    "labels": MAPPING,
    "blueprint_labels": MAPPING,
    "deployment_settings": MAPPING,
    "resource_tags": MAPPING,
    "upload_resources": MAPPING,
}


def parse_blueprint(
    path: FilePath,
    *,
    text: str | None = None,
    resolver: ImportResolver | None = None,
    limits: Limits | None = None,
    root: FilePath | None = None,
) -> Plan:
    """Return the plan of the blueprint whose main file is ``path``. Raises BlueprintError with all that is
    wrong.

    ``text`` is its content, if that is not what the file holds.
    Imports and scripts are looked for beside the files, and nowhere but below ``root`` (the main file's
    folder, if it is not given); ``resolver`` is asked for whatever else is imported: plugins, other
    blueprints, URLs.
    """
    limits = limits or Limits()
    with gc_paused():
        main = _main_document(path, text, limits, budget := Budget(limits))
        main.root = root or path.parent
        return _parse(main, path.parent, resolver or NoImports(), limits, budget)


def _main_document(path: FilePath, text: str | None, limits: Limits, budget: Budget) -> SourceFile:
    if text is not None:
        return read_document(Imported(str(path), text, path.parent), None, budget)
    try:
        size = path.stat().st_size
        if size > limits.file_bytes:
            raise ImportRefused(f"it has {size} bytes, and the limit is {limits.file_bytes}.")
        imported = read_file(path)
    except (OSError, ImportRefused) as error:
        reason = f"{error.strerror}." if isinstance(error, OSError) else str(error)
        raise BlueprintError([Problem(f"It cannot be read: {reason}", str(path))]) from error
    return read_document(imported, None, budget)


def _parse(
    main: SourceFile, folder: FilePath, resolver: ImportResolver, limits: Limits, budget: Budget
) -> Plan:
    origins = Origins(main)
    problems = ProblemCollector(origins, limits)
    raw_version = _version(main, problems)
    imports = Importer(main, raw_version, resolver, budget, problems).load()
    problems.finish()
    linter = Linter(problems)
    linter.repeated_keys(imports.documents)
    version = VERSIONS[raw_version]
    raw = merge(imports, version, origins, problems)
    checker = Checker(problems, version)
    if not _check_sections(checker, raw):
        # What a section that is missing would define is not to be missed elsewhere.
        problems.finish()
    most_values = MOST_VALUES + 10 * (limits.values - budget.left)
    plan = _Sections(checker, raw, Files(folder, main.root or folder), limits, most_values, linter).plan()
    problems.finish()
    warnings = [warning.to_json() for warning in problems.warnings]
    return Plan({"version": describe(raw_version), **plan, "warnings": warnings})


def _version(main: SourceFile, problems: ProblemCollector) -> str:
    raw = main.data.get(VERSION_KEY)
    if isinstance(raw, str) and raw in VERSIONS:
        return raw
    if raw is None:
        problems.add(
            (),
            f"The main file of a blueprint says its `{VERSION_KEY}`, and this one does not.",
            expected=f"for example `{VERSION_KEY}: {max(VERSIONS)}`",
            suggestion=closest(VERSION_KEY, main.data),
        )
    else:
        problems.add(
            (VERSION_KEY,),
            f"`{raw}` is not a version of the language.",
            expected=f"one of {listing(VERSIONS)}",
            suggestion=closest(raw, VERSIONS),
        )
    problems.finish()
    raise AssertionError("a report with a problem was finished without raising")


def _check_sections(checker: Checker, raw: dict[str, Any]) -> bool:
    """Return whether everything is a section and of its type; what is not is noted."""
    good = True
    for name, value in raw.items():
        field = SECTIONS.get(name)
        if field is None:
            checker.problems.add(
                (name,) if isinstance(name, str) else (),
                f"`{name}` is not a section of a blueprint.",
                key=True,
                expected=f"one of {listing(SECTIONS, most=30)}",
                suggestion=closest(name, SECTIONS),
            )
        elif value is None or isinstance(value, field.types):
            if value is not None:
                checker.available((name,), "section", name)
            continue
        else:
            checker.problems.add(
                (name,), f"The section `{name}` is {word(value)}.", expected=words(field.types)
            )
        good = False
    return good


class _Sections:
    """Reads the sections of one merged document, each after those that it refers to."""

    def __init__(
        self,
        checker: Checker,
        raw: dict[str, Any],
        files: Files,
        limits: Limits,
        most_values: int,
        linter: Linter,
    ) -> None:
        self._checker = checker
        self._raw = raw
        self._files = files
        self._limits = limits
        self._most_values = most_values
        self._linter = linter

    def plan(self) -> dict[str, Any]:
        raw, checker, problems = self._raw, self._checker, self._checker.problems
        values = Values(problems, self._most_values)
        schemas = SchemaReader(checker, values)
        data_types = read_data_types(checker, values, schemas, raw.get("data_types"))
        inputs = schemas.inputs(("inputs",), raw.get("inputs"))
        schemas.check_defaults(("inputs",), inputs)
        plugins = read_plugins(checker, values, raw.get("plugins"))
        mappings = Mappings(checker, plugins, self._files, raw["namespaces_mapping"])
        operations = Operations(checker, mappings, self._linter)
        interfaces = InterfaceReader(checker, schemas)
        types = TypeReader(checker, schemas, interfaces, self._linter)
        node_types = types.node_types(raw.get("node_types"))
        relationship_types = types.relationships(raw.get("relationships"), operations)
        reader = NodeReader(
            checker, values, interfaces, operations, (node_types, relationship_types), self._limits
        )
        nodes = reader.read(raw.get("node_templates"))
        check_circles(problems, nodes)
        set_hosts(nodes, reader.hosts)
        needed = PluginSets(problems, plugins).assign(nodes, reader.tables, reader.hosts)
        workflows = read_workflows(checker, schemas, mappings, raw.get("workflows"))
        policy_types = read_policy_types(checker, schemas, "policy_types", raw.get("policy_types"))
        triggers = read_policy_types(checker, schemas, "policy_triggers", raw.get("policy_triggers"))
        groups = GroupReader(checker, values, policy_types, triggers).read(
            raw.get("groups"), raw.get("node_templates") or {}
        )
        policies = read_policies(checker, raw.get("policies"), groups, self._limits)
        plan = {
            "description": raw.get("description"),
            "metadata": raw.get("metadata"),
            "inputs": inputs,
            "nodes": list(nodes.values()),
            "relationships": {
                name: {
                    "name": name,
                    "derived_from": kind.derived_from,
                    "type_hierarchy": kind.hierarchy,
                    "properties": kind.schema.properties,
                }
                for name, kind in relationship_types.items()
                if kind is not None
            },
            "workflows": workflows,
            "workflow_plugins_to_install": plugins_of(workflows, mappings),
            **needed,
            "outputs": read_outputs(checker, "outputs", raw.get("outputs")),
            "capabilities": read_outputs(checker, "capabilities", raw.get("capabilities")),
            "groups": groups,
            "policies": policies,
            "policy_types": policy_types,
            "policy_triggers": triggers,
            "scaling_groups": scaling_groups(checker, policies, groups, nodes),
            "data_types": data_types,
            "labels": read_labels(checker, "labels", raw.get("labels")),
            "blueprint_labels": read_labels(checker, "blueprint_labels", raw.get("blueprint_labels")),
            "resource_tags": read_resource_tags(checker, raw.get("resource_tags")),
            "deployment_settings": read_settings(checker, raw.get("deployment_settings")),
            "dsl_definitions": raw.get("dsl_definitions"),
            "upload_resources": raw.get("upload_resources"),
            "imported_blueprints": raw["imported_blueprints"],
            "namespaces_mapping": raw["namespaces_mapping"],
        }
        plan["requirements"] = self._check_functions(plan, nodes, inputs, reader)
        return plan

    def _check_functions(
        self,
        plan: dict[str, Any],
        nodes: dict[str, dict[str, Any]],
        inputs: dict[str, Any],
        reader: NodeReader,
    ) -> dict[str, Any]:
        named = self._raw.get("node_templates") or {}
        validator = FunctionValidator(
            self._checker.problems, self._checker.version, inputs, nodes, named, self._linter
        )
        for name, node in nodes.items():
            scope = Scope(node=name)
            path = ("node_templates", name)
            validator.shared(node["properties"], (*path, "properties"), scope)
            scalable = node["capabilities"]["scalable"]["properties"]
            validator.shared(scalable, (*path, "capabilities", "scalable", "properties"), scope)
            tables = reader.tables[name]
            _check_table(validator, tables.own, (*path, "interfaces"), scope)
            for index, (source, target) in enumerate(tables.sides):
                between = Scope(source=name, target=node["relationships"][index]["target_id"])
                place = (*path, "relationships", index)
                _check_table(validator, source, (*place, "source_interfaces"), between)
                _check_table(validator, target, (*place, "target_interfaces"), between)
        for section in ("outputs", "capabilities", "labels"):
            for name, entry in plan[section].items():
                validator.entries(entry, (section, name), NOWHERE)
        for name, policy in plan["policies"].items():
            validator.entries(policy["properties"], ("policies", name, "properties"), NOWHERE)
        validator.entries(plan["deployment_settings"], ("deployment_settings",), NOWHERE)
        return {"parent_capabilities": validator.parent_capabilities, "secrets": validator.secrets}


def _check_table(
    validator: FunctionValidator, table: OperationTable | None, path: Path, scope: Scope
) -> None:
    if table is None:
        return
    for full_name in table.with_functions:
        interface, _, name = full_name.rpartition(".")
        validator.inputs(table.operations[full_name]["inputs"], (*path, interface, name, "inputs"), scope)

"""Resolvers, the limits of what a blueprint can read, namespaces, and what plugins bring along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from cloudwright import dsl
from cloudwright.dsl import Imported, ImportRefused, MappedImports, namespaces

HEAD = "tosca_definitions_version: cloudify_dsl_1_3\n"


class Known:
    """A resolver that knows some references, as a manager does."""

    def __init__(self, known: Mapping[str, Imported]) -> None:
        self.known = known
        self.asked: list[tuple[str, str]] = []

    def resolve(self, reference: str, *, version: str) -> Imported:
        self.asked.append((reference, version))
        if reference not in self.known:
            raise ImportRefused("it is not installed.")
        return self.known[reference]


def main(folder: Path, text: str) -> Path:
    path = folder / "blueprint.yaml"
    path.write_text(HEAD + text)
    return path


def test_a_plugin_with_its_labels(tmp_path: Path) -> None:
    plugin = Imported(
        "plugin:aws",
        "plugins: {aws: {executor: central_deployment_agent, package_name: aws}}\nnode_types: {vm: {}}\n",
        extra={"labels": {"csys-obj-type": ["aws"]}, "resource_tags": {"by": "aws"}},
    )
    resolver = Known({"plugin:aws?version=>=3": plugin})
    plan = dsl.parse_blueprint(
        main(tmp_path, "imports: ['plugin:aws?version=>=3']\nnode_templates: {n: {type: vm}}\n"),
        resolver=resolver,
    )
    assert resolver.asked == [("plugin:aws?version=>=3", "1_3")]
    assert plan.section("labels") == {"csys-obj-type": {"values": ["aws"]}}
    assert plan.section("resource_tags") == {"by": "aws"}


def test_a_plugin_that_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(dsl.BlueprintError, match="`plugin:aws` cannot be imported: it is not installed"):
        dsl.parse_blueprint(main(tmp_path, "imports: [plugin:aws]\n"), resolver=Known({}))


def test_a_blueprint_with_its_own_imports(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "parts.yaml").write_text("node_types: {t: {interfaces: {i: {o: scripts/x.sh}}}}\n")
    text = "imports: [parts.yaml, cloudify/types/types.yaml]\nnode_templates: {db: {type: t}}\n"
    resolver = Known({"blueprint:base": Imported("blueprint:base", text, other)})
    plan = dsl.parse_blueprint(main(tmp_path, "imports: ['b--blueprint:base']\n"), resolver=resolver)
    assert plan.section("imported_blueprints") == ["base"]
    assert plan.section("namespaces_mapping") == {"b": "base"}
    (node,) = plan.nodes
    assert (node["id"], node["type"]) == ("b--db", "b--t")
    assert node["operations"]["o"]["inputs"] == {"script_path": "b--scripts/x.sh"}
    assert "install" in plan.section("workflows")


def test_one_namespace_for_two_blueprints(tmp_path: Path) -> None:
    resolver = Known({f"blueprint:{name}": Imported(f"blueprint:{name}", "{}") for name in "xy"})
    with pytest.raises(dsl.BlueprintError, match="the namespace `b` is taken"):
        dsl.parse_blueprint(
            main(tmp_path, "imports: ['b--blueprint:x', 'b--blueprint:y']\n"), resolver=resolver
        )


def test_a_file_that_imports_itself_under_a_namespace(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("imports: [b.yaml]\n")
    (tmp_path / "b.yaml").write_text("imports: [ns--a.yaml]\n")
    with pytest.raises(dsl.BlueprintError, match="would never end"):
        dsl.parse_blueprint(main(tmp_path, "imports: [a.yaml]\n"))


def test_urls_by_prefix(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.yaml").write_text("node_types: {plain: {}}\n")
    (folder / "a_1_3.yaml").write_text("node_types: {variant: {}}\n")
    resolver = MappedImports({"https://example.com/": folder})
    text = "imports: ['https://example.com/a.yaml']\nnode_templates: {n: {type: variant}}\n"
    assert len(dsl.parse_blueprint(main(tmp_path, text), resolver=resolver).nodes) == 1
    for reference in (
        "https://example.com/nope.yaml",
        "https://example.org/a.yaml",
        "https://example.com/../x.yaml",
    ):
        with pytest.raises(dsl.BlueprintError, match="URLs are not opened"):
            dsl.parse_blueprint(main(tmp_path, f"imports: ['{reference}']\n"), resolver=resolver)


@pytest.mark.parametrize(
    "reference",
    [
        "cloudify/types/types.yaml",
        "http://www.getcloudify.org/spec/cloudify/4.3/types.yaml",
        "https://getcloudify.org/spec/cloudify/5.0.5/types.yaml",
        "https://cloudify.co/spec/cloudify/6.3.2/types.yaml",
        "https://raw.githubusercontent.com/cloudify-cosmo/cloudify-manager/5.0.5/resources/rest-service"
        "/cloudify/types/types.yaml",
    ],
)
def test_the_own_types_by_all_their_names(reference: str, tmp_path: Path) -> None:
    text = f"imports: ['{reference}']\nnode_templates: {{n: {{type: cloudify.nodes.Root}}}}\n"
    assert len(dsl.parse_blueprint(main(tmp_path, text)).nodes) == 1


@pytest.mark.parametrize("how", ["../secret.yaml", "{outside}", "file://{outside}", "link.yaml"])
def test_nothing_outside_of_the_folder_is_read(how: str, tmp_path: Path) -> None:
    outside = tmp_path / "secret.yaml"
    outside.write_text("node_types: {t: {}}\n")
    folder = tmp_path / "blueprint"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(outside)
    path = main(folder, f"imports: ['{how.format(outside=outside)}']\n")
    with pytest.raises(dsl.BlueprintError, match="no such file below the blueprint's folder"):
        dsl.parse_blueprint(path)
    dsl.parse_blueprint(path, root=tmp_path)


def test_an_absolute_path_inside_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a b.yaml").write_text("node_types: {t: {}}\n")
    for reference in (tmp_path / "a b.yaml", f"file://{tmp_path}/a%20b.yaml"):
        dsl.parse_blueprint(main(tmp_path, f"imports: ['{reference}']\nnode_templates: {{n: {{type: t}}}}\n"))


def test_scripts_are_files_of_the_blueprint(tmp_path: Path) -> None:
    (tmp_path / "outside.sh").write_text("")
    folder = tmp_path / "blueprint"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "in.sh").write_text("")
    (folder / "scripts" / "link.sh").symlink_to(tmp_path / "outside.sh")
    base = "plugins: {script: {executor: central_deployment_agent, install: false}}\n"
    for name, good in (
        ("scripts/in.sh", True),
        ("scripts/link.sh", False),
        ("../outside.sh", False),
        ("scripts", False),
    ):
        path = main(
            folder,
            f"{base}node_types: {{t: {{interfaces: {{i: {{o: {name}}}}}}}}}\n"
            "node_templates: {n: {type: t}}\n",
        )
        if good:
            operation = dsl.parse_blueprint(path).nodes[0]["operations"]["o"]
            assert operation["operation"] == "script_runner.tasks.run"
            assert operation["executor"] == "auto"
        else:
            with pytest.raises(dsl.BlueprintError, match="neither a function of a plugin nor a script"):
                dsl.parse_blueprint(path)


def test_functions_of_nodes_under_a_namespace() -> None:
    value = {
        "a": {"get_attributes_list": ["vm", "ip"]},
        "b": {"get_attribute": ["SELF", {"get_input": "x"}]},
        "c": [{"get_input": ["x", 0]}, {"get_secret": "k"}],
        "d": {"get_property": [{"get_input": "x"}, "y"]},
    }
    assert namespaces.value("ns", value) == {
        "a": {"get_attributes_list": ["ns--vm", "ip"]},
        "b": {"get_attribute": ["SELF", {"get_input": "ns--x"}]},
        "c": [{"get_input": ["ns--x", 0]}, {"get_secret": "k"}],
        "d": {"get_property": [{"get_input": "ns--x"}, "y"]},
    }


def test_literal_outputs_stay_literal_under_a_namespace(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("outputs: {o: {value: hello}}\ncapabilities: {c: {value: [x]}}\n")
    plan = dsl.parse_blueprint(main(tmp_path, "imports: [ns--a.yaml]\n"))
    assert plan.section("outputs") == {"ns--o": {"value": "hello"}}
    assert plan.section("capabilities") == {"ns--c": {"value": ["x"]}}


def test_properties_of_a_plugin_under_a_namespace_have_its_prefix(tmp_path: Path) -> None:
    head = "tosca_definitions_version: cloudify_dsl_1_5\n"
    (tmp_path / "a.yaml").write_text(
        "data_types: {d: {properties: {a: {default: 1}}}}\n"
        "plugins:\n  p:\n    executor: central_deployment_agent\n    install: false\n"
        "    properties: {region: {type: string, value: x}, cloudify.own: {type: d}}\n"
        "node_types: {t: {interfaces: {i: {o: p.x}}}}\nnode_templates: {n: {type: t}}\n"
    )
    (tmp_path / "b.yaml").write_text(f"{head}imports: [ns--a.yaml]\n")
    (node,) = dsl.parse_blueprint(tmp_path / "b.yaml").nodes
    (plugin,) = node["plugins"]
    assert plugin["properties"] == {
        "ns--region": {"type": "string", "value": "x"},
        "cloudify.own": {"type": "ns--d"},
    }


def test_own_types_of_every_version(tmp_path: Path) -> None:
    operations = None
    for minor in range(6):
        path = tmp_path / f"b{minor}.yaml"
        path.write_text(
            f"tosca_definitions_version: cloudify_dsl_1_{minor}\nimports: [cloudify/types/types.yaml]\n"
            "node_templates:\n  host: {type: cloudify.nodes.Compute}\n"
            "  web: {type: cloudify.nodes.WebServer, relationships: "
            "[{type: cloudify.relationships.contained_in, "
            "target: host}]}\n"
        )
        plan = dsl.parse_blueprint(path)
        host, web = plan.nodes
        assert web["host_id"] == "host"
        assert (operations is None) or set(host["operations"]) == operations
        operations = set(host["operations"])
        install = plan.section("workflows")["install"]
        assert install["plugin"] == "default_workflows"
        assert install["operation"] == "cloudify.plugins.workflows.install"
        assert (install["availability_rules"] is not None) == (minor >= 4)


@pytest.mark.parametrize(
    ("reference", "suggestion"),
    [
        ("partz.yaml", "parts.yaml"),
        ("sub/tipes.yaml", "sub/types.yaml"),
        ("cloudify/types/type.yaml", "cloudify/types/types.yaml"),
        ("a\\0b", None),
        ("", None),
        ("../partz.yaml", None),
    ],
)
def test_a_misspelt_import(reference: str, suggestion: str | None, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("parts.yaml", "sub/types.yaml"):
        (tmp_path / name).write_text("{}\n")
    with pytest.raises(dsl.BlueprintError) as refusal:
        dsl.parse_blueprint(main(tmp_path, f'imports: ["{reference}"]\n'))
    (problem,) = refusal.value.problems
    assert problem.suggestion == suggestion


def test_what_a_broken_node_would_define_is_not_missed(tmp_path: Path) -> None:
    with pytest.raises(dsl.BlueprintError) as refusal:
        dsl.parse_blueprint(
            main(
                tmp_path,
                "node_types: {t: {}}\nnode_templates: {n: {type: tt}}\n"
                "outputs: {o: {value: {get_property: [n, x]}}, p: {value: {get_attribute: [n, x]}}}\n",
            )
        )
    (problem,) = refusal.value.problems
    assert problem.path == "node_templates.n.type"

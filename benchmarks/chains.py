"""The chains blueprint: nodes in ten chains, each contained in none and depending on the one before it.

``create`` and ``start`` of each are a Python function that does nothing.
"""

from __future__ import annotations

from pathlib import Path

HEAD = """\
tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins:
  noop: {executor: central_deployment_agent, source: noop}
node_types:
  bench.Node:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: noop.noop.nothing
        start: noop.noop.nothing
node_templates:
"""
CODE = "def nothing(**_):\n    pass\n"


def write(folder: Path, nodes: int, chains: int = 10, code: str = CODE) -> Path:
    """Write the blueprint into ``folder``; return its main file. ``code`` defines ``nothing``."""
    package = folder / "plugins" / "noop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(code)
    lines = [HEAD]
    length = nodes // chains
    for chain in range(chains):
        for place in range(length):
            lines.append(f"  n{chain}_{place}:\n    type: bench.Node\n")
            if place:
                before = f"{{type: cloudify.relationships.depends_on, target: n{chain}_{place - 1}}}"
                lines.append(f"    relationships:\n      - {before}\n")
    main = folder / "blueprint.yaml"
    main.write_text("".join(lines))
    return main

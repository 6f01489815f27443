"""A new project: a blueprint, a plugin of its own, and what belongs beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cloudwright.cli.failure import USAGE, Failure

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")

_BLUEPRINT = """\
tosca_definitions_version: cloudify_dsl_1_5

description: What this deploys.

imports:
  - cloudify/types/types.yaml

inputs:
  greeting:
    type: string
    default: Hello
    description: What the application says when it starts.

plugins:
  {plugin}:
    # The code is in plugins/{plugin}.
    source: {plugin}
    executor: central_deployment_agent

node_types:
  {plugin}.Application:
    derived_from: cloudify.nodes.Root
    properties:
      greeting:
        type: string
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {plugin}.{plugin}.create
        start: {plugin}.{plugin}.start
        stop: {plugin}.{plugin}.stop

node_templates:
  application:
    type: {plugin}.Application
    properties:
      greeting: {{get_input: greeting}}

outputs:
  said:
    description: What the application said.
    value: {{get_attribute: [application, said]}}
"""
_PLUGIN = '''\
"""The operations of the blueprint beside this folder."""

from cloudify import ctx
from cloudify.decorators import operation


@operation
def create(**_):
    ctx.logger.info("Creating %s", ctx.instance.id)


@operation
def start(**_):
    # Runtime properties are stored: later operations and outputs read them.
    ctx.instance.runtime_properties["said"] = ctx.node.properties["greeting"]
    ctx.logger.info(ctx.node.properties["greeting"])


@operation
def stop(**_):
    ctx.logger.info("Stopping %s", ctx.instance.id)
'''
_INPUTS = """\
# cfy apply -i inputs.yaml
greeting: Hello
"""
_README = """\
# {name}

```sh
cfy blueprints validate .
cfy apply -d {deployment} -i inputs.yaml
cfy deployments outputs {deployment}
cfy uninstall {deployment}
```

Run `cfy apply` again after a change: it does what is missing.
"""
_IGNORED = """\
__pycache__/
*.pyc
.venv/
# Values that are nobody else's matter; secrets belong into `cfy secrets`.
*.local.yaml
"""


def project_files(name: str) -> Mapping[str, str]:
    """Return the files of a new project by their names. Raises Failure if it cannot be called so."""
    if not _NAME.fullmatch(name):
        raise Failure(
            f"`{name}` cannot be the name of a project.",
            "Begin with a letter, and use letters, digits, `-` and `_`.",
            exit_code=USAGE,
        )
    values = {"name": name, "plugin": name.lower().replace("-", "_"), "deployment": name.replace("_", "-")}
    return {
        "blueprint.yaml": _BLUEPRINT.format(**values),
        "inputs.yaml": _INPUTS,
        f"plugins/{values['plugin']}/__init__.py": _PLUGIN,
        "README.md": _README.format(**values),
        ".gitignore": _IGNORED,
    }


def make_project(folder: Path) -> list[str]:
    """Write a new project into a folder, and return its files. Raises Failure if one of them exists: nothing
    is written then.
    """
    files = project_files(folder.absolute().name)
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise Failure(
            f"{folder} has {', '.join(f'`{name}`' for name in there)} already; nothing was written.",
            "Name another folder, or move what is there.",
        )
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
    except OSError as error:
        raise Failure(f"{error.filename or folder} cannot be written: {error.strerror}.") from error
    return list(files)

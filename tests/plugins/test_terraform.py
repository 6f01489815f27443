"""Cloudify's Terraform plugin 0.20.9, unchanged, with Terraform itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from site_of_plugins import PEERS, Deployment, Site, copied

HERE = Path(__file__).parent / "terraform"


@pytest.fixture
def deployment(site: Site, name: str, tmp_path: Path) -> Deployment:
    site.plugin("cloudify-terraform-plugin")
    program = tmp_path / "terraform-program"
    python = PEERS / "terraform" / "bin" / "python"
    program.write_text(f'#!/bin/sh\nexec {python} {HERE / "program.py"} "$@"\n')
    program.chmod(0o755)
    folder = copied(HERE, tmp_path)
    shutil.make_archive(str(folder / "module"), "zip", folder / "module")
    return site.deploy(name, folder, {"program": str(program)})


def said(deployment: Deployment) -> list[Any]:
    """What each module says of what it has made."""
    return [module["outputs"]["said"]["value"] for module in deployment.instances("module")]


def test_the_life_of_a_deployment(deployment: Deployment) -> None:
    deployment.run("install")
    assert said(deployment) == ["hello"]
    deployment.run("scale", scalable_entity_name="module", delta=1)
    assert said(deployment) == ["hello", "hello"]
    deployment.run("scale", scalable_entity_name="module", delta=-1)
    deployment.run("heal", node_instance_id=deployment.ids("module")[0])
    assert said(deployment) == ["hello"]
    # The plugin has an operation `update` of its own, which applies again what was stored.
    deployment.update(inputs={"greeting": "goodbye"}, reinstall_list=deployment.ids("module"))
    assert said(deployment) == ["goodbye"]
    deployment.run("uninstall")
    assert said(deployment) == []
    deployment.delete()


def test_cancelled_half_way_resumed_and_killed(deployment: Deployment) -> None:
    execution = deployment.cancelled_after("create")
    assert said(deployment) == []
    deployment.resume(execution)
    assert said(deployment) == ["hello"]
    deployment.run("uninstall")
    deployment.cancelled_after("create", "kill")
    deployment.run("install")
    assert said(deployment) == ["hello"]
    deployment.run("uninstall")

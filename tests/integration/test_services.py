"""What deployments use of each other: shared resources, capabilities, blueprints, secrets; what is kept."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from composition import LOW, Composition, component
from ledger import Ledger
from manager_process import ManagerProcess

from cloudwright.client.api import Client
from cloudwright.client.errors import ApiError
from cloudwright.client.target import Target

SHARED = """\
node_templates:
  shared:
    type: cloudify.nodes.SharedResource
    properties: {{resource_config: {{deployment: {{id: {id}}}}}}}
outputs:
  color: {{value: {{get_capability: [{id}, color]}}}}
"""
READING = """\
node_templates: {{own: {{type: thing}}}}
capabilities: {{used_by: {{value: {{get_consumers: ids}}}}}}
outputs:
  all: {{value: {{get_group_capability: [{group}, color]}}}}
  around: {{value: {{get_environment_capability: color}}}}
"""
USING = """\
node_templates: {{own: {{type: thing}}}}
outputs: {{who: {{value: {{get_capability: [{id}, used_by]}}}}}}
"""
PROVIDED = """\
inputs: {ledger: {type: string}}
node_templates:
  password:
    type: cloudify.nodes.PasswordSecret
    properties: {length: 12, uppercase: 2, digits: 3, symbols: -1}
  brought:
    type: cloudify.nodes.Blueprint
    properties:
      resource_config: {id: brought, blueprint_archive: inner, main_file_name: inner.yaml}
      secrets: {old: changed, new: made}
"""
INNER = "tosca_definitions_version: cloudify_dsl_1_4\nimports: [cloudify/types/types.yaml]\n"


@pytest.fixture
def made(manager: ManagerProcess, tmp_path: Path) -> Composition:
    return Composition(manager, tmp_path)


def use(made: Composition) -> str:
    """Install a deployment that uses the lowest one; answers its id."""
    id = made.upload(f"user-of-{made.low}", SHARED.format(id=made.low))
    made.client.deployments.create(id, blueprint_id=id, inputs={"ledger": str(made.folder)})
    run(made.manager, "install", id)
    return id


def run(
    manager: ManagerProcess, workflow: str, deployment: str, status: str = "terminated"
) -> dict[str, Any]:
    id = manager.run(workflow, deployment)
    ended = manager.end(id)
    assert ended["status"] == status, f"{ended['error']}\n{manager.story(id)}"
    return dict(ended)


def test_what_is_used_is_kept(made: Composition) -> None:
    client, user = made.client, use(made)
    assert client.deployments.outputs(user) == {"color": "red"}
    [shared] = client.node_instances.list(deployment_id=user).items
    assert shared["runtime_properties"]["capabilities"] == {"color": "red", "made": "red"}
    for refused in (
        lambda: client.executions.start("uninstall", made.low),
        lambda: client.deployments.delete(made.low),
    ):
        with pytest.raises(ApiError) as error:
            refused()
        assert error.value.code == "dependent_exists_error"
        assert f"`{user}` (`sharedresource.{shared['id']}`)" in str(error.value)
        assert f"`{made.mid}` (`component.{made.part(made.mid)['id']}`)" in str(error.value)
    # The component's own parent does not get past the other user either.
    ended = made.run("uninstall", status="failed")
    assert f"`{user}`" in ended["error"]
    run(made.manager, "uninstall", user)
    made.client.deployments.delete(user)
    made.run("uninstall")
    assert made.deployments() == {made.id}


def test_a_component_that_was_deleted_by_force_is_missing(made: Composition) -> None:
    made.client.deployments.delete(made.mid, force=True)
    ended = made.run("check_status", status="failed")
    assert f"Deployment `{made.mid}`, which" in ended["error"]
    assert "is missing" in ended["error"]
    made.run("uninstall")


def test_parts_by_label_go_before_it(made: Composition, tmp_path: Path) -> None:
    client = made.client
    id = made.upload(f"part-of-{made.id}", LOW)
    client.deployments.create(
        id, blueprint_id=id, inputs={"ledger": str(made.folder)}, labels=[{"csys-obj-parent": made.id}]
    )
    run(made.manager, "install", id)
    with pytest.raises(ApiError, match="csys-obj-parent"):
        client.executions.start("uninstall", made.id)
    made.run("uninstall", recursive=True)
    assert client.deployments.get(id)["installation_status"] == "inactive"
    client.deployments.delete(made.id, recursive=True)
    assert id not in {row["id"] for row in client.deployments.list().items}


def test_it_changes_with_its_parent(made: Composition) -> None:
    blue = component(made.low, made.low, ", labels: [{shade: dark}]").replace(
        "ledger: {get_input: ledger}", "ledger: {get_input: ledger}, color: blue"
    )
    update = made.upload(f"blue-{made.mid}", blue)
    started = made.client.deployment_updates.start(made.mid, blueprint_id=update)
    ended = made.manager.end(str(started["execution_id"]))
    assert ended["status"] == "terminated", made.manager.story(str(started["execution_id"]))
    assert made.client.deployments.get(made.low)["inputs"]["color"] == "blue"


def test_a_second_component_of_one_deployment_is_refused(made: Composition) -> None:
    id = made.upload(f"second-of-{made.low}", component(made.low, made.low))
    made.client.deployments.create(id, blueprint_id=id, inputs={"ledger": str(made.folder)})
    ended = run(made.manager, "install", id, status="failed")
    assert f"There is a deployment `{made.low}` already" in ended["error"]
    run(made.manager, "uninstall", id)
    assert made.low in made.deployments()


def test_what_includes_itself_is_refused_with_the_chain(manager: ManagerProcess, tmp_path: Path) -> None:
    made = Composition(manager, tmp_path, install=False)
    first, second, id = f"a-{made.id}", f"b-{made.id}", f"loop-{made.id}"
    made.upload(first, component(second, f"{id}-2"))
    made.upload(second, component(first, f"{id}-3"))
    made.client.deployments.create(id, blueprint_id=first, inputs={"ledger": str(made.folder)})
    ended = run(manager, "install", id, status="failed")
    chain = f"`{first}` (deployment `{id}`) -> `{second}` (deployment `{id}-2`) -> `{first}`"
    assert f"would include itself without end: {chain}" in ended["error"]
    run(manager, "uninstall", id)
    assert made.client.blueprints.get(first)["state"] == "uploaded"


def test_it_is_scaled_with_deployments_of_its_own(manager: ManagerProcess, tmp_path: Path) -> None:
    made = Ledger(manager, tmp_path, install=False)
    low = made.upload(f"scaled-{made.id}", LOW)
    made.client.deployments.delete(made.id)
    top = made.upload(f"top-{made.id}", component(low, low, ", auto_inc_suffix: true"))
    made.client.deployments.create(made.id, blueprint_id=top, inputs={"ledger": str(made.folder)})

    def below() -> list[str]:
        return sorted(row["id"] for row in made.client.deployments.list().items if row["blueprint_id"] == low)

    made.run("install")
    assert below() == [f"{low}-0"]
    made.run("scale", scalable_entity_name="part", delta=1)
    assert below() == [f"{low}-0", f"{low}-1"]
    made.run("heal")
    made.run("scale", scalable_entity_name="part", delta=-1)
    assert len(below()) == 1
    made.run("uninstall")
    assert below() == []


def test_a_component_with_a_fixed_deployment_is_not_scaled(made: Composition) -> None:
    ended = made.run("scale", status="failed", scalable_entity_name="part", delta=1)
    assert f"has the fixed id `{made.mid}`" in ended["error"]
    assert made.modifications() == []
    made.run("uninstall")


def test_a_user_of_another_tenant_composes_there(
    manager: ManagerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = manager.client._transport.request
    send("POST", "/tenants/second")
    send("PUT", "/users", json={"username": "eve", "password": "a long password", "role": "default"})
    send("PUT", "/tenants/users", json={"tenant_name": "second", "username": "eve", "role": "user"})
    target = Target(manager.client.target.url, username="eve", password="a long password", tenant="second")
    with Client(target) as client:
        monkeypatch.setattr(manager, "_client", client)
        made = Composition(manager, tmp_path)
        assert made.deployments() == {made.id, made.mid, made.low}
        assert {made.only(id)["created_by"] for id in (made.mid, made.low)} == {"eve"}
        assert {made.only(id)["tenant_name"] for id in (made.mid, made.low)} == {"second"}
        made.run("uninstall")
        assert made.deployments() == {made.id}


def test_what_was_there_before_stays(manager: ManagerProcess, tmp_path: Path) -> None:
    client = manager.client
    client.secrets.create("old", "kept")
    archive = io.BytesIO()
    text = (INNER + PROVIDED).encode()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in (("b/blueprint.yaml", text), ("b/inner/inner.yaml", INNER.encode())):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    archive.seek(0)
    client.blueprints.upload("provided", archive, main_file="blueprint.yaml")
    client.deployments.create("provided", blueprint_id="provided", inputs={"ledger": str(tmp_path)})
    run(manager, "install", "provided")
    assert client.blueprints.get("brought")["state"] == "uploaded"
    assert [client.secrets.get(key)["value"] for key in ("old", "new")] == ["kept", "made"]
    [password] = client.node_instances.list(deployment_id="provided", node_id="password").items
    key = password["runtime_properties"]["secret_name"]
    assert key == f"ps_provided_{password['id']}"
    value = client.secrets.get(key)["value"]
    assert len(value) == 12
    assert value.isalnum()
    assert sum(one.isdigit() for one in value) >= 3
    assert sum(one.isupper() for one in value) >= 2
    run(manager, "uninstall", "provided")
    assert [row["key"] for row in client.secrets.list().items] == ["old"]
    assert [row["id"] for row in client.blueprints.list().items if row["id"] == "brought"] == []


def test_groups_environments_and_consumers_are_read(manager: ManagerProcess, tmp_path: Path) -> None:
    client, ledger = manager.client, {"ledger": str(tmp_path)}
    made = Ledger(manager, tmp_path, LOW, install=False)
    group, blue = f"group-of-{made.id}", f"{made.id}-blue"
    client.deployments.create(blue, blueprint_id=made.id, inputs={**ledger, "color": "blue"})
    client.deployment_groups.put(group)
    client.deployment_groups.add(group, deployment_ids=[made.id, blue])
    inside, alone, user = f"in-{made.id}", f"alone-{made.id}", f"using-{made.id}"
    made.upload(inside, READING.format(group=group))
    label = {"csys-obj-parent": blue}
    client.deployments.create(inside, blueprint_id=inside, inputs=ledger, labels=[label])
    assert client.deployments.outputs(inside) == {"all": {made.id: "red", blue: "blue"}, "around": "blue"}
    client.deployments.create(alone, blueprint_id=inside, inputs=ledger)
    assert "has 0 labels `csys-obj-parent`" in client.deployments.outputs(alone)["around"]
    made.upload(user, USING.format(id=inside))
    client.deployments.create(user, blueprint_id=user, inputs=ledger)
    assert client.deployments.outputs(user) == {"who": [user]}

"""What blueprints import from a manager, asked for by the parser's process."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudwright.bus.local import LocalBus
from cloudwright.dsl import BlueprintError, Plan
from cloudwright.errors import DependentExists, InvalidInput, NotFound
from cloudwright.manager.execution_context import read_snapshot
from cloudwright.manager.import_resolver import MAPPED, choose
from cloudwright.manager.manager import Manager
from cloudwright.manager.plugin_environments import PluginEnvironments
from cloudwright.manager.secrets import Viewer
from cloudwright.settings import Settings
from cloudwright.storage import accounts, memberships, plugins
from cloudwright.storage.records import Blueprint, Execution, Plugin
from cloudwright.storage.store import Connection, Store

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
TENANT, OTHER = "default_tenant", "other"
HEAD = "tosca_definitions_version: cloudify_dsl_1_4\n"
BASE = {
    "main.yaml": HEAD + "imports: [parts/types.yaml]\nnode_templates: {db: {type: box}}\n",
    "parts/types.yaml": "node_types: {box: {}}\n",
}
PLUGIN = "plugins: {box: {executor: central_deployment_agent, package_name: box, package_version: '%s'}}\n"


class World:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store.open(f"sqlite:///{home / 'test.db'}")
        self.manager = Manager(
            Settings.load({}, home=home), self.store, LocalBus(), PluginEnvironments(home), name="m"
        )

    def archive(self, files: dict[str, str]) -> Path:
        path = self.manager.blueprints.incoming / "arrived"
        with tarfile.open(path, "w") as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(f"app/{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content.encode()))
        return path

    async def upload(self, id: str, text: str | dict[str, str], **given: Any) -> Blueprint:
        files = {"blueprint.yaml": HEAD + text} if isinstance(text, str) else text
        tenant = given.pop("tenant", TENANT)
        return await self.manager.blueprints.upload(tenant, id, self.archive(files), **{"by": None, **given})

    async def refused(self, text: str | dict[str, str], **given: Any) -> str:
        with pytest.raises(BlueprintError) as refusal:
            await self.upload("refused", text, **given)
        return str(refusal.value)

    def install(self, version: str, name: str = "box", text: str = "", **given: Any) -> None:
        id = f"{name}-{version}"
        folder = self.home / "plugins" / id
        folder.mkdir(parents=True)
        (folder / "plugin.yaml").write_text(PLUGIN % version + text)
        row = Plugin(id=id, package_name=name, package_version=version, path=f"plugins/{id}")
        self.store.write_sync(plugins.create, replace(row, **given), NOON)


Scene = Callable[[World], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[[Scene], None]]:
    world = World(tmp_path)

    async def played(scene: Scene) -> None:
        await world.manager.start()
        try:
            await scene(world)
        finally:
            await world.manager.close()

    yield lambda scene: asyncio.run(played(scene))
    world.store.close()


def test_a_blueprint(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        await world.upload("base", BASE, main_file="main.yaml")
        await world.upload("shared", BASE, main_file="main.yaml", tenant=OTHER, visibility="global")
        for id in ("base", "shared"):
            stored = await world.upload(f"with-{id}", f"imports: [ns--blueprint:{id}]\n")
            plan = Plan.from_json(stored.plan or {})
            assert [node["id"] for node in plan.nodes] == ["ns--db"]
            assert plan.section("imported_blueprints") == [id]
        said = await world.refused("imports: [ns--blueprint:bse]\n")
        assert (
            "no blueprint `bse` is uploaded (uploaded are: `base`, `shared`, `with-base`, `with-shared`)"
            in said
        )
        assert "Did you mean `blueprint:base`?" in said

    play(scene)


def test_a_blueprint_stays_while_others_import_it(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        delete = world.manager.blueprints.delete
        await world.upload("base", BASE, main_file="main.yaml")
        await world.upload("base2", BASE, main_file="main.yaml", tenant=OTHER, visibility="global")
        await world.upload("one", "imports: [ns--blueprint:base]\n")
        await world.upload("two", "imports: [a--blueprint:base, b--blueprint:base2]\nmetadata: {é: 1}\n")
        # Names it, and does not import it.
        await world.upload("three", "metadata: {x: base}\n")
        with pytest.raises(
            DependentExists, match="`base` is imported by the blueprints `one`, `two`,"
        ) as refusal:
            await delete(TENANT, "base")
        assert refusal.value.code == "blueprint_in_use"
        with pytest.raises(DependentExists, match="`base2` is imported by the blueprints `two`,"):
            await delete(OTHER, "base2")
        await delete(TENANT, "two")
        await delete(OTHER, "base2")
        await delete(TENANT, "one")
        await delete(TENANT, "base")

    play(scene)


def test_files_of_an_imported_blueprint(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        inner = {"blueprint.yaml": HEAD, "x.sh": "inner", "a--y.sh": "dashes"}
        outer = {"blueprint.yaml": HEAD + "imports: [in--blueprint:inner]\n", "x.sh": "outer"}
        await world.upload("inner", inner)
        await world.upload("outer", outer)
        await world.manager.deployments.create(TENANT, "d", "outer", {}, viewer=Viewer("ann"))
        known: dict[str, Any] = {"id": "e", "workflow_id": "w", "deployment_id": "d", "tenant": TENANT}
        nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(Execution))
        execution = Execution(**nothing | known)
        snapshot = world.store.read_sync(read_snapshot, execution, world.home)
        assert snapshot.head["blueprint"]["imported"] == ["in"]

        async def read(path: str) -> str:
            return Path(await world.manager.rpc.handle(snapshot, "read_resource", {"path": path})).read_text()

        paths = ("in--x.sh", "in--more--x.sh", "in--a--y.sh", "x.sh")
        assert [await read(path) for path in paths] == ["inner", "inner", "dashes", "outer"]
        for path in ("in--../../../../outer/files/app/x.sh", "in--nowhere.sh", "no--x.sh"):
            with pytest.raises((InvalidInput, NotFound)):
                await read(path)
        # Whatever became of the imported blueprint, the deployment works on.
        await world.manager.blueprints.delete(TENANT, "inner", force=True)
        assert world.store.read_sync(read_snapshot, execution, world.home).imported == {}

    play(scene)


def test_a_blueprint_that_is_wrong_is_told_by_its_name(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        await world.upload("base", BASE, main_file="main.yaml")
        (world.home / "blueprints" / TENANT / "base" / "files" / "app" / "parts" / "types.yaml").write_text(
            "a: ["
        )
        said = await world.refused("imports: [ns--blueprint:base]\n")
        assert "blueprint:base/parts/types.yaml:1:" in said
        assert str(world.home) not in said
        # A file that is there and wrong is told as that, and not as one that is nowhere.
        said = await world.refused({"blueprint.yaml": HEAD + "imports: [a.yaml]\n", "a.yaml": "a: ]"})
        assert ": a.yaml:1:4: This is not valid YAML: " in said

    play(scene)


def test_a_plugin(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        for version in ("1.9", "1.10", "2.0rc1"):
            world.install(version, labels=[{"key": "made-by", "value": version}])
        world.install("3.0", tenant=OTHER)
        stored = await world.upload("newest", "imports: [plugin:box]\n")
        assert stored.plan is not None
        assert stored.plan["labels"] == {"made-by": {"values": ["1.10"]}}
        await world.upload("older", "imports: ['plugin:box?version=<1.10']\n")
        assert "installed are: `1.10`, `1.9`, `2.0rc1`" in await world.refused(
            "imports: ['plugin:box?version=>=3']\n"
        )
        assert "Did you mean `plugin:box`?" in await world.refused("imports: [plugin:bix]\n")

    play(scene)


def test_urls(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        text = "imports: ['https://example.com/types/a.yaml']\nnode_templates: {n: {type: box}}\n"
        assert f"URLs are not opened while a blueprint is parsed. Put the file beside the blueprint and import it by its name, or have it put into the manager's home as `{MAPPED}/example.com/types/a.yaml`." in await world.refused(text)  # fmt: skip  # noqa: E501
        folder = world.home / MAPPED / "example.com" / "types"
        folder.mkdir(parents=True)
        (folder / "a.yaml").write_text("imports: [b.yaml]\n")
        (folder / "b.yaml").write_text("node_types: {box: {}}\n")
        await world.upload("mapped", text)
        (folder / "b.yaml").write_text("node_typs: {}\n")
        assert "https://example.com/types/b.yaml:1:1: `node_typs` is not" in await world.refused(text)
        outside = "imports: ['https://example.com/../../test.db', 'https://%2e%2e/test.db', nowhere.yaml]\n"
        assert (await world.refused(outside)).count("cannot be imported") == 3

    play(scene)


INSTALLED = [
    Plugin(id=f"box-{version}", package_name="box", package_version=version, distribution=distribution)
    for version, distribution in [
        ("1.9", "a"),
        ("1.10", "a"),
        ("2.0", "b"),
        ("2.1rc1", "a"),
        ("nightly", "a"),
    ]
]


@pytest.mark.parametrize(
    ("conditions", "version"),
    [
        ({}, "2.0"),
        ({"version": ">=1.9,<2"}, "1.10"),
        ({"version": "1.9"}, "1.9"),
        ({"version": "1.9.0"}, "1.9"),
        ({"version": "~=1.9"}, "1.10"),
        ({"version": "!=2.0"}, "1.10"),
        ({"version": ">2"}, "2.1rc1"),
        ({"version": "nightly"}, "nightly"),
        ({"distribution": "a"}, "1.10"),
    ],
)
def test_the_newest_that_fulfils_the_conditions(conditions: dict[str, str], version: str) -> None:
    assert choose("box", conditions, INSTALLED).package_version == version


def test_conditions_that_nothing_fulfils() -> None:
    with pytest.raises(NotFound, match="no installed version of the plugin `box` has version `>3`"):
        choose("box", {"version": ">3"}, INSTALLED)
    with pytest.raises(InvalidInput, match="`latest of all` is not a condition for a version"):
        choose("box", {"version": "latest of all"}, INSTALLED)
    with pytest.raises(NotFound, match=r"no plugin `box` is installed \(installed are: none\)"):
        choose("box", {}, [])


def test_a_plan_that_is_too_large_to_be_handed_over(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        # Three files with texts of 24 MB, none of them too large by itself.
        files = {f"{name}.yaml": f"outputs: {{{name}: {{value: {name * 24_000_000}}}}}\n" for name in "abc"}
        said = await world.refused(files | {"blueprint.yaml": HEAD + "imports: [a.yaml, b.yaml, c.yaml]\n"})
        assert "blueprint.yaml: The blueprint's plan takes 69 MiB, and the limit is 64 MiB." in said

    play(scene)


def test_what_is_private_to_somebody_else_is_not_imported(play: Callable[[Scene], None]) -> None:
    async def scene(world: World) -> None:
        def arrange(conn: Connection) -> None:
            accounts.create_tenant(conn, TENANT, NOON)
            for name, role in (("ann", "user"), ("ben", "user"), ("max", "manager")):
                accounts.create_user(conn, name, "x", "default", NOON)
                memberships.add_user(conn, name, TENANT, role)

        await world.store.write(arrange)
        await world.upload("base", BASE, main_file="main.yaml", by="ann", visibility="private")
        box = Plugin(
            id="box",
            package_name="box",
            package_version="1.0",
            path="plugins/box",
            visibility="private",
            created_by="ann",
        )
        await world.store.write(plugins.create, box, NOON)
        for text, missing in (
            ("imports: [ns--blueprint:base]\n", "no blueprint `base` is uploaded"),
            ("imports: [plugin:box]\n", "no plugin `box` is installed"),
        ):
            with pytest.raises(BlueprintError, match=missing):
                await world.upload("bens", text, by="ben")
        for name in ("ann", "max"):
            await world.upload(f"of-{name}", "imports: [ns--blueprint:base]\n", by=name)

    play(scene)

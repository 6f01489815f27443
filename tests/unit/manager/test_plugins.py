"""Plugins that are uploaded: what an archive may be, what it is refused for, and where its code is found."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudwright.artifacts.folder import FolderArtifacts
from cloudwright.dsl import parse_blueprint
from cloudwright.errors import Conflict, DependentExists, InvalidInput, NotFound
from cloudwright.manager.artifacts import Artifacts
from cloudwright.manager.import_resolver import with_code
from cloudwright.manager.plugin_selection import locate
from cloudwright.manager.plugins import FOLDER, Plugins
from cloudwright.storage import blueprints, deployments, plugins
from cloudwright.storage.records import Blueprint, Deployment, Plugin
from cloudwright.storage.store import Store

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
TENANT = "default_tenant"
YAML = "plugins: {box: {executor: central_deployment_agent, package_name: my-box, package_version: '1.0'}}\n"
WHEEL = "my_box-1.0-py3-none-any.whl"
PROJECT = {"plugin.yaml": YAML, "box/__init__.py": "", "pyproject.toml": "[project]\nname='my-box'\n"}


def zipped(files: Mapping[str, str | bytes], links: dict[str, str] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            link = zipfile.ZipInfo(name)
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, target)
    return packed.getvalue()


def wagon(version: str = "1.0", wheels: tuple[str, ...] = (WHEEL, "six-1.0-py3-none-any.whl")) -> bytes:
    facts = {
        "package_name": "my-box",
        "package_version": version,
        "build_server_os_properties": {"distribution": "centos"},
    }
    files = {"package.json": json.dumps(facts)} | {f"wheels/{name}": name for name in wheels}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"my-box/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    return packed.getvalue()


class World:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store.open(f"sqlite:///{home / 'test.db'}")
        ids = itertools.count(1)
        self.artifacts = FolderArtifacts(home / "artifacts")
        artifacts = Artifacts(self.store, self.artifacts)
        self.service = Plugins(self.store, home, artifacts, lambda: NOON, lambda: f"p{next(ids)}")

    def upload(self, files: Mapping[str, str | bytes] | bytes, **given: Any) -> Plugin:
        archive = self.home / "arrived"
        archive.write_bytes(files if isinstance(files, bytes) else zipped(files))
        try:
            return asyncio.run(self.service.upload(TENANT, archive, **{"by": "ann", **given}))
        finally:
            assert not archive.exists()

    def locate(self, **entry: Any) -> Any:
        plugin = {"name": "box", "source": None, "package_name": "my-box", "package_version": "1.0"} | entry
        return locate(self.store.read_sync(with_code, TENANT, self.home, plugin), self.home / "blueprint")

    def kept(self) -> list[str]:
        return sorted(str(path.relative_to(self.home / FOLDER)) for path in self.home.glob(f"{FOLDER}/*/*"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def test_a_wagon_as_the_command_line_of_cloudify_sends_it(world: World) -> None:
    made = world.upload({"my-box.wgn": wagon(), "plugin.yaml": YAML, "plugin_1_3.yaml": YAML}, title="Box")
    assert made == world.store.read_sync(plugins.get, TENANT, "p1")
    assert (made.package_name, made.package_version, made.title) == ("my-box", "1.0", "Box")
    assert (made.archive_name, made.distribution, made.created_by) == ("my-box.wgn", "centos", "ann")
    folder = world.home / str(made.path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "package.json", "plugin.yaml", "plugin_1_3.yaml", "wheels",
    ]  # fmt: skip
    code = world.locate()
    wheels = [str(folder / "wheels" / name) for name in (WHEEL, "six-1.0-py3-none-any.whl")]
    assert code.install == ("--no-index", "--no-deps", *wheels)
    assert (code.path, code.project, code.key) == ((), folder / "wheels", "p1")


def test_a_wagons_copy_of_the_runtime_is_not_installed(world: World) -> None:
    wheels = (WHEEL, "cloudify_common-7.0.5-py3-none-any.whl")
    world.upload({"my-box.wgn": wagon(wheels=wheels), "plugin.yaml": YAML})
    assert [Path(given).name for given in world.locate().install[2:]] == [WHEEL]


def test_a_wheel_may_need_others_from_an_index(world: World) -> None:
    made = world.upload({WHEEL: "x", "plugin.yaml": YAML})
    assert made.archive_name == WHEEL
    assert [Path(given).name for given in world.locate().install] == [WHEEL]


@pytest.mark.parametrize("prefix", ["", "my-box/"])
def test_a_project_without_dependencies_runs_from_where_it_lies(world: World, prefix: str) -> None:
    world.upload({f"{prefix}{name}": content for name, content in PROJECT.items()})
    code = world.locate()
    project = world.home / FOLDER / TENANT / "p1" / "project"
    assert (code.path, code.project) == ((str(project),), None)
    assert (project / "box" / "__init__.py").is_file()


def test_a_project_with_dependencies_is_installed(world: World) -> None:
    world.upload(PROJECT | {"pyproject.toml": "[project]\nname='my-box'\ndependencies=['six']\n"})
    code = world.locate()
    assert (code.install, code.key) == ((str(code.project),), "p1")


def test_a_description_of_another_name_is_taken_where_it_is_the_only_one(world: World) -> None:
    world.upload({WHEEL: "x", "v2_plugin.yaml": YAML})
    assert (world.home / FOLDER / TENANT / "p1" / "plugin.yaml").read_text() == YAML


def test_names_are_compared_as_pythons_packages_are(world: World) -> None:
    made = world.upload({WHEEL: "x", "plugin.yaml": YAML.replace("my-box", "My_Box").replace("1.0", "1.0.0")})
    assert (made.package_name, made.package_version) == ("My_Box", "1.0.0")


def wagon_with(text: str) -> Mapping[str, str | bytes]:
    return {"a.wgn": zipped({"x/package.json": text, f"x/wheels/{WHEEL}": "x"}), "plugin.yaml": YAML}


def facts(**more: Any) -> str:
    return json.dumps({"package_name": "my-box", "package_version": "1.0"} | more)


def test_a_link_to_a_description_is_what_it_leads_to(world: World) -> None:
    made = world.upload(zipped({"texts/it.yaml": YAML, WHEEL: "x"}, {"plugin.yaml": "texts/it.yaml"}))
    file = asyncio.run(world.service.description(TENANT, made.id))
    assert (file.is_symlink(), file.read_text()) == (False, YAML)


def test_links_lead_nowhere_else_from_where_their_files_are_moved(world: World) -> None:
    world.upload(PROJECT)
    newer = {"in/plugin.yaml": YAML.replace("1.0", "1.1"), "in/x.py": ""}
    made = world.upload(zipped(newer, {"in/plugin_1_3.yaml": "../p1/archive"}))
    assert not (world.home / str(made.path) / "plugin_1_3.yaml").is_symlink()
    deep = "a/b/c/d/e/f/g/h"
    links = {"x/wheels": deep, f"x/{deep}/{WHEEL}": "../" * 9 + "etc/passwd"}
    packed = zipped({"x/package.json": facts(), f"x/{deep}/kept": ""}, links)
    with pytest.raises(InvalidInput, match="no wheels"):
        world.upload({"a.wgn": packed, "plugin.yaml": YAML})


def test_folders_may_be_called_like_packages(world: World) -> None:
    world.upload(PROJECT | {"a.wgn/x": "", f"{WHEEL}/x": "", "plugin_1_3.yaml/x": ""})
    assert world.locate().key == "p1"
    assert asyncio.run(world.service.description(TENANT, "p1", "1_3")).name == "plugin.yaml"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (wagon_with("[" * 100_000), "`a.wgn` is not a wagon"),
        (wagon_with(" " * (5 << 20)), "`package.json` takes more than 4 MiB"),
        (wagon_with(facts(build_server_os_properties=["x"])), "`a.wgn` is not a wagon"),
        (wagon_with(facts(build_server_os_properties={"distribution": "\ud800"})), "must be plain text"),
        ({WHEEL: "x", "plugin.yaml": " " * (5 << 20)}, "`plugin.yaml` takes more than 4 MiB"),
        ({"my-box.wgn": wagon()}, "holds no `plugin.yaml`"),
        (wagon(), "holds no `plugin.yaml`"),
        ({"plugin.yaml": YAML}, "and no code"),
        ({"a.wgn": wagon(), "b.wgn": wagon(), "plugin.yaml": YAML}, "several wagons"),
        ({"a.wgn": zipped({"x/y": ""}), "plugin.yaml": YAML}, "`a.wgn` is not a wagon"),
        ({"a.wgn": zipped({"x/package.json": "[]"}), "plugin.yaml": YAML}, "`a.wgn` is not a wagon"),
        ({"a.wgn": b"nonsense", "plugin.yaml": YAML}, "not an archive"),
        ({"a.wgn": wagon(wheels=()), "plugin.yaml": YAML}, "no wheels"),
        ({"a.wgn": wagon("2.0"), "plugin.yaml": YAML}, "about version 1.0 .* holds version 2.0"),
        (
            {"a.wgn": wagon(wheels=("my_box-1.0-cp36-cp36m-win32.whl",)), "plugin.yaml": YAML},
            "another version of Python or another machine",
        ),
        ({"my.whl": "x", "plugin.yaml": YAML}, "`my.whl` is not the name of a wheel"),
        ({WHEEL: "x", "plugin.yaml": "plugins: [\n"}, r"plugin.yaml:2 cannot be read"),
        ({WHEEL: "x", "plugin.yaml": "node_types: {}\n"}, "no section `plugins`"),
        ({WHEEL: "x", "plugin.yaml": "plugins: {a: {}}\n"}, "one `package_name`: `my-box`.* It has: none"),
        ({WHEEL: "x", "plugin.yaml": YAML.replace("my-box", "other")}, "It has: `other`"),
        ({"x.py": "", "plugin.yaml": YAML.replace("package_version", "version")}, "the `package_version`"),
        ({"../x.py": "", "plugin.yaml": YAML}, r"leads out of the archive"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing(world: World, files: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        world.upload(files)
    assert world.kept() == []


def test_a_version_is_there_once(world: World) -> None:
    world.upload(PROJECT)
    with pytest.raises(Conflict, match=r"`my-box` 1.0 is there already, as `p1`"):
        world.upload(PROJECT)
    world.upload({"a.wgn": wagon(), "plugin.yaml": YAML})
    world.upload(PROJECT | {"plugin.yaml": YAML.replace("1.0", "1.1")})
    assert len(world.kept()) == 3


def test_the_version_of_the_plan_runs(world: World) -> None:
    world.upload(PROJECT)
    world.upload(PROJECT | {"plugin.yaml": YAML.replace("1.0", "1.1")})
    assert world.locate().key == "p1"
    assert world.locate(package_version="1.1").key == "p2"
    assert world.locate(package_version=None).key == "p2"
    with pytest.raises(NotFound, match=r"`box` .package my-box 2. is not installed.*cfy plugins upload"):
        world.locate(package_version="2")
    (world.home / FOLDER / TENANT / "p1" / "project").rename(world.home / "gone")
    with pytest.raises(NotFound, match="has lost its files"):
        world.locate()


def deploy(world: World) -> None:
    file = world.home / "blueprint.yaml"
    text = "node_types: {t: {interfaces: {i: {o: box.x}}}}\nnode_templates: {n: {type: t}}\n"
    file.write_text("tosca_definitions_version: cloudify_dsl_1_3\n" + YAML + text)
    blueprint = Blueprint(id="b", state="uploaded", plan=parse_blueprint(file).pack())
    world.store.write_sync(blueprints.create, blueprint, NOON)
    deployment = Deployment(id="d", blueprint_id="b", display_name="d")
    world.store.write_sync(deployments.create, deployment, [], [], NOON)


def test_it_stays_while_deployments_need_it(world: World) -> None:
    world.upload(PROJECT)
    world.upload(PROJECT | {"plugin.yaml": YAML.replace("1.0", "1.1")})
    deploy(world)
    asyncio.run(world.service.delete(TENANT, "p2"))
    with pytest.raises(DependentExists, match="used by the deployments `d`") as refusal:
        asyncio.run(world.service.delete(TENANT, "p1"))
    assert refusal.value.code == "plugin_in_use"
    environment = world.home / "plugins" / "p1"
    environment.mkdir(parents=True)
    asyncio.run(world.service.delete(TENANT, "p1", force=True))
    assert (world.kept(), environment.exists()) == ([], False)
    with pytest.raises(NotFound):
        asyncio.run(world.service.delete(TENANT, "p1"))


def test_its_files(world: World) -> None:
    newer = YAML + "node_types: {}\n"
    world.upload(PROJECT | {"plugin_1_4.yaml": newer})

    def described(*given: str) -> str:
        return asyncio.run(world.service.description(TENANT, "p1", *given)).read_text()

    assert described() == described("1_3") == described("../x") == YAML
    assert described("a" * 300) == described("1" * 300) == YAML
    assert described("1_4") == described("cloudify_dsl_1_4") == newer
    assert zipfile.is_zipfile(asyncio.run(world.service.archive(TENANT, "p1")))
    row = world.store.read_sync(plugins.get, TENANT, "p1")
    world.store.write_sync(plugins.create, replace(row, id="bare", path=None, artifact=None), NOON)
    with pytest.raises(NotFound, match="has no archive"):
        asyncio.run(world.service.archive(TENANT, "bare"))


def test_the_archive_of_an_older_home_becomes_an_artifact(world: World) -> None:
    made = world.upload(PROJECT)
    assert made.artifact
    older = world.home / str(made.path) / "archive"
    world.artifacts.path(made.artifact).rename(older)
    world.store.write_sync(plugins.update, TENANT, "p1", artifact=None)
    asyncio.run(world.service.recover())
    assert zipfile.is_zipfile(asyncio.run(world.service.archive(TENANT, "p1")))
    assert (list(world.artifacts.digests()), older.exists()) == ([made.artifact], False)
    asyncio.run(world.service.delete(TENANT, "p1"))
    assert list(world.artifacts.digests()) == []


def test_what_an_interrupted_upload_or_deletion_left_is_removed(world: World) -> None:
    world.upload(PROJECT)
    (world.home / FOLDER / TENANT / "half").mkdir()
    environments = [world.home / "plugins" / key for key in ("half", "p1")]
    for environment in environments:
        environment.mkdir(parents=True)
    asyncio.run(world.service.recover())
    assert world.kept() == [f"{TENANT}/p1"]
    assert [environment.exists() for environment in environments] == [False, True]


@pytest.mark.parametrize("there_already", [False, True])
def test_the_files_of_an_upload_that_nobody_waits_for_stay_if_its_row_does(
    world: World, monkeypatch: pytest.MonkeyPatch, there_already: bool
) -> None:
    """The caller goes away while the database is busy: it is written all the same."""
    if there_already:
        world.upload(PROJECT)
    archive = world.home / "arrived"
    archive.write_bytes(zipped(PROJECT))
    goes_on = threading.Event()
    write = world.store.write

    async def upload() -> None:
        reached = asyncio.Event()

        def slow(*given: Any) -> Any:
            write(lambda conn: goes_on.wait())
            reached.set()
            return write(*given)

        monkeypatch.setattr(world.store, "write", slow)
        uploading = asyncio.create_task(world.service.upload(TENANT, archive, by="ann"))
        await reached.wait()
        uploading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await uploading
        goes_on.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(upload())
    assert world.kept() == [f"{TENANT}/p1"]
    assert world.locate().key == "p1"
    assert not archive.exists()

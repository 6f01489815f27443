from __future__ import annotations

import asyncio
import io
import itertools
import re
import tarfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudwright.artifacts.folder import FolderArtifacts
from cloudwright.bus import topics
from cloudwright.bus.local import LocalBus
from cloudwright.dsl import BlueprintError, Problem
from cloudwright.errors import (
    Conflict,
    DependentExists,
    IllegalAction,
    InvalidBlueprint,
    InvalidInput,
    NotFound,
    Unavailable,
)
from cloudwright.manager.archives import UnsafeArchive
from cloudwright.manager.artifacts import Artifacts
from cloudwright.manager.blueprints import Blueprints
from cloudwright.manager.labels import make_labels, plan_labels
from cloudwright.storage import blueprints as stored
from cloudwright.storage import deployments
from cloudwright.storage.filters import BlueprintFilter
from cloudwright.storage.paging import Page
from cloudwright.storage.records import Blueprint, Deployment
from cloudwright.storage.store import Store

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
TENANT = "default_tenant"
PLAN = {
    "description": "what it is for",
    "nodes": [],
    "blueprint_labels": {"team": {"values": ["red", "blue"]}},
    "warnings": [],
}


class World:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store.open(f"sqlite:///{home / 'test.db'}")
        self.bus = LocalBus()
        ids = (f"upload-{number}" for number in itertools.count())
        self.parsed: list[str] = []
        self.parse: Callable[[Path], Awaitable[dict[str, Any]]] = self.parse_well
        self.artifacts = FolderArtifacts(home / "artifacts")
        self.service = Blueprints(
            self.store,
            self.bus,
            home,
            Artifacts(self.store, self.artifacts),
            lambda tenant, path, by: self.parse(path),
            lambda: NOON,
            lambda: next(ids),
        )

    async def parse_well(self, path: Path) -> dict[str, Any]:
        self.parsed.append(path.read_text())
        return PLAN

    def archive(self, **files: str) -> Path:
        """An archive with one folder, ready to be uploaded."""
        path = self.service.incoming / "arrived"
        with tarfile.open(path, "w:gz") as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(f"app/{name.replace('__', '/')}.yaml")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content.encode()))
        return path

    def record(self, id: str = "web") -> Blueprint:
        return self.store.read_sync(stored.get, TENANT, id, with_plan=True)

    @property
    def files(self) -> set[str]:
        """What lies in the home besides the database."""
        return {
            str(path.relative_to(self.home))
            for path in self.home.rglob("*")
            if path.is_file() and not path.name.startswith("test.db")
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def upload(world: World, archive: Path | None = None, **given: Any) -> Blueprint:
    archive = archive or world.archive(blueprint="it")
    return asyncio.run(world.service.upload(TENANT, "web", archive, **{"by": "ann", **given}))


def test_an_archive_becomes_files_and_a_plan(world: World) -> None:
    archive = world.archive(blueprint="it", scripts__x="y")
    content = archive.read_bytes()

    blueprint = upload(world, archive, labels=[("Env", "test"), ("env", "test")])

    assert world.parsed == ["it"]
    assert blueprint == world.record()
    assert (blueprint.state, blueprint.error, blueprint.plan) == ("uploaded", None, PLAN)
    assert (blueprint.description, blueprint.created_by, blueprint.main_file_name) == (
        "what it is for", "ann", "blueprint.yaml",
    )  # fmt: skip
    assert [(label["key"], label["value"]) for label in blueprint.labels] == [
        ("env", "test"), ("team", "red"), ("team", "blue"),
    ]  # fmt: skip
    assert blueprint.path == "blueprints/default_tenant/web/files/app"
    digest = str(blueprint.artifact)
    assert world.files == {
        f"artifacts/{digest[:2]}/{digest[2:]}",
        f"{blueprint.path}/blueprint.yaml",
        f"{blueprint.path}/scripts/x.yaml",
    }
    kept, ending = asyncio.run(world.service.archive(TENANT, "web"))
    assert (kept.read_bytes(), ending) == (content, ".tar.gz")


def test_the_application_file_may_lie_deeper(world: World) -> None:
    blueprint = upload(world, world.archive(other="no", deep__er="yes"), main_file="deep/er.yaml")
    assert world.parsed == ["yes"]
    assert (blueprint.main_file_name, blueprint.path) == (
        "deep/er.yaml",
        "blueprints/default_tenant/web/files/app",
    )


def test_states_are_told_one_after_another(world: World) -> None:
    async def scene() -> list[str]:
        async with world.bus.subscribe(topics.blueprint(TENANT, "web")) as told:
            await world.service.upload(TENANT, "web", world.archive(blueprint="it"), by="ann")
            return [message[1]["state"] for message in [await told.get(0) for _ in range(3)] if message]

    assert asyncio.run(scene()) == ["extracting", "parsing", "uploaded"]


async def parse_badly(path: Path) -> dict[str, Any]:
    raise BlueprintError([Problem(f"there is no type `x` (see {path.parent}/a.yaml)", str(path), 7, 3)])


async def parse_slowly(path: Path) -> dict[str, Any]:
    raise Unavailable("The parser ran out of time.")


async def parse_strangely(path: Path) -> dict[str, Any]:
    raise RuntimeError("secret detail")


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize(
    ("parse", "files", "state", "error", "said"),
    [
        (parse_badly, {"blueprint": ""}, "invalid", InvalidBlueprint, r": blueprint.yaml:7:3: .*\(see a"),
        (parse_slowly, {"blueprint": ""}, "failed_parsing", Unavailable, "ran out of time"),
        (parse_strangely, {"blueprint": ""}, "failed_parsing", RuntimeError, "blueprint: RuntimeError"),
        (None, {"c": "", "b": ""}, "failed_extracting", UnsafeArchive, "no file `blueprint.yaml`.*b.yaml, c"),
    ],
)  # fmt: skip
def test_a_failure_is_kept_in_the_record_and_leaves_no_files(
    world: World,
    parse: Any,
    files: dict[str, str],
    state: str,
    error: type[Exception],
    said: str,
    background: bool,
) -> None:
    world.parse = parse or world.parse

    async def scene() -> None:
        archive = world.archive(**files)
        if not background:
            with pytest.raises(error):
                await world.service.upload(TENANT, "web", archive, by="ann")
            return
        async with world.bus.subscribe(topics.blueprint(TENANT, "web")) as told:
            began = await world.service.upload(TENANT, "web", archive, by="ann", background=True)
            assert began.state == "uploading"
            async for _, message in told:
                if message["state"] == state:
                    return

    asyncio.run(scene())
    record = world.record()
    assert record.state == state
    assert record.plan is None
    assert re.search(said, record.error or "")
    assert "secret detail" not in (record.error or "")
    assert world.files == set()
    with pytest.raises(NotFound, match="has no archive"):
        asyncio.run(world.service.archive(TENANT, "web"))


def test_an_unsafe_archive_is_refused(world: World) -> None:
    path = world.service.incoming / "arrived"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("../../evil"))
    with pytest.raises(UnsafeArchive, match="evil"):
        upload(world, path)
    assert world.record().state == "failed_extracting"
    assert world.files == set()


def test_what_failed_is_replaced_and_what_did_not_is_not(world: World) -> None:
    world.parse = parse_badly
    with pytest.raises(InvalidBlueprint):
        upload(world)
    world.parse = world.parse_well
    upload(world)
    with pytest.raises(Conflict, match="is `uploaded`"):
        upload(world, world.archive(blueprint="another"))
    assert world.parsed == ["it"]
    assert world.record().state == "uploaded"
    assert not (world.service.incoming / "arrived").exists()


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("", {}),
        ("../up", {}),
        (".hidden", {}),
        ("a/b", {}),
        ("x" * 257, {}),
        ("web", {"main_file": "../../etc/passwd"}),
        ("web", {"main_file": "/etc/passwd"}),
        ("web", {"visibility": "everybody"}),
        ("web", {"labels": [("a b", "c")]}),
        ("web", {"labels": [("a", "c" * 257)]}),
    ],
)
def test_what_is_malformed_changes_nothing(world: World, id: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        asyncio.run(world.service.upload(TENANT, id, world.archive(blueprint=""), by="ann", **given))
    assert world.files == set()
    assert world.store.read_sync(stored.list_blueprints, BlueprintFilter(), Page()) == ([], 0)


def test_who_asked_may_go_away_and_the_upload_ends_all_the_same(world: World) -> None:
    async def scene() -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def parse(path: Path) -> dict[str, Any]:
            entered.set()
            await go_on.wait()
            return PLAN

        world.parse = parse
        asking = asyncio.create_task(
            world.service.upload(TENANT, "web", world.archive(blueprint=""), by="ann")
        )
        await entered.wait()
        with pytest.raises(IllegalAction, match="is `parsing`"):
            await world.service.delete(TENANT, "web")
        asking.cancel()
        await asyncio.wait([asking])
        async with world.bus.subscribe(topics.blueprint(TENANT, "web")) as told:
            go_on.set()
            heard = await told.get()
            assert heard is not None
            assert heard[1] == {"state": "uploaded"}

    asyncio.run(scene())
    assert world.record().state == "uploaded"


def test_an_upload_that_a_restart_cut_off_is_said_to_have_failed(world: World) -> None:
    async def scene() -> None:
        entered = asyncio.Event()

        async def parse(path: Path) -> dict[str, Any]:
            entered.set()
            await asyncio.Event().wait()
            raise AssertionError

        world.parse = parse
        await world.service.upload(TENANT, "web", world.archive(blueprint=""), by="ann", background=True)
        await entered.wait()
        await world.service.close()
        (world.service.incoming / "half").write_text("of an archive")
        await world.service.recover()

    asyncio.run(scene())
    assert (world.record().state, world.files) == ("failed_uploading", set())
    assert "Upload it again" in str(world.record().error)
    world.parse = world.parse_well
    assert upload(world).state == "uploaded"


def test_delete(world: World) -> None:
    upload(world)
    deployment = Deployment(id="d", blueprint_id="web")
    world.store.write_sync(deployments.create, deployment, [], [], NOON)
    with pytest.raises(DependentExists):
        asyncio.run(world.service.delete(TENANT, "web"))
    assert len(world.files) == 2

    world.store.write_sync(deployments.delete, TENANT, "d")
    asyncio.run(world.service.delete(TENANT, "web"))
    assert world.files == set()
    with pytest.raises(NotFound):
        asyncio.run(world.service.delete(TENANT, "web"))


def test_validating_keeps_nothing(world: World) -> None:
    asyncio.run(
        world.service.validate(TENANT, "web", world.archive(main="it"), main_file="main.yaml", by="ann")
    )
    assert world.parsed == ["it"]
    assert world.files == set()

    world.parse = parse_badly
    with pytest.raises(BlueprintError) as refused:
        asyncio.run(world.service.validate(TENANT, "web", world.archive(blueprint=""), by="ann"))
    assert refused.value.problems[0].file == "blueprint.yaml"
    assert world.files == set()
    with pytest.raises(NotFound):
        world.record()


def test_labels_are_replaced(world: World) -> None:
    upload(world)
    changed = asyncio.run(world.service.set_labels(TENANT, "web", [("env", "prod")], by="bob"))
    assert changed.labels == [
        {"key": "env", "value": "prod", "created_at": NOON.isoformat(), "created_by": "bob"}
    ]


def test_labels_of_a_plan() -> None:
    assert plan_labels(None) == []
    assert plan_labels({"a": {"values": ["x", 1]}, "b": {}}) == [("a", "x"), ("a", "1")]
    assert make_labels([], by=None, now=NOON) == []


def test_what_was_uploaded_twice_is_stored_once_until_both_are_deleted(world: World) -> None:
    first = upload(world)
    copy = world.service.incoming / "again"
    copy.write_bytes(world.artifacts.path(str(first.artifact)).read_bytes())
    second = asyncio.run(world.service.upload(TENANT, "other", copy, by="ann"))
    assert second.artifact == first.artifact
    assert list(world.artifacts.digests()) == [first.artifact]
    asyncio.run(world.service.delete(TENANT, "web"))
    file, kind = asyncio.run(world.service.archive(TENANT, "other"))
    assert (file.exists(), kind) == (True, ".tar.gz")
    asyncio.run(world.service.delete(TENANT, "other"))
    assert list(world.artifacts.digests()) == []


def test_the_archive_of_an_older_home_becomes_an_artifact(world: World) -> None:
    made = upload(world)
    older = world.home / "blueprints" / TENANT / "web" / "archive"
    world.artifacts.path(str(made.artifact)).rename(older)
    world.store.write_sync(stored.update, TENANT, "web", NOON, artifact=None)
    asyncio.run(world.service.recover())
    file, _ = asyncio.run(world.service.archive(TENANT, "web"))
    assert tarfile.is_tarfile(file)
    assert (world.record().artifact, older.exists()) == (made.artifact, False)
